"""A socket file that nobody serves any more is replaced, whatever the types of the sockets;
of many that start at once, one gets it.
"""
import os, socket, stat
from fdmsg import *

path = f"{os.environ['WORK']}/s"
kinds = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}

def leave(kind):
    "A socket file whose socket is gone; its inode."
    with socket.socket(socket.AF_UNIX, kind) as stale:
        stale.bind(path)
        os.chmod(path, 0o666)
    return os.stat(path).st_ino

for kind in kinds.values():
    for scheme in kinds:
        old = leave(kind)
        process, _ = serve("listen", "-t", "20", "-n", "1", f"{scheme}:{path}")
        same(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        code, lines, err = fdmsg("send", "-t", "20", f"{scheme}:{path}", "-m", "fresh")
        same((code, err), (0, ""))
        same(finish(process)[1][0]["message"], "fresh")
        assert not os.path.lexists(path)

# One that was killed leaves its file; the next takes it.
process, _ = serve("listen", "-t", "20", path)
process.kill()
process.wait()
assert os.path.exists(path)
process, _ = serve("listen", "-t", "20", path)
process.terminate()
same(finish(process)[0], 0)

# A race for a stale one.
for round in range(5):
    leave(socket.SOCK_STREAM)
    racers = []
    for _ in range(8):
        r, w = os.pipe()
        racers.append((start("listen", "--ready-fd", str(w), "-t", "20", path, fds=[w]), r))
        os.close(w)
    winners = []
    for process, r in racers:
        with open(r) as ready:
            if ready.read():
                winners.append(process)
    same(len(winners), 1)
    same(fdmsg("send", "-t", "20", path, "-m", "winner?")[0], 0)
    same(json.loads(winners[0].stdout.readline())["message"], "winner?")
    for process, _ in racers:
        if process is not winners[0]:
            code, lines, err = finish(process)
            same((code, lines), (1, []))
            assert path in err and "in use" in err, err
    assert os.path.exists(path), "a loser removed the winner's file"
    winners[0].terminate()
    same(finish(winners[0]), (0, [], ""))
    assert not os.path.lexists(path)
