"""A send with MSG_DONTWAIT that would block fails with EAGAIN, as a receive does.

Needs: jq
"""
import socket
from fdmsgjq import *

for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        try:
            while True:
                theirs.send(b"x" * 4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        for command in "send", "call":
            same(bad(fdmsg(command, "-t", "20", "-F", "MSG_DONTWAIT", "-", "-m", "x" * 4096, stdin=theirs), 1, "EAGAIN"), "")
