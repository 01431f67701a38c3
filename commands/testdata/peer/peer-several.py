"""listen serves several addresses and any number of peers at once: an idle one delays
nobody, and each line says which address and which connection it belongs to.
"""
import os, socket
from fdmsg import *

work = os.environ["WORK"]
given = [f"{work}/a", f"unix:{work}/b", f"unix-dgram:{work}/c", f"unix-seqpacket:{work}/d", "tcp:127.0.0.1:0"]
server, addresses = serve("listen", "-t", "25", *given)
same(addresses[:4], [f"unix:{work}/a", f"unix:{work}/b", f"unix-dgram:{work}/c", f"unix-seqpacket:{work}/d"])
port = int(addresses[4].removeprefix("tcp:127.0.0.1:"))

def connect(family, kind, address):
    peer = socket.socket(family, kind)
    peer.settimeout(20)
    peer.connect(address)
    return peer

def line():
    return json.loads(server.stdout.readline())

STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
idle = [connect(socket.AF_UNIX, STREAM, f"{work}/a") for _ in range(100)]
peers = [
    connect(socket.AF_UNIX, STREAM, f"{work}/a"), connect(socket.AF_UNIX, STREAM, f"{work}/b"),
    connect(socket.AF_UNIX, SEQPACKET, f"{work}/d"), connect(socket.AF_INET, STREAM, ("127.0.0.1", port)),
    connect(socket.AF_UNIX, DGRAM, f"{work}/c")]
local = [addresses[i] for i in (0, 1, 3, 4, 2)]
conns, seq = {}, 0
for round in range(3):
    for i, peer in enumerate(peers):
        peer.send(f"{round} {i}".encode())
        got, seq = line(), seq + 1
        same((got["message"], got["local"], got["seq"]), (f"{round} {i}", local[i], seq))
        if i < 4:
            same(conns.setdefault(i, got["conn"]), got["conn"])
same(len(set(conns.values())), 4)
idle[50].send(b"awake")
assert line()["conn"] not in conns.values()

server.terminate()
same(finish(server), (0, [], ""))
for path in "abcd":
    assert not os.path.exists(f"{work}/{path}"), path
