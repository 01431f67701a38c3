"""MSG_EOR, MSG_MORE and other flags that a sender sets and a receiver sees, by name and by
number, several together.

Needs: jq
"""
import select, socket
from fdmsgjq import *

ANY = ("127.0.0.1", 0)
# MSG_MORE: two sends are one datagram.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    server.settimeout(20)
    server.bind(ANY)
    sock.connect(server.getsockname())
    for flag in "MSG_MORE", "0x8000", "32768":
        good(fdmsg("send", "-t", "20", "-F", flag, "-", "-m", "one ", stdin=sock), '.[0].size == 4')
        assert not select.select([server], [], [], 0)[0], "it went out at once"
        good(fdmsg("send", "-t", "20", "-", "-m", "message", stdin=sock), '.[0].size == 7')
        same(server.recv(100), b"one message")
    # MSG_CONFIRM and MSG_DONTROUTE, with others
    good(fdmsg("send", "-t", "20", "-F", "MSG_CONFIRM", "-F", "MSG_DONTROUTE", "-F", "MSG_DONTWAIT", "-F", "MSG_NOSIGNAL", "-", "-m", "x", stdin=sock), '.[0].size == 1')
    same(server.recv(100), b"x")

# TCP: what is held back goes with the next.
with socket.create_server(ANY) as listener:
    with socket.create_connection(listener.getsockname(), timeout=20) as sock, listener.accept()[0] as peer:
        peer.settimeout(20)
        good(fdmsg("send", "-t", "20", "-F", "MSG_MORE", "-", "-m", "one ", stdin=sock), '.[0].size == 4')
        assert not select.select([peer], [], [], 0.05)[0], "it went out at once"
        good(fdmsg("send", "-t", "20", "-", "-m", "segment", stdin=sock), '.[0].size == 7')
        same(peer.recv(100), b"one segment")

# MSG_EOR, on seqpacket.
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
good(fdmsg("send", "-t", "20", "-F", "MSG_EOR", "-", "-m", "a record", stdin=theirs), '.[0].size == 8')
data, _, flags, _ = ours.recvmsg(100)
same(data, b"a record")
wanted = ["MSG_EOR"] if flags & socket.MSG_EOR else []
good(fdmsg("send", "-t", "20", "-F", "MSG_EOR", "-", "-m", "a record", stdin=theirs), '.[0].size == 8')
good(fdmsg("recv", "-t", "20", "-n", "1", "-", stdin=ours), '.[0] | .message == "a record" and .flags == $wanted', wanted=wanted)

# A Unix stream refuses MSG_MORE no more than the kernel does; a flag that the kernel
# refuses is its error.
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
bad(fdmsg("send", "-t", "20", "-F", "MSG_OOB", "-", "-m", "x", stdin=theirs), 1, "operation not supported")
bad(fdmsg("recv", "-t", "20", "-F", "MSG_OOB", "-F", "MSG_DONTWAIT", "-", stdin=theirs), 1, "operation not supported")

# A peer that has gone is EPIPE, and no signal.
ours.close()
ours, theirs = socket.socketpair()
ours.close()
bad(fdmsg("send", "-t", "20", "-F", "MSG_EOR", "-", "-m", "x", stdin=theirs), 1, "broken pipe")
