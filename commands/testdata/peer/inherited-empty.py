"""On an inherited seqpacket socket an empty message is a line, and end of file is not:
empty messages come first, between others, last, and alone; with and without SO_PASSCRED,
which is afterwards as it was.

Needs: jq
"""
import itertools, os, socket
from fdmsgjq import *

SOL, PASSCRED, TIMESTAMP = socket.SOL_SOCKET, socket.SO_PASSCRED, 29
null = os.open("/dev/null", os.O_RDONLY)

def queue(*messages, end=True, passcred=0, blocking=True):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setsockopt(SOL, PASSCRED, passcred)
    theirs.setblocking(blocking)
    for message in messages:
        socket.send_fds(ours, [message], [null]) if message == b"fd" else ours.send(message)
    if end == "half":
        ours.shutdown(socket.SHUT_WR)
    elif end:
        ours.close()
    return ours, theirs

queues = [b""], [b"", b"", b""], [b"x", b""], [b"", b"x"], [b"x", b"", b"", b"y", b"", b""], [b"fd", b"", b"fd", b""]
ends = itertools.cycle([(True, True), ("half", False), (True, False), ("half", True)])
for messages in queues:
    for passcred in 0, 1:
        end, blocking = next(ends)
        want = [message.decode() for message in messages]
        # until the end; as many as there are; one more than there are
        for count, code in ([], 0), (["-n", str(len(messages))], 0), (["-n", str(len(messages) + 1)], 3):
            if count and messages not in (queues[0], queues[4]):
                continue
            ours, theirs = queue(*messages, end=end, passcred=passcred, blocking=blocking)
            before = theirs.getsockopt(SOL, PASSCRED), theirs.getsockopt(SOL, TIMESTAMP), os.get_blocking(theirs.fileno())
            got, out, err = fdmsg("recv", "-t", "20", *count, "-", stdin=theirs)
            same((got, [line["message"] for line in lines(out)]), (code, want))
            jq(out, 'all(.[]; (.control | map(select(.type == "SCM_CREDENTIALS")) | length) == $passcred and (.fds | length) == (if .message == "fd" then 1 else 0 end))', passcred=passcred)
            same((theirs.getsockopt(SOL, PASSCRED), theirs.getsockopt(SOL, TIMESTAMP), os.get_blocking(theirs.fileno())), before)

# Only the end: no line.
for passcred in 0, 1:
    ours, theirs = queue(passcred=passcred)
    same(bad(fdmsg("recv", "-t", "20", "-", stdin=theirs), 3), "")
    # no end: time runs out, with a line for each
    ours, theirs = queue(b"", b"x", b"", end=False, passcred=passcred)
    jq(bad(fdmsg("recv", "-t", "0.05", "-n", "0", "-", stdin=theirs), 124), 'map(.message) == ["", "x", ""]')
    # empty ones that come while it waits, then the end
    ours, theirs = queue(end=False, passcred=passcred)
    process = start("recv", "-t", "20", "-", stdin=theirs)
    ours.send(b"")
    same(json.loads(process.stdout.readline())["message"], "")
    ours.send(b"")
    same(json.loads(process.stdout.readline())["message"], "")
    ours.close()
    same(finish(process), (0, "", ""))

# The socket passes time stamps, or credentials and pidfds: so it does afterwards.
for options in [TIMESTAMP], [35], [PASSCRED, TIMESTAMP], [76]:
    ours, theirs = queue(b"", b"x", b"", end=False)
    for option in options:
        theirs.setsockopt(SOL, option, 1)
    ours.close()
    good(fdmsg("recv", "-t", "20", "-", stdin=theirs), 'map(.message) == ["", "x", ""]')
    same([theirs.getsockopt(SOL, option) for option in (PASSCRED, TIMESTAMP, 35, 76)], [int(option in options) for option in (PASSCRED, TIMESTAMP, 35, 76)])

# listen on a connection that is there, and call on one; MSG_PEEK of an empty message.
for passcred in 0, 1:
    ours, theirs = queue(b"", b"x", b"", passcred=passcred)
    good(fdmsg("listen", "-t", "20", "-n", "3", "-", stdin=theirs), 'map(.message) == ["", "x", ""]')
    ours, theirs = queue(b"", b"", end=False, passcred=passcred)
    good(fdmsg("call", "-t", "20", "-n", "2", "-", "-m", "", stdin=theirs), 'map(.message) == ["", ""]')
    same(ours.recv(10, socket.MSG_DONTWAIT), b"")
    ours, theirs = queue(b"", b"x", end=False, passcred=passcred)
    good(fdmsg("recv", "-t", "20", "-F", "MSG_PEEK", "-", stdin=theirs), 'map(.message) == [""]')
    same((theirs.recv(10), theirs.recv(10)), (b"", b"x"))
    # two empty ones and one that is not are there, one is taken
    ours, theirs = queue(b"", b"", b"x", passcred=passcred)
    good(fdmsg("recv", "-t", "20", "-n", "1", "-", stdin=theirs), 'map(.message) == [""]')
    same((theirs.recv(10), theirs.recv(10)), (b"", b"x"))
