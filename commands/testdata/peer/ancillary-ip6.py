"""What IPv6 tells about a datagram: packet information, hop limit, traffic class, flow
label, extension headers, the original destination and the path MTU; and the same by the
numbers of RFC 2292.

Needs: jq
"""
import socket, struct
from fdmsgjq import *

INET6, UDP, V6 = socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_IPV6
IPV6_RECVORIGDSTADDR, IPV6_FLOWINFO = 74, 11
padding = bytes([0, 0, 1, 4, 0, 0, 0, 0])  # next header, length, PadN of four bytes

def client(address=None):
    sock = socket.socket(INET6, UDP)
    sock.setsockopt(V6, socket.IPV6_TCLASS, 0x20)
    sock.setsockopt(V6, socket.IPV6_UNICAST_HOPS, 7)
    if address:
        sock.connect(("::1", int(address.rsplit(":", 1)[1])))
    return sock

cases = {
    "IPV6_RECVPKTINFO": '.type == "IPV6_PKTINFO" and .addr == "::1" and .ifindex == 1',
    "IPV6_RECVHOPLIMIT": '.type == "IPV6_HOPLIMIT" and .hoplimit == 7 and .data_base64 == "BwAAAA=="',
    "IPV6_RECVTCLASS": '.type == "IPV6_TCLASS" and .tclass == 32 and .data_base64 == "IAAAAA=="',
    "IPV6_RECVORIGDSTADDR": '.type == "IPV6_ORIGDSTADDR" and .addr == "::1" and .port == $port',
    "IPV6_RECVHOPOPTS": '.type == "IPV6_HOPOPTS" and .options == [{"option": "IPV6_TLV_PADN", "data": "\\u0000\\u0000\\u0000\\u0000"}]',
    "IPV6_RECVDSTOPTS": '.type == "IPV6_DSTOPTS" and .options[0].option == "IPV6_TLV_PADN" and .next_header == 17',
    "IPV6_FLOWINFO": '.type == "IPV6_FLOWINFO" and .data_base64 == "AgAAAA=="',
    # RFC 2292
    "IPV6_2292PKTINFO": '.type == "IPV6_2292PKTINFO" and .addr == "::1" and .ifindex == 1',
    "IPV6_2292HOPLIMIT": '.type == "IPV6_2292HOPLIMIT" and .hoplimit == 7',
    "IPV6_2292HOPOPTS": '.type == "IPV6_2292HOPOPTS" and .data_base64 == "EQABBAAAAAA="',
    "IPV6_2292DSTOPTS": '.type == "IPV6_2292DSTOPTS" and .data_base64 == "EQABBAAAAAA="',
}
for option, filter in cases.items():
    server, (address,) = serve("recv", "-t", "20", "-o", option, "udp:[::1]:0")
    with client(address) as sock:
        if option.endswith("HOPOPTS"):
            sock.setsockopt(V6, socket.IPV6_HOPOPTS, padding)
        if option.endswith("DSTOPTS"):
            sock.setsockopt(V6, socket.IPV6_DSTOPTS, padding)
        if option == "IPV6_FLOWINFO":
            sock.setsockopt(V6, 70, 0)  # IPV6_AUTOFLOWLABEL: no label of the kernel's own
        sock.send(b"x")
        good(finish(server), f'.[0] | .message == "x" and (.control | length) == 1 and (.control[0] | .level == "IPPROTO_IPV6" and {filter})',
            port=int(address.rsplit(":", 1)[1]))

# All at once, with the bytes that Python's recvmsg returns.
new = {49: "IPV6_PKTINFO", 51: "IPV6_HOPLIMIT", 66: "IPV6_TCLASS", 11: "IPV6_FLOWINFO", 53: "IPV6_HOPOPTS", 58: "IPV6_DSTOPTS", 74: "IPV6_ORIGDSTADDR"}
old = {2: "IPV6_2292PKTINFO", 8: "IPV6_2292HOPLIMIT", 3: "IPV6_2292HOPOPTS", 4: "IPV6_2292DSTOPTS"}
for options in new, old:
    with socket.socket(INET6, UDP) as server, client() as sock:
        server.bind(("::1", 0))
        for option in options:
            server.setsockopt(V6, option, 1)
        sock.setsockopt(V6, socket.IPV6_HOPOPTS, padding)
        sock.setsockopt(V6, socket.IPV6_DSTOPTS, padding)
        sock.sendto(b"all", server.getsockname())
        data, control, _ = peek(server)
        same((data, len(control)), (b"all", len(options)))
        out = good(fdmsg("recv", "-t", "20", "-", stdin=server), '.[0].control | map(.type) == $types and all(.[]; .level == "IPPROTO_IPV6")', types=list(options.values()))
        as_python(out, control)
        if options is new:
            flow, = struct.unpack("!I", control[3][2])
            jq(out, '.[0].control[3].flowinfo == $flow', flow=flow)

# fdmsg sends them.
with socket.socket(INET6, UDP) as server:
    server.settimeout(20)
    server.bind(("::1", 0))
    for option in 49, 51, 66:
        server.setsockopt(V6, option, 1)
    good(fdmsg("send", "-t", "20", f"udp:[::1]:{server.getsockname()[1]}", "-m", "x",
        "-c", "IPPROTO_IPV6:IPV6_HOPLIMIT:hoplimit=44", "-c", "IPPROTO_IPV6:IPV6_TCLASS:tclass=96", "-c", "IPPROTO_IPV6:IPV6_PKTINFO:addr=::1,ifindex=1"),
        '.[0] | .size == 1 and (.control | map(.type)) == ["IPV6_HOPLIMIT", "IPV6_TCLASS", "IPV6_PKTINFO"]')
    data, control, _, sender = server.recvmsg(100, 1000)
    got = {type: data for _, type, data in control}
    same((got[52], got[67]), ((44).to_bytes(4, "little"), (96).to_bytes(4, "little")))
