"""Sockets of all families and states, compared with ss, lsfd and getsockopt(2).

Needs: lsfd, ss
"""
import select, termios
from kinds import *

sockets = [] # open until the end
PROTONAMES = {("unix", "stream"): "UNIX-STREAM", ("unix", "dgram"): "UNIX", ("unix", "seqpacket"): "UNIX",
    ("inet", "stream"): "TCP", ("inet", "dgram"): "UDP", ("inet", "raw"): "RAW", ("inet6", "stream"): "TCPv6", ("inet6", "dgram"): "UDPv6", ("inet6", "raw"): "RAWv6",
    ("netlink", "raw"): "NETLINK", ("netlink", "dgram"): "NETLINK", ("packet", "raw"): "PACKET", ("packet", "dgram"): "PACKET", ("xdp", "raw"): "XDP"}
STATES = dict(LISTEN="listen", ESTAB="connected", UNCONN="unconnected")

def new(*args):
    s = socket.socket(*args)
    sockets.append(s)
    return s

def check_socket(kind, s, domain, type, known=False, **want):
    """With KNOWN, ss knows it: its state and queues are what ss says."""
    fd = s.fileno()
    if known:
        state, *queue = ss(fd)
        # A Unix datagram socket is ESTAB once another has connected to it.
        if (domain, type) != ("unix", "dgram"):
            same(STATES[state], "unconnected" if want["state"] == "bound" else want["state"])
        want = dict(zip(("queued", "backlog") if state == "LISTEN" else ("receive_queue", "send_queue"), queue)) | want
    got = check(kind, fd, type="socket", access="rw", name=f"socket:[{os.fstat(fd).st_ino}]", path=None, size=None, offset=None, content=None,
        socket=dict(domain=domain, type=type) | want)
    # Later versions of lsfd tell SOCK_SEQPACKET from SOCK_DGRAM.
    name = PROTONAMES.get((domain, type))
    if name and not lsfd(fd)["PROTONAME"].startswith(name):
        wrong.append(f"{kind}: {lsfd(fd)} of {got}")

# Unix sockets: listening, on both sides of a connection, not yet accepted; pairs.
me = dict(pid=os.getpid(), uid=os.getuid(), gid=os.getgid())
for number, type in (socket.SOCK_STREAM, "stream"), (socket.SOCK_SEQPACKET, "seqpacket"):
    scheme = {"stream": "unix"}.get(type, f"unix-{type}")
    path = f"{work}/{type}"
    check_socket(f"unix {type}, new", new(socket.AF_UNIX, number), "unix", type, True, state="unconnected", local=None, peer=None, credentials=None)
    server = new(socket.AF_UNIX, number)
    server.bind(path)
    check_socket(f"unix {type}, bound", server, "unix", type, True, state="bound", local=f"{scheme}:{path}", peer=None)
    server.listen(7)
    clients = [new(socket.AF_UNIX, number) for _ in range(3)]
    for client in clients:
        client.connect(path)
    accepted = server.accept()[0]
    sockets.append(accepted)
    accepted.send(b"hello")
    clients[0].send(b"hi")
    check_socket(f"unix {type}, listening", server, "unix", type, True, state="listen", local=f"{scheme}:{path}", queued=2, backlog=7)
    check_socket(f"unix {type}, connected", clients[0], "unix", type, True, state="connected", local=None, peer=f"{scheme}:{path}", credentials=me, receive_queue=5)
    check_socket(f"unix {type}, accepted", accepted, "unix", type, True, state="connected", local=f"{scheme}:{path}", peer=None, credentials=me, receive_queue=2)
    check_socket(f"unix {type}, not accepted yet", clients[2], "unix", type, True, state="connected", peer=f"{scheme}:{path}", receive_queue=0, send_queue=0)
for number, type in (socket.SOCK_STREAM, "stream"), (socket.SOCK_DGRAM, "dgram"), (socket.SOCK_SEQPACKET, "seqpacket"):
    pair = socket.socketpair(socket.AF_UNIX, number)
    sockets += pair
    pair[0].send(b"four")
    for end, waiting in zip(pair, (0, 4)):
        check_socket(f"socketpair, {type}", end, "unix", type, True, state="connected", local=None, peer=None, credentials=me, receive_queue=waiting)
