"""No line is written to the very socket that the message was sent on, which OpenSSH's
ProxyUseFdpass makes standard output; to another socket it is.
"""
import os, socket
from fdmsg import *

STREAM, SEQPACKET, DGRAM = socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM

def what_came(ours):
    "The messages on OURS, and how many descriptors, until there is no more."
    ours.settimeout(20)
    data, fds, _, _ = socket.recv_fds(ours, 10_000, 5)
    for fd in fds:
        os.close(fd)
    ours.setblocking(False)
    try:
        return data, len(fds), ours.recv(10_000)
    except BlockingIOError:
        return data, len(fds), b""

for kind in STREAM, SEQPACKET, DGRAM:
    for address, streams in {
        "fd:1": dict(stdout=True),
        "fd:0": dict(stdin=True, stdout=True),
        "-": dict(stdin=True, stdout=True),
        "fd:5": dict(stdout=True),
    }.items():
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with ours, theirs:
            fds = []
            if address == "fd:5":  # the same socket, under another number as well
                fds = [os.dup(theirs.fileno())]
                address = f"fd:{fds[0]}"
            process = start("send", "-t", "20", address, "-m", "x", "/dev/null", fds=fds, **{name: theirs for name in streams})
            code, _, err = finish(process)
            same((address, code, err), (address, 0, ""))
            same((address, what_came(ours)), (address, (b"x", 1, b"")))
            for fd in fds:
                os.close(fd)

# Standard output is another socket: the line goes there.
ours, theirs = socket.socketpair()
output, its = socket.socketpair()
code, _, err = finish(start("send", "-t", "20", "-", "-m", "x", stdin=theirs, stdout=its))
same((code, err, what_came(ours)), (0, "", (b"x", 0, b"")))
same(json.loads(output.recv(10_000))["type"], "sent")

# Errors go to standard error, wherever standard output leads.
code, _, err = finish(start("send", "-t", "20", "fd:1", "-m", "x", "missing", stdout=theirs))
same(code, 1)
assert "missing" in err, err
ours.setblocking(False)
try:
    raise AssertionError(ours.recv(100))
except BlockingIOError:
    pass
