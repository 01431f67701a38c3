"""COMMAND finds a message that is text in FDMSG_MESSAGE; one that is not, or is longer than
128 KiB, in the file open as FDMSG_MESSAGE_FD.

Needs: bash
"""
import os, socket
from fdmsg import *

show = 'printf "%s|%s|" "${FDMSG_MESSAGE-(unset)}" "${FDMSG_MESSAGE_FD-(unset)}"; [ -z "$FDMSG_MESSAGE_FD" ] || cat <&$FDMSG_MESSAGE_FD'
null = os.open("/dev/null", os.O_RDONLY)

def command(data, fds=[], kind=socket.SOCK_SEQPACKET, show=show):
    "What COMMAND says that it got."
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        socket.send_fds(ours, [data], fds) if fds else ours.send(data)
        # variables from the environment, none of which describes this message
        stale = dict(FDMSG_MESSAGE="stale", FDMSG_MESSAGE_FD="9", LISTEN_FDS="7", LISTEN_PID="1", LISTEN_FDNAMES="stale")
        process = start("recv", "-t", "20", f"fd:{theirs.fileno()}", "--", "bash", "-c", show, fds=[theirs.fileno()], env={**os.environ, **stale})
        out, err = process.communicate(timeout=30)
        same((process.returncode, err), (0, b""))
        return out

# Texts, as they are.
for text in "hello", "two\nlines\n", " spaces  ", "-n", "$HOME `x` \\ '\"", "Grüße 漢字 🙂", "\ufeff\ufffd", "\x01\x1b[31m\x7f", "", "x" * 100_000:
    for fds in [], [null], [null] * 3:
        same(command(text.encode(), fds).decode(), f"{text}|(unset)|")

# A lone NUL byte, which a stream needs for its descriptors, is an empty text.
for kind in socket.SOCK_STREAM, socket.SOCK_SEQPACKET:
    same(command(b"\0", [null], kind), b"|(unset)|")

# No text: not UTF-8, or with NULs in it. The file comes after the received ones.
for data in b"\xff", b"a\0b", b"\0\0", b"\0a", b"a\0", b"\xed\xa0\x80", b"\xc0\x80", bytes(range(256)):
    for count in 0, 1, 12:
        same(command(data, [null] * count), b"(unset)|%d|%s" % (3 + count, data))

# Over 128 KiB.
for data in b"x" * (128 * 1024 + 1), b"y" * 160_000, b"\xff" * 140_000:
    same(command(data, [null]), b"(unset)|4|" + data)

# Up to 128 KiB it is in FDMSG_MESSAGE as far as the kernel lets it be that long
# (MAX_ARG_STRLEN, which the name and the final NUL count in).
for size in 131072 - 15, 131072 - 14, 131072:
    data = b"z" * size
    got = command(data)
    assert got in (data + b"|(unset)|", b"(unset)|3|" + data), (size, got[:30], got[-30:])
same(command(b"z" * (131072 - 15))[:3], b"zzz")

# The file is not in LISTEN_FDS, and no name is left over from before.
same(command(b"\xff", [null] * 2, show='echo $LISTEN_FDS ${LISTEN_FDNAMES-unset}; [ $LISTEN_PID = $$ ] && echo mine'), b"2 unset\nmine\n")
