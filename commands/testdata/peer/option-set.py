"""-o sets socket options: on an inherited socket, where Python reads them back, and on
fdmsg's own sockets before they are bound or connected, where the peer sees the effect.

Needs: jq
"""
import os, socket, struct
from fdmsgjq import *
from timestamps import stamping

INET, STREAM, DGRAM, SOL, TCP, IP = socket.AF_INET, socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.SOL_IP
ANY = ("127.0.0.1", 0)

def after(sock, *options):
    "SOCK, after a fdmsg that sets OPTIONS and runs out of time."
    args = [arg for option in options for arg in ("-o", option)]
    code, out, err = fdmsg("recv", "-t", "0.02", *args, f"fd:{sock.fileno()}", fds=[sock.fileno()])
    same((code, out), (124, ""))
    return sock

# Numbers, with suffixes, hexadecimal; the kernel doubles the sizes of buffers.
for option, number in ("SO_RCVBUF", socket.SO_RCVBUF), ("SO_SNDBUF", socket.SO_SNDBUF), ("SO_RCVBUFFORCE", socket.SO_RCVBUF), ("SO_SNDBUFFORCE", socket.SO_SNDBUF):
    force = option.endswith("FORCE")
    with open({socket.SO_RCVBUF: "/proc/sys/net/core/rmem_max", socket.SO_SNDBUF: "/proc/sys/net/core/wmem_max"}[number]) as file:
        most = int(file.read())
    for value, size in ("100K", 100 << 10), ("0x10000", 1 << 16), ("20000", 20000), ("1M", 1 << 20):
        with socket.socket(socket.AF_UNIX, DGRAM) as sock:
            sock.bind(f"\0fdmsg-option-{os.getpid()}")
            same(after(sock, f"{option}={value}").getsockopt(SOL, number), 2 * (size if force else min(size, most)))

# Switches: on by any of these, off by the others; several options in one run, the last one counts.
for on in "", "=1", "=on":
    with socket.socket(INET, DGRAM) as sock:
        sock.bind(ANY)
        same(after(sock, f"SO_BROADCAST{on}", f"SO_TIMESTAMP{on}").getsockopt(SOL, socket.SO_BROADCAST), 1)
        same(sock.getsockopt(SOL, 29), 1)
        same(after(sock, "SO_BROADCAST=off", "SO_TIMESTAMP=0").getsockopt(SOL, socket.SO_BROADCAST), 0)
        same(sock.getsockopt(SOL, 29), 0)
with socket.socket(INET, DGRAM) as sock:
    sock.bind(ANY)
    same(after(sock, "IP_TTL=3", "IP_TTL=7", "IP_TOS=0x28", "SO_PRIORITY=6", "SO_MARK=77").getsockopt(IP, socket.IP_TTL), 7)
    same((sock.getsockopt(IP, socket.IP_TOS), sock.getsockopt(SOL, 12), sock.getsockopt(SOL, 36)), (0x28, 6, 77))
    # levels and numbers, and bytes
    for option, value in ("0:2=9", 9), ("IPPROTO_IP:2=10", 10), ("SOL_IP:2=0xb", 11), ("0:2=int=12", 12), (f"0:2=hex={struct.pack('i', 13).hex()}", 13), ("IP_TTL=int=14", 14), ("0x0:0x2=16", 16), ("0:2=u8=17", 17):
        same(after(sock, option).getsockopt(IP, socket.IP_TTL), value)
    # a device
    same(after(sock, "SO_BINDTODEVICE=lo").getsockopt(SOL, 25, 16).rstrip(b"\0"), b"lo")
    same(after(sock, "SO_BINDTODEVICE=").getsockopt(SOL, 25, 16).rstrip(b"\0"), b"")
    same(after(sock, "SO_BUSY_POLL=50").getsockopt(SOL, 46), 50)

