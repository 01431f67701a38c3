# What the tests of a server under load share. For ../peer/serve-*.
import errno, os, random, resource, select, signal, socket, struct, threading, time

from fdmsg import *

work = os.environ["WORK"]
STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
KINDS = {"unix": STREAM, "unix-seqpacket": SEQPACKET, "unix-dgram": DGRAM}

def connect(path, kind=STREAM):
    """A socket that is connected to the Unix socket PATH, whose calls wait for 20 s at most."""
    peer = socket.socket(socket.AF_UNIX, kind)
    # Python's own timeout would make a full backlog an error.
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 20, 0))
    peer.connect(path)
    peer.settimeout(20)
    return peer

def until(condition, what):
    """Waits, for 20 s at most, until CONDITION() is true, and returns what it is."""
    deadline = time.monotonic() + 20
    while not (result := condition()):
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.001)
    return result

def line(process):
    """The next line of a process."""
    return json.loads(process.stdout.readline())

def stop(process):
    """Stops a process; SIGCONT makes it go on."""
    process.send_signal(signal.SIGSTOP)
    while os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)[0] == 0:
        pass

def opened(process):
    """How many descriptors a process has open, without the pollers of its own."""
    directory, count = f"/proc/{process.pid}/fd", 0
    for fd in os.listdir(directory):
        try:
            count += os.readlink(f"{directory}/{fd}") != "anon_inode:[eventpoll]"
        except FileNotFoundError:
            pass
    return count

def memory(process, field="VmRSS"):
    """What a process has in memory, in MiB: VmRSS now, VmHWM at most so far."""
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(l.split()[1]) // 1024 for l in status if l.startswith(field + ":"))

def few(number):
    """A preexec_fn: no more than so many descriptors."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

def warned(err, *patterns):
    """Standard error is one line for each pattern, in any order."""
    import re
    left = err.splitlines()
    for pattern in patterns:
        found = [l for l in left if re.fullmatch("fdmsg: listen: " + pattern, l)]
        assert found, f"no line {pattern!r} in:\n{err}"
        left.remove(found[0])
    assert not left, f"unexpected: {left}"
