"""--size and --control-size cut a message: the line says so, and holds what came."""
import os, socket
from fdmsg import *

def recv(kind, message, *args, fds=[], count=1, **options):
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        socket.send_fds(ours, [message], fds) if fds else ours.send(message)
        code, lines, err = fdmsg("recv", "-t", "20", "-n", str(count), *args, "-", stdin=theirs, **options)
        same((code, err, len(lines)), (0, "", count))
        return lines if count > 1 else lines[0]

null = os.open("/dev/null", os.O_RDONLY)
STREAM, SEQPACKET, DGRAM = socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM
for kind in SEQPACKET, DGRAM:
    line = recv(kind, b"0123456789", "--size", "4")
    same((line["message"], line["size"], line["truncated"], line["flags"]), ("0123", 4, True, ["MSG_TRUNC"]))
    assert "control_truncated" not in line, line
    line = recv(kind, b"0123456789", "--size", "10")
    same((line["message"], line["flags"], "truncated" in line), ("0123456789", [], False))
    # the default size takes everything that the kernel's default buffers hold
    line = recv(kind, b"x" * 200_000)
    same((line["message"], line["size"], "truncated" in line), ("x" * 200_000, 200_000, False))
    # a suffix
    line = recv(kind, b"x" * 5000, "--size", "2K")
    same((line["message"], line["truncated"]), ("x" * 2048, True))
    # descriptors come with what is left
    line = recv(kind, b"0123456789", "--size", "1", fds=[null])
    same((line["message"], line["truncated"], [fd["path"] for fd in line["fds"]]), ("0", True, ["/dev/null"]))

# UDP.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    server, (address,) = serve("recv", "-t", "20", "--size", "3", "udp:127.0.0.1:0")
    peer.sendto(b"0123456789", ("127.0.0.1", int(address.rsplit(":", 1)[1])))
    code, lines, err = finish(server)
    same((code, lines[0]["message"], lines[0]["truncated"], lines[0]["flags"]), (0, "012", True, ["MSG_TRUNC"]))

# On a stream nothing is lost: the rest is the next line.
lines = recv(STREAM, b"0123456789", "--size", "4", count=3)
same([line["message"] for line in lines], ["0123", "4567", "89"])
assert not any("truncated" in line or line["flags"] for line in lines), lines

# A text that is cut in the middle of a character ends before it.
line = recv(SEQPACKET, "aé€".encode(), "--size", "5")
same((line.get("message"), line["truncated"]), ("aé", True))

# --control-size: fewer descriptors than were sent, the first ones.
for kind in STREAM, SEQPACKET, DGRAM:
    line = recv(kind, b"x", "--control-size", "64", fds=[null] * 100)
    same((line["control_truncated"], line["flags"], line["message"]), (True, ["MSG_CTRUNC"], "x"))
    assert 0 < len(line["fds"]) < 16, line["fds"]
    same(line["control"], [{"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": [fd["fd"] for fd in line["fds"]]}])
    assert "truncated" not in line, line
    # too small for any
    for size in "0", "1", "12":
        line = recv(kind, b"x", "--control-size", size, fds=[null] * 3)
        same((line["control_truncated"], line["control"], line["fds"], line["message"]), (True, [], [], "x"))
    line = recv(kind, b"x", fds=[null] * 253)
    same((len(line["fds"]), line["flags"], "control_truncated" in line), (253, [], False))

# Both.
line = recv(SEQPACKET, b"0123456789", "--size", "4", "--control-size", "0", fds=[null])
same((line["truncated"], line["control_truncated"], sorted(line["flags"])), (True, True, ["MSG_CTRUNC", "MSG_TRUNC"]))
