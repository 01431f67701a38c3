"""With SO_PASSPIDFD the kernel opens a descriptor for each message: none is left open,
whether there was room for the control message or not.
"""
import os, socket, time
from fdmsg import *
from machine import skip

SO_PASSPIDFD = 76
for args in [], ["--control-size", "8"]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        theirs.setsockopt(socket.SOL_SOCKET, SO_PASSPIDFD, 1)
    except OSError:
        skip("SO_PASSPIDFD: Linux 6.5")
    process = start("listen", "-t", "25", *args, "-", stdin=theirs)

    def opened():
        found = []
        for fd in os.listdir(f"/proc/{process.pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{process.pid}/fd/{fd}"))
            except FileNotFoundError:
                pass
        return [target for target in found if target != "anon_inode:[eventpoll]"]

    null = os.open("/dev/null", os.O_RDONLY)
    for i in range(300):
        socket.send_fds(ours, [b"x"], [null])
        line = json.loads(process.stdout.readline())
        same(line.get("control_truncated", False), bool(args))
    deadline = time.monotonic() + 20
    while len(opened()) > 10:
        assert time.monotonic() < deadline, opened()
    process.terminate()
    same(finish(process), (0, [], ""))
