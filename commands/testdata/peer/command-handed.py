"""What COMMAND of recv, call, open and listen gets: the descriptors in their places, no
others, and the variables that describe them.
"""
from handed import *

# Files that can be told apart, every other one not blocking.
files = []
for i in range(250):
    with open(f"file{i}", "w") as file:
        file.write(f"{i}\n" * 10)
    files.append(os.open(f"file{i}", (os.O_RDONLY, os.O_RDWR | os.O_NONBLOCK, os.O_WRONLY | os.O_APPEND)[i % 3]))
    os.lseek(files[-1], i % 7, os.SEEK_SET)
r, w = os.pipe2(os.O_NONBLOCK)

# What is about others, and what is not about descriptors.
stale = dict(LISTEN_FDS="7", LISTEN_PID="1", LISTEN_PIDFDID="5", LISTEN_FDNAMES="stale", FDMSG_MESSAGE="stale", FDMSG_MESSAGE_FD="9",
    FDMSG_CONN="77", FDMSG_FROM="stale", KEPT="kept \udcff as it is")
options = dict(env={**os.environ, **stale})

def recv(fds, *args):
    ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [b"text"], fds)
        return start("recv", "-t", "20", *args, f"fd:{theirs.fileno()}", "--", *HANDED, fds=[theirs.fileno()], **options)

peers = []
def call(fds, *args):
    ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
    peers.append(ours) # call would fail to send if it were closed
    with theirs:
        socket.send_fds(ours, [b"text"], fds)
        return start("call", "-t", "20", *args, f"fd:{theirs.fileno()}", "-m", "question", "--", *HANDED, fds=[theirs.fileno()], **options)

def open_(fds, *args):
    return start("open", "-t", "20", *args, *(f"fd:{fd}" for fd in fds), "--", *HANDED, fds=fds, **options)

def listen(fds, *args):
    process, _ = serve("listen", "-t", "20", "-n", "1", *args, "unix-seqpacket:./s", "--", *HANDED, **options)
    with connected("s") as peer:
        socket.send_fds(peer, [b"text"], fds)
    return process

for command in recv, call, open_, listen:
    for fds in [], files[:1], [r, w, files[1], files[0], files[1]], files:
        if command == open_ and not fds:
            continue # there is nothing to open
        process = command(fds)
        code, lines, err = finish(process)
        same((code, err, len(lines)), (0, "", 1))
        got, = lines
        env = got["env"]
        n = len(fds)
        same([got["fds"][str(3 + i)] for i in range(n)], [identity(fd) for fd in fds])
        want = dict(LISTEN_FDS=str(n), LISTEN_PID=str(got["pid"]), KEPT=stale["KEPT"])
        if command != open_:
            want |= dict(FDMSG_MESSAGE="text")
        if command == listen:
            want |= dict(FDMSG_CONN=str(3 + n))
            assert got["pid"] != process.pid and got["parent"] == process.pid, got
        else:
            same(got["pid"], process.pid)
        same(env, want)
        same(sorted(map(int, got["fds"])), list(range(3 + n + (command == listen))))
        same(got["close_on_exec"], [])
same([os.lseek(fd, 0, os.SEEK_CUR) for fd in files], [i % 7 for i in range(250)])

# Names: a descriptor that was given none is "unknown", and superfluous names are left out.
for command in recv, listen:
    for names, want in ("a:b:c", "a:b:c"), ("a", "a:unknown:unknown"), ("a:b:c:d:e", "a:b:c"), ("ä:" + "x" * 255 + ": ", "ä:" + "x" * 255 + ": "):
        code, (got,), err = finish(command(files[:3], "--fdname", names))
        same((code, err, got["env"]["LISTEN_FDNAMES"]), (0, "", want))
for command in call, open_:
    same(finish(command(files[:3], "--fdname", "a"))[1][0]["env"]["LISTEN_FDNAMES"], "a:unknown:unknown")
code, (got,), err = finish(recv([], "--fdname", "a:b"))
same((code, err, got["env"]["LISTEN_FDS"], got["env"].get("LISTEN_FDNAMES", "")), (0, "", "0", ""))

# The variables by which listen talks to its service manager are not passed to COMMAND.
options["env"] |= dict(NOTIFY_SOCKET="@nobody-listens-here", WATCHDOG_USEC="30000000", WATCHDOG_PID="1")
code, (got,), err = finish(listen(files[:2]))
same((code, [name for name in got["env"] if name.startswith(("NOTIFY", "WATCHDOG"))]), (0, []))
