"""A message of no bytes is a line, and end of file is not, for seqpacket, Unix datagrams
and UDP. send sends such messages.
"""
import os, socket
from fdmsg import *

work = os.environ["WORK"]
null = os.open("/dev/null", os.O_RDONLY)

def messages(lines):
    return [(line["message"], line["size"], len(line["fds"])) for line in lines]

# Seqpacket: empty, not empty, empty with a descriptor, empty, end of file.
for command in ["recv"], ["listen", "-n", "4"]:
    server, _ = serve(*command, "-t", "25", f"unix-seqpacket:{work}/s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.connect(f"{work}/s")
        peer.send(b"")
        peer.send(b"x")
        socket.send_fds(peer, [b""], [null])
        peer.send(b"")
    code, lines, err = finish(server)
    same((code, err), (0, ""))
    same(messages(lines), [("", 0, 0), ("x", 1, 0), ("", 0, 1), ("", 0, 0)])
    same([line["seq"] for line in lines], [1, 2, 3, 4])

# Datagrams.
server, _ = serve("recv", "-n", "3", "-t", "25", f"unix-dgram:{work}/d")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
    peer.connect(f"{work}/d")
    peer.send(b"")
    peer.send(b"x")
    socket.send_fds(peer, [b""], [null])
    code, lines, err = finish(server)
same((code, err, messages(lines)), (0, "", [("", 0, 0), ("x", 1, 0), ("", 0, 1)]))

server, addresses = serve("recv", "-t", "25", "udp:127.0.0.1:0")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    peer.sendto(b"", ("127.0.0.1", int(addresses[0].rsplit(":", 1)[1])))
    code, lines, err = finish(server)
same((code, err, messages(lines)), (0, "", [("", 0, 0)]))

# A stream without a byte: no line, and 3, since no message came.
server, _ = serve("recv", "-t", "25", f"{work}/s")
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
    peer.connect(f"{work}/s")
code, lines, err = finish(server)
same((code, lines), (3, []))

# send: no byte and a descriptor is an empty message on seqpacket and dgram, one
# NUL byte on a stream, where the descriptor would be lost otherwise.
for kind, data in (socket.SOCK_STREAM, b"\0"), (socket.SOCK_SEQPACKET, b""), (socket.SOCK_DGRAM, b""):
    for message in [], ["-m", ""]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with ours, theirs:
            ours.settimeout(20)
            code, lines, err = fdmsg("send", "-t", "20", f"fd:{theirs.fileno()}", *message, "/dev/null", fds=[theirs.fileno()])
            same((code, err, lines[0]["size"]), (0, "", len(data)))
            got, ancillary, flags, _ = ours.recvmsg(10, 100)
            same((got, len(ancillary), flags & socket.MSG_CTRUNC), (data, 1, 0))
            os.close(int.from_bytes(ancillary[0][2], __import__("sys").byteorder))

# send -m '' without a descriptor is an empty message too.
for kind in socket.SOCK_SEQPACKET, socket.SOCK_DGRAM:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        ours.settimeout(20)
        code, lines, err = fdmsg("send", "-t", "20", f"fd:{theirs.fileno()}", "-m", "", fds=[theirs.fileno()])
        same((code, err, lines[0]["size"]), (0, "", 0))
        theirs.send(b"next")
        same((ours.recv(10), ours.recv(10)), (b"", b"next"))
