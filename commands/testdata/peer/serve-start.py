"""Many servers start on one path at once: one gets it, the others say that it is taken; a
command that already waits there for one peer does not notice those that look.
"""
from serving import *

path = f"{work}/s"
schemes = list(KINDS)

def racer(i):
    r, w = os.pipe()
    process = start("listen", "--ready-fd", str(w), "-t", "50", f"{schemes[i % 3]}:{path}", fds=[w])
    os.close(w)
    return process, schemes[i % 3], r

def loses(process, scheme):
    code, lines, err = finish(process)
    same((code, lines), (1, []))
    report = err.splitlines()
    same(report[0], f"fdmsg: listen: {scheme}:{path}: bind: address already in use")
    assert len(report) == 2 and report[1].startswith("fdmsg: hint: "), err

socket.socket(socket.AF_UNIX).bind(path) # left behind by a dead server
winners = []
for process, scheme, ready in [racer(i) for i in range(50)]:
    with open(ready) as addresses:
        if won := addresses.read():
            same(won, f"{scheme}:{path}\n")
            winners.append((process, scheme))
        else:
            loses(process, scheme)
same(len(winners), 1)
(winner, scheme), = winners
with connect(path, KINDS[scheme]) as peer:
    peer.send(b"to the winner")
    same(line(winner)["message"], "to the winner")
    winner.terminate()
    same(finish(winner), (0, [], ""))
assert not os.path.lexists(path)

# recv takes one peer, and none of those that look is one.
for scheme, kind in KINDS.items():
    waiting, _ = serve("recv", "-t", "50", f"{scheme}:{path}")
    os.symlink("s", "link")
    for other in schemes:
        loses(start("listen", "-t", "20", f"{other}:{path}"), other)
        code, lines, err = fdmsg("listen", "-t", "20", f"{other}:./link")
        same((code, lines), (1, []))
        assert err.startswith(f"fdmsg: listen: {other}:{work}/link: bind: ") and "symbolic link" in err, err
    same((waiting.poll(), os.readlink("link")), (None, "s"))
    with connect(path, kind) as peer:
        peer.send(b"the one")
    code, lines, err = finish(waiting)
    same((code, err, [l["message"] for l in lines]), (0, "", ["the one"]))
    os.unlink("link")
