"""MSG_PEEK shows a message and leaves it in the queue, descriptors included.

Needs: jq
"""
import os, socket
from fdmsgjq import *

work = os.environ["WORK"]
STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
with open("file.txt", "w") as file:
    file.write("contents\n")
fd = os.open("file.txt", os.O_RDONLY)

for kind in STREAM, DGRAM, SEQPACKET:
    for name in "MSG_PEEK", "2", "0x2":
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with ours, theirs:
            socket.send_fds(ours, [b"first"], [fd])
            ours.send(b"second")
            # without -n it is one message, though there are two and no end of file
            for _ in range(2):
                good(fdmsg("recv", "-t", "20", "-F", name, "-", stdin=theirs),
                    'length == 1 and (.[0] | .message == "first" and (.fds | length) == 1 and .fds[0].content == "contents\\n" and .control[0].type == "SCM_RIGHTS")')
            good(fdmsg("recv", "-t", "20", "-n", "1", "-F", name, "-", stdin=theirs), '.[0].message == "first"')
            data, fds, _, _ = socket.recv_fds(theirs, 100, 5)
            same((data, len(fds), os.fstat(fds[0]).st_ino), (b"first", 1, os.fstat(fd).st_ino))
            os.close(fds[0])
            same(theirs.recv(100), b"second")

# A peek into part of a message, and with MSG_TRUNC the length of the whole one.
for kind in DGRAM, SEQPACKET:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        ours.send(b"0123456789")
        good(fdmsg("recv", "-t", "20", "-F", "MSG_PEEK", "-F", "MSG_TRUNC", "--size", "0", "-", stdin=theirs), '.[0] | .message == "" and .size == 0 and .full_size == 10 and .truncated')
        good(fdmsg("recv", "-t", "20", "-F", "MSG_PEEK", "--size", "4", "-", stdin=theirs), '.[0] | .message == "0123" and .truncated')
        same(theirs.recv(100), b"0123456789")

# TCP and UDP.
with socket.create_server(("127.0.0.1", 0)) as listener:
    with socket.create_connection(listener.getsockname(), timeout=20) as peer, listener.accept()[0] as sock:
        peer.send(b"over TCP")
        good(fdmsg("recv", "-t", "20", "-F", "MSG_PEEK", "-F", "MSG_WAITALL", "--size", "8", "-", stdin=sock), '.[0].message == "over TCP"')
        same(sock.recv(100), b"over TCP")
with socket.socket(socket.AF_INET, DGRAM) as sock, socket.socket(socket.AF_INET, DGRAM) as peer:
    sock.bind(("127.0.0.1", 0))
    peer.sendto(b"over UDP", sock.getsockname())
    good(fdmsg("recv", "-t", "20", "-F", "MSG_PEEK", "-", stdin=sock), '.[0].message == "over UDP"')
    same(sock.recv(100), b"over UDP")

# It waits for something to peek at; nothing is a timeout; the end is 3.
ours, theirs = socket.socketpair()
process = start("recv", "-t", "20", "-F", "MSG_PEEK", "-", stdin=theirs)
ours.send(b"late")
good(finish(process), '.[0].message == "late"')
same(theirs.recv(100), b"late")
same(fdmsg("recv", "-t", "0.1", "-F", "MSG_PEEK", "-", stdin=theirs)[:2], (124, ""))
ours.close()
bad(fdmsg("recv", "-t", "20", "-F", "MSG_PEEK", "-", stdin=theirs), 3)

# With COMMAND: it gets duplicates of the descriptors; the message is still there.
ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
socket.send_fds(ours, [b"first"], [fd])
same(fdmsg("recv", "-t", "20", "-F", "MSG_PEEK", "-", "--", "sh", "-c", 'echo "$FDMSG_MESSAGE" && cat <&3', stdin=theirs), (0, "first\ncontents\n", ""))
data, fds, _, _ = socket.recv_fds(theirs, 100, 5)
same((data, len(fds)), (b"first", 1))

# An answer can be peeked at too.
ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
ours.send(b"answer")
good(fdmsg("call", "-t", "20", "-F", "MSG_PEEK", "-", "-m", "question", stdin=theirs), '.[0].message == "answer"')
same((ours.recv(100), theirs.recv(100)), (b"question", b"answer"))

# Where there is no one message to peek at it is wrong usage.
bad(fdmsg("listen", "-F", "MSG_PEEK", "./s"), 2, "MSG_PEEK")
bad(fdmsg("listen", "-F", "2", "./s"), 2, "MSG_PEEK")
bad(fdmsg("listen", "-n", "1", "-F", "MSG_PEEK", "./s"), 2, "MSG_PEEK")
bad(fdmsg("recv", "-n", "2", "-F", "MSG_PEEK", "./s"), 2, "MSG_PEEK")
bad(fdmsg("recv", "-n", "0", "-F", "MSG_PEEK", "./s"), 2, "MSG_PEEK")
bad(fdmsg("call", "-n", "2", "-F", "MSG_PEEK", "./s", "-m", "x"), 2, "MSG_PEEK")
assert not os.path.exists("s")
