"""MSG_WAITALL waits until the buffer is full, the peer closes, control data came or time is
up, on any stream, blocking or not. What came is a line, whatever ended the wait.

Needs: jq
"""
import os, socket
from fdmsgjq import *

def pair(kind):
    if kind == "unix":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname(), timeout=20)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return peer, listener.accept()[0]

null = os.open("/dev/null", os.O_RDONLY)
for kind in "unix", "tcp":
    for blocking in True, False:
        def waiting(*args, before=b"abc"):
            ours, theirs = pair(kind)
            theirs.setblocking(blocking)
            if before:
                ours.send(before)
            return ours, theirs, start("recv", "-t", "20", "-F", "MSG_WAITALL", "--size", "10", *args, f"fd:{theirs.fileno()}", fds=[theirs.fileno()])

        # full; the rest stays
        ours, theirs, process = waiting("-n", "1")
        for part in b"de", b"fg", b"hijklm":
            ours.send(part)
        good(finish(process), 'map([.message, .size, .flags]) == [["abcdefghij", 10, []]]')
        same((theirs.recv(100), os.get_blocking(theirs.fileno())), (b"klm", blocking))

        # twice
        ours, theirs, process = waiting("-n", "2")
        ours.send(b"defghijklmnop")
        ours.send(b"qrst")
        good(finish(process), 'map(.message) == ["abcdefghij", "klmnopqrst"]')

        # end of file
        ours, theirs, process = waiting()
        ours.send(b"de")
        ours.shutdown(socket.SHUT_WR)
        good(finish(process), 'map(.message) == ["abcde"]')

        # time is up: the part that came is a line
        ours, theirs = pair(kind)
        theirs.setblocking(blocking)
        ours.send(b"abc")
        code, out, err = fdmsg("recv", "-t", "0.1", "-n", "1", "-F", "MSG_WAITALL", "--size", "10", "-", stdin=theirs)
        same(code, 124)
        jq(out, 'map(.message) == ["abc"]')
        assert "timed out" in err, err

        # with buffers, filled one after the other
        ours, theirs = pair(kind)
        ours.send(b"abc")
        process = start("recv", "-t", "20", "-n", "1", "-F", "MSG_WAITALL", "--buffer", "4", "--buffer", "4", "-", stdin=theirs)
        ours.send(b"defgh")
        good(finish(process), '.[0] | .message == "abcdefgh" and (.buffers | length) == 2')

# Control data ends it: bytes that came with descriptors, and then, if any, no more.
for blocking in True, False:
    ours, theirs = pair("unix")
    theirs.setblocking(blocking)
    socket.send_fds(ours, [b"abc"], [null])
    ours.send(b"defghijklm")
    good(fdmsg("recv", "-t", "20", "-n", "1", "-F", "MSG_WAITALL", "--size", "10", "-", stdin=theirs), '.[0] | .message == "abc" and (.fds | length) == 1')
    good(fdmsg("recv", "-t", "20", "-n", "1", "-F", "MSG_WAITALL", "--size", "10", "-", stdin=theirs), '.[0] | .message == "defghijklm" and .fds == []')
    # a second lot of descriptors is another line's
    for message in b"abc", b"def":
        socket.send_fds(ours, [message], [null])
    good(fdmsg("recv", "-t", "20", "-n", "2", "-F", "MSG_WAITALL", "--size", "10", "-", stdin=theirs), 'map([.message, (.fds | length)]) == [["abc", 1], ["def", 1]]')

# Messages are whole anyway.
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
ours.send(b"abc")
ours.send(b"def")
good(fdmsg("recv", "-t", "20", "-n", "2", "-F", "MSG_WAITALL", "--size", "10", "-", stdin=theirs), 'map(.message) == ["abc", "def"]')

# call waits for an answer that fills the buffer.
ours, theirs = pair("tcp")
process = start("call", "-t", "20", "-F", "MSG_WAITALL", "--size", "6", "-", "-m", "question", stdin=theirs)
same(ours.recv(100), b"question")
ours.send(b"ans")
ours.send(b"wer")
good(finish(process), '.[0].message == "answer"')
