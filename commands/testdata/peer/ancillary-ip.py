"""What IPv4 tells about a datagram, each asked for with -o: TTL, TOS, packet information,
IP options as they came and reversed, and the original destination.

Needs: jq
"""
import socket
from fdmsgjq import *

INET, UDP = socket.AF_INET, socket.SOCK_DGRAM
IP_RECVORIGDSTADDR = 20

def client(address):
    sock = socket.socket(INET, UDP)
    sock.connect(("127.0.0.1", int(address.rsplit(":", 1)[1])))
    return sock

# One at a time, by name, on a socket of fdmsg's own.
cases = {
    "IP_RECVTTL": '.type == "IP_TTL" and .ttl == 9 and .data_base64 == "CQAAAA=="',
    "IP_RECVTOS": '.type == "IP_TOS" and .tos == 40 and .data_base64 == "KA=="',
    "IP_PKTINFO": '.type == "IP_PKTINFO" and .ifindex == 1 and .spec_dst == "127.0.0.1" and .addr == "127.0.0.1"',
    "IP_RECVORIGDSTADDR": '.type == "IP_ORIGDSTADDR" and .addr == "127.0.0.1" and .port == $port',
    "IP_RECVOPTS": '.type == "IP_RECVOPTS" and .options[0].option == "IPOPT_RR" and .options[0].addresses == ["127.0.0.1", "127.0.0.1"]',
    "IP_RETOPTS": '.type == "IP_RETOPTS" and .options[0].option == "IPOPT_RR"',
}
for option, filter in cases.items():
    for value in "", "=1", "=on":
        server, (address,) = serve("recv", "-t", "20", "-o", option + value, "udp:127.0.0.1:0")
        with client(address) as sock:
            sock.setsockopt(socket.SOL_IP, socket.IP_TTL, 9)
            sock.setsockopt(socket.SOL_IP, socket.IP_TOS, 40)
            if "OPTS" in option:  # record route: type, length, pointer, room for two
                sock.setsockopt(socket.SOL_IP, socket.IP_OPTIONS, bytes([7, 11, 4] + [0] * 9))
            sock.send(b"x")
            good(finish(server), f'.[0] | .message == "x" and (.control | length) == 1 and (.control[0] | .level == "IPPROTO_IP" and {filter})',
                port=int(address.rsplit(":", 1)[1]))
        if "OPTS" in option:
            break

# An option that is switched off, or never set, gives no control message.
for args in ["-o", "IP_RECVTTL=0"], ["-o", "IP_RECVTTL=off"], ["-o", "IP_RECVTTL", "-o", "IP_RECVTTL=0"], []:
    server, (address,) = serve("recv", "-t", "20", *args, "udp:127.0.0.1:0")
    with client(address) as sock:
        sock.send(b"x")
        good(finish(server), '.[0].control == []')

# All at once, in the kernel's order and with the bytes that Python's recvmsg returns.
with socket.socket(INET, UDP) as server, socket.socket(INET, UDP) as sock:
    server.bind(("127.0.0.1", 0))
    for option in 13, 12, socket.IP_RECVTOS, 8, 6, 7, IP_RECVORIGDSTADDR:
        server.setsockopt(socket.SOL_IP, option, 1)
    sock.setsockopt(socket.SOL_IP, socket.IP_OPTIONS, bytes([7, 11, 4] + [0] * 9))
    sock.sendto(b"all", server.getsockname())
    data, control, _ = peek(server)
    same((data, len(control)), (b"all", 6))
    out = good(fdmsg("recv", "-t", "20", "-", stdin=server),
        '.[0].control | map(.level) == ["IPPROTO_IP"] * 6 and map(.type) == ["IP_PKTINFO", "IP_TTL", "IP_TOS", "IP_RECVOPTS", "IP_RETOPTS", "IP_ORIGDSTADDR"]'
        .replace('["IPPROTO_IP"] * 6', '[range(6) | "IPPROTO_IP"]'))
    as_python(out, control)

# For listen on all addresses, the packet information tells which one was meant.
server, (address,) = serve("listen", "-t", "20", "-n", "2", "-o", "IP_PKTINFO", "-o", "IP_RECVORIGDSTADDR", "udp4::0")
port = int(address.rsplit(":", 1)[1])
with socket.socket(INET, UDP) as sock:
    for host in "127.0.0.1", "127.1.2.3":
        sock.sendto(host.encode(), (host, port))
    good(finish(server), 'length == 2 and all(.[]; .message == .control[0].addr and .message == .control[1].addr and .control[1].port == $port)', port=port)

# fdmsg sends them: TTL, TOS and packet info as control messages of one datagram.
with socket.socket(INET, UDP) as server:
    server.settimeout(20)
    server.bind(("127.0.0.1", 0))
    for option in socket.IP_RECVTOS, 8, 12:
        server.setsockopt(socket.SOL_IP, option, 1)
    to = f"udp:127.0.0.1:{server.getsockname()[1]}"
    good(fdmsg("send", "-t", "20", to, "-m", "x", "-c", "IPPROTO_IP:IP_TTL:ttl=33", "-c", "IPPROTO_IP:IP_TOS:tos=16",
        "-c", "IPPROTO_IP:IP_PKTINFO:spec_dst=127.9.8.7"), '.[0] | .type == "sent" and .size == 1 and (.control | length) == 3')
    data, control, _, sender = server.recvmsg(100, 1000)
    same((data, sender[0]), (b"x", "127.9.8.7"))
    same({type: data for _, type, data in control if type != 8}, {2: (33).to_bytes(4, "little"), 1: b"\x10"})
    # int= and numbers say the same
    good(fdmsg("send", "-t", "20", to, "-m", "x", "-c", "0:2:int=34", "-c", "SOL_IP:IP_TOS:u8=8"), 'length == 1')
    data, control, _, sender = server.recvmsg(100, 1000)
    same({type: data for _, type, data in control if type != 8}, {2: (34).to_bytes(4, "little"), 1: b"\x08"})
