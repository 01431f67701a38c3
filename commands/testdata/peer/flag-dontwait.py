"""With MSG_DONTWAIT, what would block is an error that names EAGAIN: exit code 1.

Needs: jq
"""
import os, socket
from fdmsgjq import *

STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
for kind in STREAM, DGRAM, SEQPACKET:
    for blocking in True, False:
        for name in ("MSG_DONTWAIT", "0x40") if kind == DGRAM and blocking else ("MSG_DONTWAIT",):
            ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
            with ours, theirs:
                theirs.setblocking(blocking)
                # nothing there
                same(bad(fdmsg("recv", "-t", "20", "-n", "1", "-F", name, "-", stdin=theirs), 1, "fd:0", "EAGAIN"), "")
                # something there; then nothing
                ours.send(b"x")
                good(fdmsg("recv", "-t", "20", "-n", "1", "-F", name, "-", stdin=theirs), '.[0].message == "x"')
                ours.send(b"x")
                jq(bad(fdmsg("recv", "-t", "20", "-n", "2", "-F", name, "-", stdin=theirs), 1, "EAGAIN"), 'length == 1 and .[0].message == "x"')
                # room for it; then none
                good(fdmsg("send", "-t", "20", "-F", name, "-", "-m", "x", stdin=theirs), '.[0].size == 1')
                try:
                    while True:
                        theirs.send(b"x" * 4096, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    pass
                same(bad(fdmsg("send", "-t", "20", "-F", name, "-", "-m", "x" * 4096, stdin=theirs), 1, "resource temporarily unavailable"), "")
                # what did not go out is not there; and without the flag it waits
                same(fdmsg("send", "-t", "0.05", "-", "-m", "x" * 4096, stdin=theirs)[:2], (124, ""))
                same(os.get_blocking(theirs.fileno()), blocking)

# call: the question goes out, the answer is not there yet.
ours, theirs = socket.socketpair()
same(bad(fdmsg("call", "-t", "20", "-F", "MSG_DONTWAIT", "-", "-m", "x", stdin=theirs), 1, "EAGAIN"), "")
same(ours.recv(10), b"x")
same(bad(fdmsg("call", "-t", "20", "-F", "recv:MSG_DONTWAIT", "-", "-m", "y", stdin=theirs), 1, "EAGAIN"), "")
same(ours.recv(10), b"y")
ours.send(b"answer")
good(fdmsg("call", "-t", "20", "-F", "send:MSG_DONTWAIT", "-", "-m", "z", stdin=theirs), '.[0].message == "answer"')
process = start("call", "-t", "20", "-F", "send:MSG_DONTWAIT", "-", "-m", "z", stdin=theirs)
same([ours.recv(1), ours.recv(1)], [b"z", b"z"])
ours.send(b"waited for")
good(finish(process), '.[0].message == "waited for"')

# UDP, and end of file, which is no error.
with socket.socket(socket.AF_INET, DGRAM) as sock:
    sock.bind(("127.0.0.1", 0))
    bad(fdmsg("recv", "-t", "20", "-F", "MSG_DONTWAIT", "-", stdin=sock), 1, "EAGAIN")
ours, theirs = socket.socketpair()
ours.send(b"last")
ours.close()
good(fdmsg("recv", "-t", "20", "-F", "MSG_DONTWAIT", "-", stdin=theirs), 'map(.message) == ["last"]')
bad(fdmsg("recv", "-t", "20", "-F", "MSG_DONTWAIT", "-", stdin=theirs), 3)
