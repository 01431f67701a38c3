"""--size and --control-size are exact to the byte, also at zero: the line says what
Python's recvmsg is told with the same sizes on a like socket.

Needs: jq
"""
import array, base64, os, socket
from fdmsgjq import *

STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
names = {socket.MSG_TRUNC: "MSG_TRUNC", socket.MSG_CTRUNC: "MSG_CTRUNC"}
null = os.open("/dev/null", os.O_RDONLY)

def twice(kind, message, fds=(), options=()):
    "Two sockets with the same message in their queues, one for Python, one for fdmsg."
    result = []
    for _ in range(2):
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        for option in options:
            theirs.setsockopt(socket.SOL_SOCKET, option, 1)
        socket.send_fds(ours, [message], fds) if fds else ours.send(message)
        result.append((ours, theirs))
    return result

def recv(sock, *args):
    return fdmsg("recv", "-t", "20", "-n", "1", *args, "-", stdin=sock)

message = b"0123456789"
# --size, to the byte.
for kind in DGRAM, SEQPACKET:
    for size in 0, 1, 9, 10, 11:
        (a, python), (b, theirs) = twice(kind, message, [null])
        data, control, flags, _ = python.recvmsg(size, socket.CMSG_SPACE(4))
        good(recv(theirs, "--size", str(size)), '.[0] | .message == $data and .size == ($data | length) and .flags == $flags and (.fds | length) == 1',
            data=data.decode(), flags=[names[bit] for bit in names if flags & bit])
for size in 1, 9, 10, 11:
    (a, python), (b, theirs) = twice(STREAM, message)
    data = python.recv(size)
    good(recv(theirs, "--size", str(size)), '.[0] | .message == $data and .size == ($data | length) and .flags == []', data=data.decode())
    if len(data) < 10:
        same(theirs.recv(100), message[len(data):])

# Python's control messages have the header of its own word size, and so can tell
# nothing about those of another.
if word != native:
    raise SystemExit

# --control-size, to the byte: descriptors (as many as there is room for), credentials
# (cut where it is), nothing at all.
length, space = socket.CMSG_LEN, socket.CMSG_SPACE
interesting = {0, 1, 15, length(0), length(4) - 1, length(4), length(4) + 1, space(4) - 1, space(4), length(8) - 1, length(8), length(12) - 1, length(12), space(12), 200}
for kind in STREAM, DGRAM, SEQPACKET:
    for count, options in (3, ()), (0, (socket.SO_PASSCRED,)), (1, (socket.SO_PASSCRED,)):
        wanted = sorted(interesting) if kind == SEQPACKET else [0, length(4) - 1, length(4), length(8) - 1]
        if options:
            wanted = sorted({length(12) - 1, length(12), space(12), space(12) + length(4) - 1, space(12) + length(4), length(8)} if kind == SEQPACKET else {length(12) - 1})
        for size in wanted:
            (a, python), (b, theirs) = twice(kind, b"x", [null] * count, options)
            data, control, flags, _ = python.recvmsg(10, size)
            fds = [fd for level, type, data in control if type == socket.SCM_RIGHTS for fd in array.array("i", data[:len(data) // 4 * 4])]
            out = good(recv(theirs, "--control-size", str(size)),
                '.[0] | .message == "x" and .flags == $flags and (.control_truncated // false) == ($flags == ["MSG_CTRUNC"]) and (.fds | length) == $fds and ([.control[] | select(.type == "SCM_RIGHTS").fds[]] | length) == $fds',
                flags=[names[bit] for bit in names if flags & bit], fds=len(fds))
            # the bytes of truncated credentials are in the line as they came
            got = [entry.get("data_base64", "") for entry in lines(out)[0]["control"] if entry["type"] != "SCM_RIGHTS"]
            same([len(base64.b64decode(entry)) for entry in got], [len(data) for _, type, data in control if type != socket.SCM_RIGHTS])
            for fd in fds:
                os.close(fd)

# The same of an IP control message.
def udp():
    sock = socket.socket(socket.AF_INET, DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_IP, 12, 1)
    with socket.socket(socket.AF_INET, DGRAM) as peer:
        peer.sendto(b"x", sock.getsockname())
    return sock
for size in 0, 15, 16, 19, 20, 21, 24:
    with udp() as python, udp() as theirs:
        _, control, flags, _ = python.recvmsg(10, size)
        out = good(recv(theirs, "--control-size", str(size)), '.[0] | .flags == $flags and (.control | length) == $count', flags=[names[bit] for bit in names if flags & bit], count=len(control))
        as_python(out, control)
