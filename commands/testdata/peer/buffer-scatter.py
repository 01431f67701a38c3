"""--buffer scatters a message over several buffers, as recvmsg_into does: the line says
what Python is told on a like socket.

Needs: jq
"""
import os, socket
from fdmsgjq import *

STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
names = {socket.MSG_TRUNC: "MSG_TRUNC", socket.MSG_CTRUNC: "MSG_CTRUNC"}
null = os.open("/dev/null", os.O_RDONLY)

def twice(kind, message, fds=(), options=()):
    "Two sockets with the same message in their queues, one for Python, one for fdmsg."
    result = []
    for _ in range(2):
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        for option in options:
            theirs.setsockopt(socket.SOL_SOCKET, option, 1)
        socket.send_fds(ours, [message], fds) if fds else ours.send(message)
        result.append((ours, theirs))
    return result

def recv(sock, *args):
    return fdmsg("recv", "-t", "20", "-n", "1", *args, "-", stdin=sock)

message = b"0123456789"
sizes = [10], [3, 7], [3, 3, 3], [4, 4, 4], [1] * 12, [0, 10], [0, 5, 0, 3], [11], [5, 100], [0, 0]
for kind in STREAM, DGRAM, SEQPACKET:
    for buffers in sizes if kind == SEQPACKET else sizes[1:4]:
        (a, python), (b, theirs) = twice(kind, message)
        into = [bytearray(size) for size in buffers]
        count, _, flags, _ = python.recvmsg_into(into)
        left, want = count, []
        for buffer in into:
            want.append(bytes(buffer[:left]).decode())
            left = max(0, left - len(buffer))
        out = good(recv(theirs, *[arg for size in buffers for arg in ("--buffer", str(size))]),
            '.[0] | .message == $message and .size == $count and .flags == $flags and (.truncated // false) == ($flags == ["MSG_TRUNC"])',
            message="".join(want), count=count, flags=[names[bit] for bit in names if flags & bit])
        # one entry for each buffer, full or not; empty ones at the end may be left out
        got = lines(out)[0]["buffers"]
        got = [buffer if isinstance(buffer, str) else buffer.get("message", buffer.get("data", "")) for buffer in got]
        same(got, want)

# The rest of a stream is the next line.
ours, theirs = socket.socketpair()
ours.send(message)
good(fdmsg("recv", "-t", "20", "-n", "2", "--buffer", "2", "--buffer", "4", "-", stdin=theirs), 'map(.message) == ["012345", "6789"]')
# without --buffer there are no buffers; descriptors come all the same
ours.send(b"x")
good(recv(theirs), '.[0] | has("buffers") | not')
socket.send_fds(ours, [b"abcd"], [null])
good(recv(theirs, "--buffer", "2", "--buffer", "2"), '.[0] | .message == "abcd" and .fds[0].path == "/dev/null" and (.buffers | length) == 2')
# not UTF-8, and text cut between the buffers: nothing is lost
ours.send("aé€".encode())
good(recv(theirs, "--buffer", "2", "--buffer", "4"), '.[0] | .message == "aé€" and (.buffers | length) == 2')
# listen, and call
server, _ = serve("listen", "-t", "20", "-n", "1", "--buffer", "1", "--buffer", "1K", "unix-seqpacket:./s")
good(fdmsg("send", "-t", "20", "unix-seqpacket:./s", "-m", "header and body"), 'length == 1')
good(finish(server), '.[0] | .message == "header and body" and .size == 15 and (.buffers | length) == 2')
ours.send(b"answer")
good(fdmsg("call", "-t", "20", "--buffer", "3", "--buffer", "3", "-", "-m", "x", stdin=theirs), '.[0] | .message == "answer" and (.buffers | length) == 2')
