"""While descriptors are so short that COMMAND cannot be given its message, the message is
told and counted: the exit code is 1, and the other messages are served.
"""
from handed import *
import resource

most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

def leave(process, count):
    """Leaves room for COUNT more descriptors in PROCESS."""
    used = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    limit, free = 0, 0
    while limit in used or free < count:
        free += limit not in used
        limit += 1
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, most))

server, _ = serve("listen", "-t", "25", "--events", "--output", "log", "unix-seqpacket:./s", "--", "sh", "-c", "echo $FDMSG_MESSAGE")
with connected("s") as peer:
    peer.send(b"before")
    same(server.stdout.readline(), b"before\n")
    until(lambda: len(events("log", "exit")) == 1)
    # No room for the copy of a message that is no text, for the one of the connection, and
    # for the line.
    for missed, (room, data) in enumerate([(0, b"\xff"), (0, b"text"), (1, b"text")], 1):
        leave(server, room)
        peer.send(data)
        until(lambda: len(events("log", "error")) == missed)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (most, most))
    peer.send(b"after")
    same(server.stdout.readline(), b"after\n")
    until(lambda: len(events("log", "exit")) == 2)
server.terminate()
out, err = server.communicate(timeout=25)
told = err.decode().splitlines()
same((server.returncode, out, len(told)), (1, b"", 4))
for line in told[:3]:
    assert line.startswith("fdmsg: listen: connection 1: message ") and line.endswith("too many open files"), line
same(told[3], "fdmsg: listen: messages for which COMMAND was not run: 3")
