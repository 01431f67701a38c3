"""Who sent a message: the credentials of the peer of a Unix socket, none for TCP and UDP.
Credentials that nobody asked for are not listed as control messages.
"""
import os, socket
from fdmsg import *

me = {"pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid()}
kinds = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}
for scheme, kind in kinds.items():
    server, _ = serve("listen", "-t", "20", "-n", "2", f"{scheme}:./s")
    with socket.socket(socket.AF_UNIX, kind) as peer:
        peer.connect("s")
        peer.send(b"from Python")
        sender = start("send", "-t", "20", f"{scheme}:./s", "-m", "from fdmsg")
        same(finish(sender)[0], 0)
    code, lines, err = finish(server)
    same((code, err), (0, ""))
    got = {line["message"]: line["peer"] for line in lines}
    same(got, {"from Python": me, "from fdmsg": {**me, "pid": sender.pid}})
    same([line["control"] for line in lines], [[], []])
    if kind != socket.SOCK_DGRAM:
        same(len({line["conn"] for line in lines}), 2)

# A datagram queued before fdmsg had the socket does not tell its sender.
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
    bound.bind("d")
    peer.connect("d")
    peer.send(b"x")
    line = fdmsg("recv", "-t", "20", "-", stdin=bound)[1][0]
    same((line["message"], line.get("peer"), line["control"]), ("x", None, []))

# The peer of an inherited socketpair is whoever made it.
for kind in socket.SOCK_STREAM, socket.SOCK_SEQPACKET:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    ours.send(b"x")
    same(fdmsg("recv", "-t", "20", "-n", "1", "-", stdin=theirs)[1][0]["peer"], me)

# recv --connect: the server.
with socket.socket(socket.AF_UNIX) as server:
    server.bind("server")
    server.listen()
    server.settimeout(20)
    process = start("recv", "--connect", "-t", "20", "-n", "1", "./server")
    with server.accept()[0] as peer:
        peer.send(b"x")
        same(finish(process)[1][0]["peer"], me)

# TCP and UDP: covered by from.
for scheme, kind in ("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM):
    server, (address,) = serve("recv", "-t", "20", f"{scheme}:127.0.0.1:0")
    with socket.socket(socket.AF_INET, kind) as peer:
        peer.connect(("127.0.0.1", int(address.rsplit(":", 1)[1])))
        peer.send(b"x")
    line = finish(server)[1][0]
    same(("peer" in line, "from" in line), (False, True))

# from is there only where the kernel gives one: for a peer that is bound.
for bound in False, True:
    server, _ = serve("recv", "-t", "20", "./s")
    with socket.socket(socket.AF_UNIX) as peer:
        if bound:
            peer.bind(f"\0fdmsg-peer-{os.getpid()}")
        peer.connect("s")
        peer.send(b"x")
    same(finish(server)[1][0].get("from"), f"unix:@fdmsg-peer-{os.getpid()}" if bound else None)
