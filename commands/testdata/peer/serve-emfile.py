"""A server that is short of descriptors accepts nobody for a while, and says which messages
lost descriptors; it has the others that came, no stale ones, and goes on when
descriptors are available again, or at the end when connections give theirs back.
"""
from serving import *

files = []
for i in range(40):
    files.append(os.open(f"file-{i}", os.O_RDONLY | os.O_CREAT))
begins = lambda l: same([os.path.basename(fd["path"]) for fd in l["fds"]], [f"file-{i}" for i in range(len(l["fds"]))])

PEERS = 60
def crowd():
    """A server that has taken all that it could of many peers, each of which has said its number."""
    process, _ = serve("listen", "-t", "25", "--drain", "20", "./s", stderr=open("err", "wb"), preexec_fn=few(40))
    with connect("s") as peer:
        peer.send(b"first")
        same(line(process)["message"], "first")
    peers = [connect("s") for _ in range(PEERS)]
    for i, peer in enumerate(peers):
        peer.send(b"%d " % i)
    until(lambda: os.path.getsize("err"), "it has enough descriptors")
    return process, peers

def complaints():
    with open("err") as err:
        lines = err.read().splitlines()
    assert all(l.startswith("fdmsg: listen: unix:") and l.endswith("accept: too many open files") for l in lines), lines
    assert lines
    return len(lines)

# It says so once, however often it tries; and goes on once some peers have gone.
process, peers = crowd()
said = complaints()
time.sleep(0.5) # as nothing happens, there is nothing to wait for
assert complaints() <= said + 2, (said, complaints())
socket.send_fds(peers[0], [b"cut"], files)
said, cut = "", 0
while not cut:
    got = line(process)
    cut = "cut" in got["message"]
    said += got["message"].replace("cut", "")
same((got["control_truncated"], got["flags"]), (True, ["MSG_CTRUNC"]))
begins(got)
accepted = PEERS - 20
for peer in peers[:accepted]: # not all of those that it has, and no others
    peer.shutdown(socket.SHUT_WR)
while len(said.split()) < PEERS:
    said += line(process)["message"]
same(sorted(map(int, said.split())), list(range(PEERS)))
socket.send_fds(peers[-1], [b"whole"], files[:3])
got = line(process)
same((got["message"], len(got["fds"]), got["flags"], "control_truncated" in got), ("whole", 3, [], False))
begins(got)
for peer in peers:
    peer.close()
with connect("s") as peer:
    peer.send(b"last")
    same(line(process)["message"], "last")
process.terminate()
same(finish(process)[:2], (0, []))
print(f"{complaints()} times short of descriptors")

# At the end, those that it has make room for the others.
process, peers = crowd()
process.terminate()
code, lines, _ = finish(process)
same((code, sorted(map(int, "".join(l["message"] for l in lines).split()))), (0, list(range(PEERS))))
complaints()

# The limit falls below what is open, and rises again.
for scheme, kind in KINDS.items():
    process, _ = serve("listen", "-t", "25", f"{scheme}:./k")
    with connect("k", kind) as peer:
        peer.send(b"hello")
        line(process)
        before = opened(process)
        limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        for round in range(3):
            socket.send_fds(peer, [b"whole"], files)
            got = line(process)
            same((got["message"], len(got["fds"]), got["flags"]), ("whole", len(files), []))
            begins(got)
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
            for fds in files, files[7:8]:
                socket.send_fds(peer, [b"none"], fds)
                got = line(process)
                same((got["message"], got["fds"], got["control_truncated"], got["flags"]), ("none", [], True, ["MSG_CTRUNC"]))
                same([c.get("fds", []) for c in got["control"]], [[]] * len(got["control"]))
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limits)
        until(lambda: opened(process) == before, "descriptors stay open")
    process.terminate()
    same(finish(process), (0, [], ""))
