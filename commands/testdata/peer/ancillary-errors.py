"""The error queue tells why a datagram was not delivered, and by whom. Without MSG_ERRQUEUE
the error itself ends the command.

Needs: jq
"""
import select, socket
from fdmsgjq import *

cases = (socket.AF_INET, "127.0.0.1", "udp:127.0.0.1", "IP_RECVERR", "IPPROTO_IP", "ICMP", 3, 3), \
    (socket.AF_INET6, "::1", "udp:[::1]", "IPV6_RECVERR", "IPPROTO_IPV6", "ICMP6", 1, 4)
for family, host, scheme, option, level, origin, kind, code in cases:
    with socket.socket(family, socket.SOCK_DGRAM) as closed:
        closed.bind((host, 0))
        port = closed.getsockname()[1]
    to = f"{scheme}:{port}"
    filter = f'''.[0] | .message == "hello" and .size == 5 and .flags == ["MSG_ERRQUEUE"] and .fds == [] and (.control | length) == 1 and (.control[0] |
        .level == "{level}" and .type == "{option}" and .ee_errno == "ECONNREFUSED" and .ee_origin == "SO_EE_ORIGIN_{origin}" and .ee_type == {kind} and .ee_code == {code} and .offender == "{host}")'''
    for flag in "MSG_ERRQUEUE", "recv:MSG_ERRQUEUE", "0x2000":
        good(fdmsg("call", "-t", "20", "-o", option, "-F", flag, to, "-m", "hello"), filter)

    # The error of a plain call.
    bad(fdmsg("call", "-t", "20", to, "-m", "hello"), 1, "connection refused", to)

    # On an inherited socket, with the bytes that Python receives on a like one.
    with socket.socket(family, socket.SOCK_DGRAM) as ours, socket.socket(family, socket.SOCK_DGRAM) as theirs:
        for sock in ours, theirs:
            sock.setsockopt({socket.AF_INET: socket.SOL_IP, socket.AF_INET6: socket.IPPROTO_IPV6}[family], {socket.AF_INET: 11, socket.AF_INET6: 25}[family], 1)
            sock.sendto(b"hello", (host, port))
            poll = select.poll()
            poll.register(sock, 0)
            assert poll.poll(20000)
        _, control, flags, sender = ours.recvmsg(100, 1000, socket.MSG_ERRQUEUE)
        same((flags & ~socket.MSG_CMSG_CLOEXEC, sender[:2]), (socket.MSG_ERRQUEUE, (host, port)))
        out = good(fdmsg("recv", "-t", "20", "-F", "MSG_ERRQUEUE", "-", stdin=theirs), filter)
        as_python(out, control)

        # an empty error queue is waited for
        code, out, err = fdmsg("recv", "-t", "0.1", "-F", "MSG_ERRQUEUE", "-", stdin=theirs)
        same((code, out), (124, ""))
        process = start("recv", "-t", "20", "-F", "MSG_ERRQUEUE", "-", stdin=theirs)
        theirs.sendto(b"hello", (host, port))
        good(finish(process), filter)
        # plain messages do not end the wait
        ours.sendto(b"plain", (host, theirs.getsockname()[1]))
        code, out, err = fdmsg("recv", "-t", "0.1", "-F", "MSG_ERRQUEUE", "-", stdin=theirs)
        same((code, out), (124, ""))
        good(fdmsg("recv", "-t", "20", "-", stdin=theirs), '.[0].message == "plain"')

        # and with MSG_DONTWAIT it is an error
        bad(fdmsg("recv", "-t", "20", "-F", "MSG_ERRQUEUE", "-F", "MSG_DONTWAIT", "-", stdin=theirs), 1, "EAGAIN")

# More that an ICMP error says: for a message that is too long, the MTU.
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
    sock.connect(("::1", 9))
    for option, value in (25, 1), (62, 1), (24, 1300):  # IPV6_RECVERR, IPV6_DONTFRAG, IPV6_MTU
        sock.setsockopt(socket.IPPROTO_IPV6, option, value)
    bad(fdmsg("send", "-t", "20", f"fd:{sock.fileno()}", "-m", "x" * 2000, fds=[sock.fileno()]), 1, "message too long")
    good(fdmsg("recv", "-t", "20", "-F", "MSG_ERRQUEUE", "-", stdin=sock),
        '.[0].control[] | select(.type == "IPV6_RECVERR") | .ee_errno == "EMSGSIZE" and .ee_origin == "SO_EE_ORIGIN_LOCAL" and .ee_info == 1300')

# IPV6_PATHMTU tells the same by a message of no bytes.
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as ours, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as theirs:
    for sock in ours, theirs:
        sock.bind(("::1", 0))
        sock.connect(("::1", 9))
        for option, value in (60, 1), (62, 1), (24, 1300):  # IPV6_RECVPATHMTU
            sock.setsockopt(socket.IPPROTO_IPV6, option, value)
        try:
            sock.send(b"x" * 2000)
            assert False, "sent"
        except OSError as error:
            same(error.errno, 90)
    data, control, _, _ = ours.recvmsg(100, 1000)
    same((data, [entry[:2] for entry in control]), (b"", [(41, 61)]))
    out = good(fdmsg("recv", "-t", "20", "-", stdin=theirs), '.[0] | .message == "" and (.control[0] | .level == "IPPROTO_IPV6" and .type == "IPV6_PATHMTU" and .mtu == 1300 and .addr == "::1")')
    as_python(out, control)
