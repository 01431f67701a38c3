"""64 peers send 20,000 messages with 40,000 descriptors at once: each is printed once, in
order, with its own descriptors, and nothing stays open or in memory.
"""
import ctypes
from serving import *

PEERS, MESSAGES, PROCESSES = 64, 20_000, 4
kinds = [("s", STREAM), ("q", SEQPACKET)]
process, _ = serve("listen", "-t", "100", "unix:./s", "unix-seqpacket:./q")
before = opened(process)
for path, kind in kinds:
    with connect(path, kind) as peer:
        socket.send_fds(peer, [b"warm"], [0])
        line(process)
until(lambda: opened(process) == before, "descriptors stay open")
began = memory(process)

libc = ctypes.CDLL(None)
def eventfd(count):
    return libc.eventfd(count, os.EFD_CLOEXEC)

def send(share):
    """The peers whose number has the remainder SHARE send in turn. The descriptors of
    message I of all are eventfds that hold 2 I + 1 and 2 I + 2."""
    peers = {p: connect(*kinds[p // PROCESSES % 2]) for p in range(share, PEERS, PROCESSES)}
    for i in range(MESSAGES):
        if peer := peers.get(i % PEERS):
            fds = [eventfd(2 * i + 1), eventfd(2 * i + 2)]
            socket.send_fds(peer, [b"%d" % i], fds)
            for fd in fds:
                os.close(fd)
children = []
for share in range(PROCESSES):
    children.append(os.fork())
    if not children[-1]:
        status = 1
        try:
            send(share)
            status = 0
        finally:
            os._exit(status)

messages, counts, conns = [[] for _ in range(PEERS)], [], [set() for _ in range(PEERS)]
for _ in range(MESSAGES):
    got = line(process)
    i = int(got["message"])
    messages[i % PEERS].append(i)
    conns[i % PEERS].add(got["conn"])
    fds = [int(fd["eventfd"]["count"]) for fd in got["fds"]]
    assert fds == [2 * i + 1, 2 * i + 2] and got["flags"] == [], got
    counts += fds
for p, numbers in enumerate(messages): # in order, and all of them once
    assert numbers == list(range(p, MESSAGES, PEERS)), (p, numbers)
same([len(c) for c in conns], [1] * PEERS)
same(len(set.union(*conns)), PEERS)
same((len(counts), len(set(counts))), (2 * MESSAGES, 2 * MESSAGES))
for child in children:
    same(os.waitpid(child, 0)[1], 0)
until(lambda: opened(process) == before, lambda: f"{opened(process)} descriptors open, {before} before")
most = memory(process, "VmHWM")
print(f"{MESSAGES} messages, {len(counts)} descriptors; resident memory: {began} MiB before, {most} at most; {before} descriptors open before and after")
assert most < 500, most
process.terminate()
same(finish(process), (0, [], ""))
same((MESSAGES, len(counts)), (20_000, 40_000))