a, b = socket.socketpair()
sockets += (a, b)
socket.send_fds(b, [b"with two"], [0, 1])
check_socket("socketpair, descriptors on the way", a, "unix", "stream", state="connected", queued_fds=2)
b.shutdown(socket.SHUT_WR)
check_socket("socketpair, the other end shut down", a, "unix", "stream", state="half-closed")
b.close()
check_socket("socketpair, the other end gone", a, "unix", "stream", state="disconnected")
server, client = new(socket.AF_UNIX, socket.SOCK_DGRAM), new(socket.AF_UNIX, socket.SOCK_DGRAM)
name = f"fdmsg-kinds-{os.getpid()}"
server.bind(f"{work}/dgram")
client.bind("\0" + name)
client.connect(f"{work}/dgram")
client.send(b"datagram")
check_socket("unix dgram, bound", server, "unix", "dgram", True, state="bound", local=f"unix-dgram:{work}/dgram", receive_queue=8)
check_socket("unix dgram, connected", client, "unix", "dgram", True, state="connected", local=f"unix-dgram:@{name}", peer=f"unix-dgram:{work}/dgram")
binary = new(socket.AF_UNIX, socket.SOCK_STREAM)
binary.bind(b"\0\xff\0" + name.encode())
check_socket("unix stream, name of bytes", binary, "unix", "stream", True, state="bound", local="unix-hex:" + (b"\0\xff\0" + name.encode()).hex())

# TCP and UDP over both versions of IP.
def inet(family, domain, host, shown):
    server = new(family, socket.SOCK_STREAM)
    server.bind((host, 0))
    check_socket(f"{domain} tcp, new", new(family, socket.SOCK_STREAM), domain, "stream", protocol="tcp", state="unconnected", local=None, peer=None)
    check_socket(f"{domain} tcp, bound", server, domain, "stream", protocol="tcp", state="bound", local=f"tcp:{shown}:{server.getsockname()[1]}", peer=None)
    server.listen(5)
    clients = [new(family, socket.SOCK_STREAM) for _ in range(2)]
    for client in clients:
        client.connect(server.getsockname())
    accepted = server.accept()[0]
    sockets.append(accepted)
    clients[0].send(b"hello")
    # What was sent has come, and the sender knows; the other connection waits.
    same(len(select.select([accepted], [], [], 20)[0] + select.select([server], [], [], 20)[0]), 2)
    until(lambda: fcntl.ioctl(clients[0], termios.TIOCOUTQ, bytes(4)) == bytes(4))
    local, peer = f"tcp:{shown}:{server.getsockname()[1]}", f"tcp:{shown}:{clients[0].getsockname()[1]}"
    check_socket(f"{domain} tcp, listening", server, domain, "stream", True, protocol="tcp", state="listen", local=local, peer=None, queued=1, backlog=5)
    check_socket(f"{domain} tcp, connected", clients[0], domain, "stream", True, protocol="tcp", state="connected", local=peer, peer=local, receive_queue=0)
    check_socket(f"{domain} tcp, accepted", accepted, domain, "stream", True, protocol="tcp", state="connected", local=local, peer=peer, receive_queue=5)
    clients[0].shutdown(socket.SHUT_WR)
    poll = select.poll()
    poll.register(accepted, select.POLLRDHUP)
    same(len(poll.poll(20000)), 1)
    check_socket(f"{domain} tcp, the peer shut down", accepted, domain, "stream", state="close-wait")
    bound, connected = new(family, socket.SOCK_DGRAM), new(family, socket.SOCK_DGRAM)
    bound.bind((host, 0))
    connected.connect(bound.getsockname())
    local, peer = f"udp:{shown}:{bound.getsockname()[1]}", f"udp:{shown}:{connected.getsockname()[1]}"
    check_socket(f"{domain} udp, bound", bound, domain, "dgram", True, protocol="udp", state="bound", local=local, peer=None)
    check_socket(f"{domain} udp, connected", connected, domain, "dgram", True, protocol="udp", state="connected", local=peer, peer=local)
    connected.send(b"datagram")
    same(select.select([bound], [], [], 20)[0], [bound])
    # ss counts the memory that it takes
    check_socket(f"{domain} udp, of which something is to be read", bound, domain, "dgram", protocol="udp", receive_queue=8)
    return True
