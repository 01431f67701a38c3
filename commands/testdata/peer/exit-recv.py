"""Exit codes of recv: 0, 3 and 124."""
import os, socket
from fdmsg import *

path = f"{os.environ['WORK']}/s"

def recv(*args, messages=[], close=True, kind=socket.SOCK_SEQPACKET):
    "The exit code and how many lines, when a peer sends MESSAGES and ends or stays."
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        for message in messages:
            ours.send(message)
        if close:
            ours.close()
        code, lines, err = fdmsg("recv", "-", *args, stdin=theirs)
        if code == 0:
            same(err, "")
        else:
            assert err.startswith("fdmsg: recv: fd:0: ") and err.count("\n") <= 2, err
        return code, len(lines)

# done: end of file after at least one, or N
same(recv("-t", "20", messages=[b"a"]), (0, 1))
same(recv("-t", "20", messages=[b"a", b"b", b"c"]), (0, 3))
same(recv("-t", "20", messages=[b"a"], kind=socket.SOCK_STREAM), (0, 1))
same(recv("-t", "20", "-n", "2", messages=[b"a", b"b", b"c"]), (0, 2))
same(recv("-t", "20", "-n", "2", messages=[b"a", b"b"], close=False), (0, 2))
same(recv("-t", "20", "-n", "0", messages=[b"a", b"b"]), (0, 2))

# a datagram socket has no end of file: one, unless told otherwise
same(recv("-t", "20", messages=[b"a", b"b"], close=False, kind=socket.SOCK_DGRAM), (0, 1))
same(recv("-t", "20", "-n", "2", messages=[b"a", b"b"], close=False, kind=socket.SOCK_DGRAM), (0, 2))

# the peer ended first
same(recv("-t", "20"), (3, 0))
same(recv("-t", "20", kind=socket.SOCK_STREAM), (3, 0))
same(recv("-t", "20", "-n", "1"), (3, 0))
same(recv("-t", "20", "-n", "3", messages=[b"a", b"b"]), (3, 2))
same(recv("-t", "20", "-n", "0"), (3, 0))

# time ran out
same(recv("-t", "0.1", close=False), (124, 0))
same(recv("-t", "0.1", "-n", "2", messages=[b"a"], close=False), (124, 1))
same(recv("-t", "100ms", messages=[b"a"], close=False), (124, 1))
same(recv("-t", "0.1", close=False, kind=socket.SOCK_DGRAM), (124, 0))
same(recv("-t", "0.1", "-n", "0", messages=[b"a"], close=False, kind=socket.SOCK_DGRAM), (124, 1))
for scheme in "unix", "unix-dgram", "unix-seqpacket":
    code, lines, err = fdmsg("recv", "-t", "0.1", f"{scheme}:{path}")
    same((code, lines), (124, []))
    assert err.startswith(f"fdmsg: recv: {scheme}:{path}: ") and err.count("\n") == 1, err
code, lines, err = fdmsg("recv", "--connect", "-t", "0.1", "--wait", "20", path)
same((code, lines), (124, []))

# DURATION
for duration in "0.05", ".05", "50ms", "0.05s", "0.001m", "0.00001h":
    same(fdmsg("recv", "-t", duration, path)[0], 124)

# -t 0 is no limit
process = start("recv", "-t", "0", "-n", "1", path)
same(fdmsg("send", "--wait", "20", path, "-m", "x")[0], 0)
same(finish(process)[0], 0)
