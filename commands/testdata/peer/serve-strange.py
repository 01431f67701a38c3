"""Descriptors that could do harm: endless ones, files larger than any disk, sockets that
hold each other, and the served socket itself. Another peer is served meanwhile, and
nothing stays open.
"""
from serving import *

listener = socket.socket(socket.AF_UNIX)
listener.bind(f"{work}/s")
listener.listen()
process, _ = serve("listen", "-t", "50", f"fd:{listener.fileno()}", "--content", "all", "--content-limit", "1000", "--content-timeout", "0.2", fds=[listener.fileno()])
peer, other = connect("s"), connect("s")
for p in peer, other:
    p.send(b"hello")
    same(line(process)["message"], "hello")
before = opened(process)

def strange(*fds):
    """What the server says of FDS, while the other peer is heard as well."""
    socket.send_fds(peer, [b"strange"], fds)
    other.send(b"other")
    got = {l["message"]: l for l in (line(process), line(process))}
    same(sorted(got), ["other", "strange"])
    same((got["strange"]["flags"], len(got["strange"]["fds"])), ([], len(fds)))
    return got["strange"]["fds"]

os.mkfifo("fifo")
fifo = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
place = os.open("fifo", os.O_PATH)
zero = os.open("/dev/zero", os.O_RDONLY)
sparse = os.open("sparse", os.O_RDWR | os.O_CREAT)
os.ftruncate(sparse, 1 << 40)
os.pwrite(sparse, b"begin", 0)
a = strange(fifo, place, zero, sparse)
same([(fd["type"], fd["access"]) for fd in a], [("pipe", "r"), ("pipe", "none"), ("char", "r"), ("file", "rw")])
same([fd.get("content") for fd in a], [None, None, None, "begin" + "\0" * 995])
same([fd.get("content_error") for fd in a], ["timed out", "not open for reading", None, None])
same(a[3]["size"], 1 << 40)

# Sockets in the queues of which they are themselves: alone, and round and round.
def ring(size):
    pairs = [socket.socketpair() for _ in range(size)]
    for i, (ours, theirs) in enumerate(pairs):
        for which in 0, 1:
            socket.send_fds(ours, [b"x"], [pairs[(i + 1) % size][which].fileno()])
    return pairs
for size in 1, 2, 10:
    pairs = ring(size)
    got = strange(*[s.fileno() for pair in pairs for s in pair])
    same({fd["type"] for fd in got}, {"socket"})
    same([fd["socket"]["queued_fds"] for fd in got], [0, 2] * size)
    for pair in pairs:
        for s in pair:
            s.close()

# The socket that is served, the connection that it comes on, and another one.
got = strange(listener.fileno(), peer.fileno(), other.fileno())
same([fd["type"] for fd in got], ["socket"] * 3)
same(got[0]["socket"]["state"], "listen")
until(lambda: opened(process) == before, "descriptors stay open")
for p in peer, other: # those that it has closed were not these
    p.send(b"still here")
    same(line(process)["message"], "still here")
with connect("s") as third:
    third.send(b"third")
    same(line(process)["message"], "third")
peer.close()
until(lambda: opened(process) == before - 1, "the end of a connection is not seen")
process.terminate()
same(finish(process), (0, [], ""))
listener.close()
os.unlink("s")

# Quotes, each of which takes two bytes in the line: as many as one message may show.
with open("quotes", "wb") as file:
    file.write(b'"' * (1 << 20))
process, _ = serve("listen", "-t", "50", "unix-seqpacket:./s")
peer, other = connect("s", SEQPACKET), connect("s", SEQPACKET)
socket.send_fds(peer, [b"quotes"], [os.open("quotes", os.O_RDONLY) for _ in range(253)])
other.send(b"other")
got = {l["message"]: l for l in (line(process), line(process))}
fds = got["quotes"]["fds"]
same((sorted(got), len(fds)), (["other", "quotes"], 253))
assert all(fd["content"] == '"' * (1 << 20) for fd in fds[:16])
same([(fd["content"], fd["content_truncated"], fd["size"]) for fd in fds[16:]], [("", True, 1 << 20)] * 237)
print(f"253 files of quotes: {memory(process, 'VmHWM')} MiB of resident memory at most")
assert memory(process, "VmHWM") < 1200 # the race detector takes its share
peer.send(b"after")
same(line(process)["message"], "after")
process.terminate()
same(finish(process), (0, [], ""))
