"""In a network namespace of its own: the size of the largest fragment of a datagram, as lo
has a small MTU there, and a routing header.

Needs: jq, unshare, ip
"""
import os, socket, struct, subprocess, sys
from fdmsgjq import *
from machine import in_namespaces

in_namespaces("-n")

subprocess.run(["ip", "link", "set", "lo", "up", "mtu", "1300"], check=True)
UDP, V6 = socket.SOCK_DGRAM, socket.IPPROTO_IPV6

def port(address):
    return int(address.rsplit(":", 1)[1])

# IP_RECVFRAGSIZE and IPV6_RECVFRAGSIZE: of a message in three fragments, and of one in one piece.
for family, host, scheme, option, level, largest in (socket.AF_INET, "127.0.0.1", "udp:127.0.0.1", "IP_RECVFRAGSIZE", "IPPROTO_IP", 1300), \
        (socket.AF_INET6, "::1", "udp:[::1]", "IPV6_RECVFRAGSIZE", "IPPROTO_IPV6", 1296):
    server, (address,) = serve("recv", "-t", "20", "-n", "2", "-o", option, f"{scheme}:0")
    with socket.socket(family, UDP) as peer:
        if family == socket.AF_INET:
            peer.setsockopt(socket.SOL_IP, 10, 0)  # IP_MTU_DISCOVER: fragment
        peer.sendto(b"x" * 3000, (host, port(address)))
        peer.sendto(b"one piece", (host, port(address)))
        good(finish(server), 'map(.size) == [3000, 9] and (.[0].control | length) == 1 and .[1].control == [] and (.[0].control[0] | .level == $level and .type == $option and .size == $largest)',
            level=level, option=option, largest=largest)

    with socket.socket(family, UDP) as server, socket.socket(family, UDP) as peer:
        server.bind((host, 0))
        server.setsockopt(*((socket.SOL_IP, 25) if family == socket.AF_INET else (V6, 77)), 1)
        if family == socket.AF_INET:
            peer.setsockopt(socket.SOL_IP, 10, 0)
        peer.sendto(b"x" * 3000, server.getsockname())
        _, control, _ = peek(server)
        same(control[0][2], struct.pack("i", largest))
        as_python(good(fdmsg("recv", "-t", "20", "-", stdin=server), 'length == 1'), control)

# A segment routing header (RFC 8754) whose only segment is us.
if os.path.exists("/proc/sys/net/ipv6/conf/lo/seg6_enabled"):
    for name in "all", "lo":
        with open(f"/proc/sys/net/ipv6/conf/{name}/seg6_enabled", "w") as file:
            file.write("1")
    header = bytes([0, 2, 4, 0, 0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, "::1")
    for option, name in ("IPV6_RECVRTHDR", "IPV6_RTHDR"), ("IPV6_2292RTHDR", "IPV6_2292RTHDR"):
        server, (address,) = serve("recv", "-t", "20", "-o", option, "udp:[::1]:0")
        with socket.socket(socket.AF_INET6, UDP) as peer:
            peer.setsockopt(V6, 57, header)
            peer.sendto(b"routed", ("::1", port(address)))
            good(finish(server), '.[0] | .message == "routed" and (.control | length) == 1 and (.control[0] | .level == "IPPROTO_IPV6" and .type == $name and .next_header == 17 and .routing_type == 4 and .segments_left == 0 and .addresses == ["::1"])', name=name)
    with socket.socket(socket.AF_INET6, UDP) as server, socket.socket(socket.AF_INET6, UDP) as peer:
        server.bind(("::1", 0))
        server.setsockopt(V6, 56, 1)
        peer.setsockopt(V6, 57, header)
        peer.sendto(b"routed", server.getsockname())
        _, control, _ = peek(server)
        as_python(good(fdmsg("recv", "-t", "20", "-", stdin=server), 'length == 1'), control)
    # the option of fdmsg makes the same header
    server, (address,) = serve("recv", "-t", "20", "-o", "IPV6_RECVRTHDR", "udp:[::1]:0")
    good(fdmsg("send", "-t", "20", address, "-m", "x", "-o", f"IPV6_RTHDR=hex={header.hex()}"), 'length == 1')
    good(finish(server), '.[0].control[0] | .type == "IPV6_RTHDR" and .addresses == ["::1"]')
