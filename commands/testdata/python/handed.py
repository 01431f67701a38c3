# What COMMAND is handed. Run as a program, this module is a COMMAND that prints it as one
# line of JSON. For ../peer/command-*.
import fcntl, json, os, select, signal, socket, subprocess, sys, time

from fdmsg import *

# COMMAND. An argument after it is the name of a variable with a descriptor to be read.
HANDED = [sys.executable, "-m", "handed"]
STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
OURS = ("LISTEN_", "FDMSG_", "NOTIFY_", "WATCHDOG_", "KEPT")

def identity(fd):
    """Which open file FD is, and with which status flags."""
    st = os.fstat(fd)
    return [st.st_dev, st.st_ino, fcntl.fcntl(fd, fcntl.F_GETFL)]

def handed():
    fds, close_on_exec = {}, []
    for name in os.listdir("/proc/self/fd"):
        try:
            fds[name] = identity(int(name))
        except OSError:
            continue # that of the listing itself
        if fcntl.fcntl(int(name), fcntl.F_GETFD):
            close_on_exec.append(int(name))
    env = {name: value for name, value in os.environ.items() if name.startswith(OURS) and name != "FDMSG_WORD"}
    read = {}
    for name in sys.argv[1:]:
        fd = int(os.environ.get(name, name))
        with open(fd, "rb", closefd=False) as file:
            read[name] = file.read().hex()
    return dict(pid=os.getpid(), parent=os.getppid(), env=env, fds=fds, close_on_exec=close_on_exec, read=read)

def until(condition):
    """Waits for CONDITION, for 20 seconds at most."""
    end = time.monotonic() + 20
    while not (result := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
    return result

def connected(path, kind=SEQPACKET):
    """A socket that is connected to PATH."""
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.settimeout(20)
    sock.connect(path)
    return sock

def children(pid):
    """The processes that PID has started and that are still there, zombies too: {pid: state}."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children") as file:
                pids = file.read().split()
        except FileNotFoundError:
            continue
        for child in pids:
            if (state := state_of(child)):
                found[int(child)] = state
    return found

def state_of(pid):
    """R, S, Z ...; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None

def events(path, *types):
    """The lines in the file PATH, those of TYPES only, if there are TYPES."""
    with open(path) as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [line for line in lines if not types or line["type"] in types]

def defaults():
    """In a new process: the signals that end a run are not ignored, as a script's background jobs have it."""
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, signal.SIG_DFL)

if __name__ == "__main__":
    sys.stdout.write(json.dumps(handed()) + "\n")
