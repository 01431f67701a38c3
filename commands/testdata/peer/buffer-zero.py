"""With --size 0 a message is a line even if nothing of it was taken and its sender has
closed since: the kernel sets MSG_TRUNC, which it does not at end of file. Where messages
have boundaries, --size 0 needs no -n.

Needs: jq
"""
import os, socket
from fdmsgjq import *

for sizes in ["--size", "0"], ["--buffer", "0", "--buffer", "0"]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.send(b"0123456789")
    ours.close()
    good(fdmsg("recv", "-t", "20", "-n", "1", *sizes, "-", stdin=theirs), '.[0] | .message == "" and .size == 0 and .truncated and .flags == ["MSG_TRUNC"]')
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.send(b"0123456789")
    ours.send(b"abc")
    ours.close()
    good(fdmsg("recv", "-t", "20", *sizes, "-", stdin=theirs), 'length == 2 and all(.[]; .truncated)')
