"""MSG_EOR, MSG_MORE and other flags that a sender sets and a receiver sees, by name and by
number, several together.

Needs: jq
"""
import select, socket, time
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

# TCP holds the bytes back until more are sent, but for 200 ms at most: tcp(7). On a busy
# machine they may be over before the test looks.
def held_back(sock, peer):
    """Whether nothing has come of bytes with MSG_MORE while the kernel holds them back;
    None if the test was too slow to see that."""
    began = time.monotonic()
    good(fdmsg("send", "-t", "20", "-F", "MSG_MORE", "-", "-m", "one ", stdin=sock), '.[0].size == 4')
    came = select.select([peer], [], [], 0)[0]
    return None if came and time.monotonic() - began >= 0.2 else not came

for _ in range(20):
    with socket.create_server(ANY) as listener:
        with socket.create_connection(listener.getsockname(), timeout=20) as sock, listener.accept()[0] as peer:
            peer.settimeout(20)
            held = held_back(sock, peer)
            good(fdmsg("send", "-t", "20", "-", "-m", "segment", stdin=sock), '.[0].size == 7')
            sock.shutdown(socket.SHUT_WR)
            with peer.makefile("rb") as file:
                same(file.read(), b"one segment")
    if held is not None:
        assert held, "the bytes were sent at once"
        break

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