# IPv6.
with socket.socket(socket.AF_INET6, DGRAM) as sock:
    sock.bind(("::1", 0))
    after(sock, "IPV6_UNICAST_HOPS=9", "IPV6_TCLASS=32", "IPV6_DONTFRAG", "IPV6_MTU_DISCOVER=2")
    same([sock.getsockopt(socket.IPPROTO_IPV6, option) for option in (16, 67, 62, 23)], [9, 32, 1, 2])

# TCP, on a connection that is already there.
with socket.create_server(ANY) as listener:
    with socket.create_connection(listener.getsockname(), timeout=20) as peer, listener.accept()[0] as sock:
        after(sock, "TCP_NODELAY", "TCP_CONGESTION=reno", "TCP_KEEPIDLE=77", "SO_KEEPALIVE=on", "TCP_USER_TIMEOUT=1234", "SO_LINGER=5")
        same((sock.getsockopt(TCP, socket.TCP_NODELAY), sock.getsockopt(TCP, socket.TCP_KEEPIDLE), sock.getsockopt(SOL, socket.SO_KEEPALIVE), sock.getsockopt(TCP, 18)), (1, 77, 1, 1234))
        same(sock.getsockopt(TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0"), b"reno")
        same(struct.unpack("ii", sock.getsockopt(SOL, socket.SO_LINGER, 8)), (1, 5))
        after(sock, f"6:13=hex={b'cubic'.hex()}", "SO_LINGER=off")
        same(sock.getsockopt(TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0"), b"cubic")
        same(struct.unpack("ii", sock.getsockopt(SOL, socket.SO_LINGER, 8))[0], 0)

# SO_LINGER=0 ends a connection with a reset, which the peer sees; without it, an end.
for options, reset in (["-o", "SO_LINGER=0"], True), ([], False):
    with socket.create_server(ANY) as listener:
        good(fdmsg("send", "-t", "20", *options, "tcp:127.0.0.1:%d" % listener.getsockname()[1], "-m", "x"), '.[0].size == 1')
        with listener.accept()[0] as peer:
            peer.settimeout(20)
            try:
                got = peer.recv(10)
                got += peer.recv(10)
                same((got, reset), (b"x", False))
            except ConnectionResetError:
                same(reset, True)

# On fdmsg's own sockets: the sender's TTL, the address taken twice (SO_REUSEPORT has to be set before bind), one device.
with socket.socket(INET, DGRAM) as server:
    server.settimeout(20)
    server.setsockopt(SOL, socket.SO_REUSEPORT, 1)
    server.setsockopt(IP, 12, 1)
    server.bind(ANY)
    port = server.getsockname()[1]
    good(fdmsg("send", "-t", "20", "-o", "IP_TTL=3", "-o", "SO_BINDTODEVICE=lo", f"udp:127.0.0.1:{port}", "-m", "x"), 'length == 1')
    same(server.recvmsg(10, 100)[1], [(IP, 2, struct.pack("i", 3))])
    bad(fdmsg("recv", "-t", "5", f"udp:127.0.0.1:{port}"), 1, "address already in use")
    process, _ = serve("recv", "-t", "0.05", "-o", "SO_REUSEPORT", f"udp:127.0.0.1:{port}")
    same(finish(process)[0], 124)

# What a listener has, those that it accepts have as well.
server, (address,) = serve("listen", "-t", "20", "-n", "1", "-o", "SO_PASSCRED", "-o", "SO_RCVBUF=64K", "unix:./s")
good(fdmsg("send", "-t", "20", "./s", "-m", "x"), 'length == 1')
good(finish(server), '.[0].control[0].type == "SCM_CREDENTIALS"')
kept = stamping()
server, (address,) = serve("listen", "-t", "20", "-n", "1", "-o", "SO_TIMESTAMPNS", "tcp:127.0.0.1:0")
good(fdmsg("send", "-t", "20", address, "-o", "TCP_NODELAY", "-m", "x"), 'length == 1')
good(finish(server), '.[0].control[0].type == "SCM_TIMESTAMPNS"')
