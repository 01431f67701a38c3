"""MSG_TRUNC tells the real length of a message as full_size; on TCP it discards data.

Needs: jq
"""
import os, socket
from fdmsgjq import *

work = os.environ["WORK"]
for scheme, kind in ("unix-dgram", socket.SOCK_DGRAM), ("unix-seqpacket", socket.SOCK_SEQPACKET):
    for size, message in (0, ""), (1, "0"), (4, "0123"), (9, "012345678"):
        server, _ = serve("recv", "-t", "20", "-n", "1", "-F", "MSG_TRUNC", "--size", str(size), f"{scheme}:{work}/s")
        with socket.socket(socket.AF_UNIX, kind) as peer:
            peer.connect(f"{work}/s")
            peer.send(b"0123456789")
            good(finish(server), '.[0] | .message == $message and .size == $size and .full_size == 10 and .truncated and .flags == ["MSG_TRUNC"]', message=message, size=size)
    # as many bytes as there are, and one more: nothing is cut
    for size in "10", "11", "256K":
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        ours.send(b"0123456789")
        good(fdmsg("recv", "-t", "20", "-n", "1", "-F", "0x20", "--size", size, "-", stdin=theirs),
            '.[0] | .message == "0123456789" and .size == 10 and .flags == [] and (has("truncated") | not) and (.full_size // 10) == 10')
    # without the flag the line knows only that there was more
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    ours.send(b"0123456789")
    good(fdmsg("recv", "-t", "20", "-n", "1", "--size", "4", "-", stdin=theirs), '.[0] | .message == "0123" and .size == 4 and .truncated and (has("full_size") | not)')

# UDP, and listen: after a long message, a short one has no byte of it.
server, (address,) = serve("listen", "-t", "20", "-n", "3", "-F", "MSG_TRUNC", "--size", "6", "udp:127.0.0.1:0")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    peer.connect(("127.0.0.1", int(address.rsplit(":", 1)[1])))
    for message in b"0123456789", b"abc", b"x" * 60000:
        peer.send(message)
    good(finish(server), 'map([.message, .size, (.full_size // .size), (.truncated // false)]) == [["012345", 6, 10, true], ["abc", 3, 3, false], ["xxxxxx", 6, 60000, true]]')

# TCP: size bytes are gone, and none of them is in the line, nor one of the message before.
with socket.create_server(("127.0.0.1", 0)) as listener:
    with socket.create_connection(listener.getsockname(), timeout=20) as peer, listener.accept()[0] as sock:
        peer.send(b"0123456789")
        peek(sock)
        good(fdmsg("recv", "-t", "20", "-n", "1", "-F", "MSG_TRUNC", "--size", "4", "-", stdin=sock), '.[0] | .message == "" and .size == 4 and .control == [] and .fds == []')
        same(sock.recv(100), b"456789")
        peer.send(b"abcdefgh")
        peek(sock)
        good(fdmsg("recv", "-t", "20", "-n", "3", "-F", "MSG_TRUNC", "--size", "3", "-", stdin=sock), 'map([.message, .size]) == [["", 3], ["", 3], ["", 2]] and all(.[]; has("message_base64") | not)')
        peer.send(b"gone")
        peer.shutdown(socket.SHUT_WR)
        good(fdmsg("recv", "-t", "20", "-F", "MSG_TRUNC", "-", stdin=sock), 'map([.message, .size]) == [["", 4]]')

# A Unix stream does not know the flag.
ours, theirs = socket.socketpair()
ours.send(b"0123456789")
good(fdmsg("recv", "-t", "20", "-n", "2", "-F", "MSG_TRUNC", "--size", "6", "-", stdin=theirs), 'map([.message, .size]) == [["012345", 6], ["6789", 4]]')
