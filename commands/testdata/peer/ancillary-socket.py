"""What SOL_SOCKET, UDP and TCP tell: the mark and the priority of the sender, how many
messages were dropped, the size of coalesced segments, and how many bytes are left to
read.

Needs: jq
"""
import socket, struct
from fdmsgjq import *

INET, UDP, ANY = socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)
UDP_SEGMENT, UDP_GRO, SO_INQ, TCP_INQ, SO_RXQ_OVFL = 103, 104, 84, 36, 40

def port(address):
    return int(address.rsplit(":", 1)[1])

# SO_MARK and SO_PRIORITY, sent and received by fdmsg.
both = ["-o", "SO_RCVMARK", "-o", "SO_RCVPRIORITY"]
for send in ["-o", "SO_MARK=0x1234", "-o", "SO_PRIORITY=5"], ["-c", "SOL_SOCKET:SO_MARK:mark=4660", "-c", "SOL_SOCKET:SO_PRIORITY:priority=5"], ["-c", "SOL_SOCKET:SO_MARK:u32=0x1234", "-c", "1:12:int=5"]:
    server, (address,) = serve("recv", "-t", "20", *both, "udp:127.0.0.1:0")
    good(fdmsg("send", "-t", "20", address, "-m", "x", *send), 'length == 1')
    good(finish(server), '''.[0].control | map({level, type}) == [{level: "SOL_SOCKET", type: "SO_MARK"}, {level: "SOL_SOCKET", type: "SO_PRIORITY"}]
        and .[0].mark == 4660 and .[1].priority == 5 and .[0].data_base64 == "NBIAAA==" ''')

# SO_RXQ_OVFL: nothing was dropped before the first, seventeen or so before the last.
with socket.socket(INET, UDP) as server, socket.socket(INET, UDP) as peer:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    server.bind(ANY)
    for i in range(20):
        peer.sendto(b"x" * 500, server.getsockname())
    good(fdmsg("recv", "-t", "20", "-o", "SO_RXQ_OVFL", "-", stdin=server), '.[0] | .size == 500 and .control == []')
    taken = 1
    while True:
        try:
            server.recv(1000, socket.MSG_DONTWAIT)
            taken += 1
        except BlockingIOError:
            break
    peer.sendto(b"last", server.getsockname())
    _, control, _ = peek(server)
    same(control, [(socket.SOL_SOCKET, SO_RXQ_OVFL, struct.pack("I", 20 - taken))])
    out = good(fdmsg("recv", "-t", "20", "-", stdin=server), '.[0] | .message == "last" and (.control[0] | .level == "SOL_SOCKET" and .type == "SO_RXQ_OVFL" and .drops == $drops and $drops > 0)', drops=20 - taken)
    as_python(out, control)

# UDP_SEGMENT splits a datagram, UDP_GRO joins the parts again and tells their size.
for send in ["-o", "UDP_SEGMENT=10"], ["-c", "IPPROTO_UDP:UDP_SEGMENT:size=10"], ["-c", "SOL_UDP:UDP_SEGMENT:u16=10"]:
    server, (address,) = serve("recv", "-t", "20", "-o", "UDP_GRO", "udp:127.0.0.1:0")
    good(fdmsg("send", "-t", "20", address, "-m", "0123456789" * 3, *send), '.[0].size == 30')
    good(finish(server), '.[0] | .size == 30 and .control[0].level == "IPPROTO_UDP" and .control[0].type == "UDP_GRO" and .control[0].size == 10 and .control[0].data_base64 == "CgAAAA=="')
    # without UDP_GRO it is three
    server, (address,) = serve("recv", "-t", "20", "-n", "3", "udp:127.0.0.1:0")
    good(fdmsg("send", "-t", "20", address, "-m", "0123456789" * 3, *send), '.[0].size == 30')
    good(finish(server), 'map(.message) == ["0123456789", "0123456789", "0123456789"] and all(.[]; .control == [])')
with socket.socket(INET, UDP) as server, socket.socket(INET, UDP) as peer:
    server.bind(ANY)
    server.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    peer.sendmsg([b"abc" * 100], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", 100))], 0, server.getsockname())
    _, control, _ = peek(server)
    out = good(fdmsg("recv", "-t", "20", "-", stdin=server), '.[0] | .size == 300 and .control[0].size == 100')
    as_python(out, control)

# What is left to read after this message: TCP, and Unix streams.
with socket.create_server(ANY) as listener:
    with socket.create_connection(listener.getsockname(), timeout=20) as peer, listener.accept()[0] as server:
        peer.send(b"hello world")
        peek(server)
        good(fdmsg("recv", "-t", "20", "-n", "3", "--size", "4", "-o", "TCP_INQ", "-", stdin=server),
            'map(.message) == ["hell", "o wo", "rld"] and map(.control[0] | {level, type, inq}) == [range(7; -2; -4) | if . < 0 then 0 else . end | {level: "IPPROTO_TCP", type: "TCP_CM_INQ", inq: .}]')
ours, theirs = socket.socketpair()
ours.send(b"hello world")
good(fdmsg("recv", "-t", "20", "-n", "3", "--size", "4", "-o", "SO_INQ", "-", stdin=theirs),
    'map(.message) == ["hell", "o wo", "rld"] and map(.control | map({level, type, inq})) == [[7, 3, 0][] | [{level: "SOL_SOCKET", type: "SCM_INQ", inq: .}]]')
