"""After 100,000 received descriptors, listen has as many open as before."""
import os, socket, time
from fdmsg import *

EACH, TIMES = 253, 396
with open("file", "w") as file:
    file.write("x")
mixed = [os.open("/dev/null", os.O_RDONLY), os.open("file", os.O_RDONLY), *os.pipe(), socket.socket().detach(), os.open(".", os.O_RDONLY)]
fds = [mixed[i % len(mixed)] for i in range(EACH)]
for scheme, kind in ("unix-seqpacket", socket.SOCK_SEQPACKET), ("unix", socket.SOCK_STREAM), ("unix-dgram", socket.SOCK_DGRAM):
    process, _ = serve("listen", "-t", "50", f"{scheme}:./s")

    def opened():
        "What is open in listen, by number, without the pollers of its own."
        directory, found = f"/proc/{process.pid}/fd", {}
        for fd in os.listdir(directory):
            try:
                found[int(fd)] = os.readlink(f"{directory}/{fd}")
            except FileNotFoundError:
                pass
        return {fd: target for fd, target in found.items() if target != "anon_inode:[eventpoll]"}

    def settle(want):
        "Waits until so many are open: they are closed once the line is out."
        deadline = time.monotonic() + 20
        while len(opened()) != want:
            assert time.monotonic() < deadline, f"not {want} descriptors open as in\n{first}, but\n{opened()}"

    with socket.socket(socket.AF_UNIX, kind) as peer:
        peer.connect("s")
        peer.send(b"warm-up")
        process.stdout.readline()
        first = opened()
        before = len(first)
        # all of them over the first type, some over the others
        times = TIMES if kind == socket.SOCK_SEQPACKET else 20
        for i in range(times):
            socket.send_fds(peer, [b"x"], fds)
            line = process.stdout.readline()
            if i % 50 == 0:
                same(len(json.loads(line)["fds"]), EACH)
            else:
                assert line.count(b'"fd":') == EACH, line
        settle(before)

    # nor do connections leave descriptors open
    if kind != socket.SOCK_DGRAM:
        settle(before - 1)
        for _ in range(20):
            with socket.socket(socket.AF_UNIX, kind) as peer:
                peer.connect("s")
                socket.send_fds(peer, [b"x"], fds)
            process.stdout.readline()
        settle(before - 1)
    process.terminate()
    same(finish(process), (0, [], ""))
