"""recv and call tell of an error that the kernel reports before the messages that are queued,
receive those, and end with exit code 1.

Needs: ip, unshare
"""
import socket, struct, subprocess, sys
from fdmsg import *
from machine import in_namespaces

in_namespaces("-n")

RTMGRP_LINK = 1

def told(ran, messages, why):
    code, lines, err = ran
    same((code, len(lines)), (1, messages))
    assert why in err and err.count("\n") == 1, err

def reset(*messages):
    """A socket whose peer has sent messages, and closed without having read everything."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for message in messages:
        theirs.send(message)
    ours.send(b"never read")
    theirs.close()
    return ours

for messages in 0, 1, 3, 40:
    with reset(*[b"x"] * messages) as ours:
        told(fdmsg("recv", "-t", "20", "-", stdin=ours), messages, "connection reset")
with reset(b"one", b"two") as ours:
    told(fdmsg("recv", "-t", "20", "-n", "1", "-", stdin=ours), 1, "connection reset")
    code, lines, err = fdmsg("recv", "-t", "20", "-", stdin=ours)
    same((code, [l["message"] for l in lines], err), (0, ["two"], ""))
with reset(b"one") as ours: # more was asked for
    code, lines, err = fdmsg("recv", "-t", "20", "-n", "2", "-", stdin=ours)
    same((code, len(lines), err.count("\n")), (1, 1, 2))
    assert "connection reset" in err.splitlines()[0] and "1 of 2" in err.splitlines()[1], err
with reset(b"one") as ours: # COMMAND gets it
    process = start("recv", "-t", "20", "-", "--", "sh", "-c", 'echo "\\"$FDMSG_MESSAGE\\""', stdin=ours)
    code, lines, err = finish(process)
    same((code, lines), (0, ["one"]))
    assert "connection reset" in err and err.count("\n") == 1, err

# Between UDP sockets: the answer is queued behind the error of an earlier message.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    ours.bind(("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        ours.connect(closed.getsockname())
    ours.send(b"question")
    theirs.bind(ours.getpeername())
    theirs.sendto(b"answer", ours.getsockname())
    told(fdmsg("recv", "-t", "20", "-", stdin=ours), 1, "connection refused")

# netlink says once that messages were lost.
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as ours:
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    ours.bind((0, RTMGRP_LINK))
    for i in range(20):
        subprocess.run(["ip", "link", "set", "lo", "mtu", str(60000 + i)], check=True)
    code, lines, err = fdmsg("recv", "-t", "1", "-n", "40", "-", stdin=ours)
    same((code, 0 < len(lines) < 20), (1, True))
    assert "no buffer space" in err.splitlines()[0] and "timed out" in err.splitlines()[1] and err.count("\n") == 2, err
    # listen goes on
    for i in range(20):
        subprocess.run(["ip", "link", "set", "lo", "mtu", str(50000 + i)], check=True)
    process = start("listen", "-t", "20", "--events", "-n", str(len(lines) + 1), "-", stdin=ours)
    while json.loads(process.stdout.readline())["type"] != "error":
        pass
    for _ in lines:
        same(json.loads(process.stdout.readline())["type"], "message")
    subprocess.run(["ip", "link", "set", "lo", "mtu", "40000"], check=True)
    code, rest, err = finish(process)
    same((code, [l["type"] for l in rest], err.count("\n")), (0, ["message", "end"], 1))
    assert "no buffer space" in err, err
