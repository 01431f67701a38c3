"""MSG_OOB: the urgent byte is sent, waited for and received, over TCP and Unix streams.

Needs: jq
"""
import os, select, socket
from fdmsgjq import *

ANY = ("127.0.0.1", 0)

def pair(kind):
    if kind == "unix":
        return socket.socketpair()
    with socket.create_server(ANY) as listener:
        peer = socket.create_connection(listener.getsockname(), timeout=20)
        return peer, listener.accept()[0]

def urgent(sock):
    poll = select.poll()
    poll.register(sock, select.POLLPRI)
    assert poll.poll(20000)

for kind in "unix", "tcp":
    for blocking in True, False:
        # there already
        ours, theirs = pair(kind)
        with ours, theirs:
            theirs.setblocking(blocking)
            ours.send(b"plain")
            ours.send(b"!", socket.MSG_OOB)
            urgent(theirs)
            good(fdmsg("recv", "-t", "20", "-n", "1", "-F", "MSG_OOB", "-", stdin=theirs), '.[0] | .message == "!" and .size == 1 and (.flags | contains(["MSG_OOB"]))')
            good(fdmsg("recv", "-t", "20", "-n", "1", "-", stdin=theirs), '.[0] | .message == "plain" and .flags == []')
            # nothing there: plain bytes do not end the wait, nor does their being read
            ours.send(b"plain")
            same(fdmsg("recv", "-t", "0.1", "-n", "1", "-F", "MSG_OOB", "-", stdin=theirs)[:2], (124, ""))
            process = start("recv", "-t", "20", "-n", "1", "-F", "1", "-", stdin=theirs)
            ours.send(b"?", socket.MSG_OOB)
            good(finish(process), '.[0].message == "?"')
            same(theirs.recv(100), b"plain")
            same(os.get_blocking(theirs.fileno()), blocking)

    # fdmsg sends it
    ours, theirs = pair(kind)
    with ours, theirs:
        good(fdmsg("send", "-t", "20", "-F", "MSG_OOB", "-", "-m", "!", stdin=ours), '.[0].size == 1')
        urgent(theirs)
        same(theirs.recv(10, socket.MSG_OOB), b"!")
        # the last of several bytes is the urgent one
        good(fdmsg("send", "-t", "20", "-F", "MSG_OOB", "-", "-m", "ab!", stdin=ours), '.[0].size == 3')
        urgent(theirs)
        same((theirs.recv(10, socket.MSG_OOB), theirs.recv(10)), (b"!", b"ab"))
        # both ways, with call
        process = start("call", "-t", "20", "-F", "MSG_OOB", "-", "-m", "?", stdin=ours)
        urgent(theirs)
        same(theirs.recv(10, socket.MSG_OOB), b"?")
        theirs.send(b"!", socket.MSG_OOB)
        good(finish(process), '.[0].message == "!"')

# On a socket of fdmsg's own, the sender coming later.
for address in "tcp:127.0.0.1:0", "unix:./s":
    server, (bound,) = serve("recv", "-t", "20", "-n", "1", "-F", "MSG_OOB", address)
    good(fdmsg("send", "-t", "20", "-F", "MSG_OOB", bound, "-m", "!"), '.[0].size == 1')
    good(finish(server), '.[0].message == "!"')

# In line, by an option, it is a byte like another.
ours, theirs = pair("tcp")
with ours, theirs:
    ours.send(b"a!", socket.MSG_OOB)
    urgent(theirs)
    good(fdmsg("recv", "-t", "20", "-n", "2", "-o", "SO_OOBINLINE", "-", stdin=theirs), 'map(.message) == ["a", "!"]')

# The peer ends without one.
for kind in "unix", "tcp":
    ours, theirs = pair(kind)
    with theirs:
        process = start("recv", "-t", "5", "-n", "1", "-F", "MSG_OOB", "-", stdin=theirs)
        ours.close()
        bad(finish(process), 3)