make("inet", inet, socket.AF_INET, "inet", "127.0.0.1", "127.0.0.1")
make("inet6", inet, socket.AF_INET6, "inet6", "::1", "[::1]")

# Raw, packet and netlink sockets and those of other families, in so far as there are any.
def netlink(protocol, groups=0):
    s = new(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    s.bind((0, groups))
    return s
NETLINK_ROUTE, NETLINK_AUDIT, ETH_P_ARP, IPPROTO_MPTCP = 0, 9, 0x806, 262
s = make("netlink", netlink, NETLINK_ROUTE, 5)
if s:
    check_socket("netlink", s, "netlink", "raw", state="bound", peer=None)
s = make("netlink, not bound", new, socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_AUDIT)
if s:
    check_socket("netlink, not bound", s, "netlink", "dgram", protocol="9", state="unconnected", local=None, peer=None)
def packet():
    s = new(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind(("lo", ETH_P_ARP))
    return s
s = make("packet", packet)
if s:
    index = socket.if_nametoindex("lo")
    check_socket("packet", s, "packet", "raw", True, state="bound", receive_queue=0,
        local=lambda local: local.startswith("sockaddr-hex:" + struct.pack("=HHi", 17, socket.htons(ETH_P_ARP), index).hex()))
s = make("packet, not bound", new, socket.AF_PACKET, socket.SOCK_DGRAM, 0)
if s:
    check_socket("packet, not bound", s, "packet", "dgram", state=lambda state: state in ("bound", "unconnected"))
for family, domain, number, protocol in (socket.AF_INET, "inet", 1, "icmp"), (socket.AF_INET6, "inet6", 58, "ipv6-icmp"), (socket.AF_INET, "inet", 89, "89"):
    s = make(f"{domain} raw", new, family, socket.SOCK_RAW, number)
    if s:
        check_socket(f"{domain} raw", s, domain, "raw", protocol=protocol, state="unconnected", peer=None)
s = make("ping", new, socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
if s:
    check("ping", s.fileno(), type="socket", socket=dict(domain="inet", type="dgram", protocol="icmp", state="unconnected"))
for name, number in ("mptcp", IPPROTO_MPTCP), ("sctp", 132):
    s = make(name, new, socket.AF_INET, socket.SOCK_STREAM, number)
    if s:
        check(name, s.fileno(), type="socket", socket=dict(domain="inet", type="stream", protocol=name, state="unconnected"))
def vsock():
    s = new(socket.AF_VSOCK, socket.SOCK_STREAM)
    s.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
    s.listen()
    return s
s = make("vsock", vsock)
if s:
    check_socket("vsock", s, "vsock", "stream", state="listen", peer=None)
for domain, *args in ("xdp", 44, socket.SOCK_RAW), ("alg", socket.AF_ALG, socket.SOCK_SEQPACKET), ("can", socket.AF_CAN, socket.SOCK_RAW), \
        ("tipc", socket.AF_TIPC, socket.SOCK_RDM), ("bluetooth", 31, socket.SOCK_SEQPACKET), ("smc", 43, socket.SOCK_STREAM), ("qipcrtr", 42, socket.SOCK_DGRAM), ("15", 15, socket.SOCK_RAW, 2):
    s = make(domain, new, *args)
    if s:
        check_socket(domain, s, domain, {1: "stream", 2: "dgram", 3: "raw", 4: "rdm", 5: "seqpacket"}[args[1]], state="unconnected", peer=None)

# A socket of a network namespace that is gone. Nobody there can be asked about its queue.
CLONE_NEWNET = 0x40000000
def in_namespace():
    call("unshare", CLONE_NEWNET)
    s = socket.socket(socket.AF_UNIX)
    s.bind("\0in a namespace")
    s.listen(3)
    return s.detach()
fd = make("socket of another network namespace", elsewhere, in_namespace)
if fd:
    check("socket of another network namespace", fd, type="socket", socket=dict(domain="unix", type="stream", state="listen", local="unix:@in a namespace"))
s = make("socket file, O_PATH", os.open, f"{work}/stream", os.O_PATH)
check("socket file, O_PATH", s, type="socket", access="none", path=f"{work}/stream", name=None, socket=None)
done()
