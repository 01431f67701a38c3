"""When the time of --drain is over, every connection with unread data is named, and no
other.
"""
import re
from serving import *

path = f"{work}/s"
# Peers have filled their queues, and the reader of the output is slow: what nobody
# has read when the time is over is said to the byte.
def slow():
    "Exit code, bytes sent and bytes in lines of each connection, standard error."
    process, _ = serve("listen", "-t", "25", "--drain", "0.1", f"unix-seqpacket:{path}")
    peers, sent, came = [], {}, {}
    for i in range(1, 41):
        peers.append(connect(path, SEQPACKET))
        peers[-1].send(b"hello")
        same(line(process)["conn"], i)
    stop(process)
    for i, peer in enumerate(peers, 1):
        peer.setblocking(False)
        sent[i] = 0
        try:
            while True:
                sent[i] += peer.send(b"x" * 10_001)
        except BlockingIOError:
            pass
    process.terminate()
    process.send_signal(signal.SIGCONT)
    out = b""
    while data := os.read(process.stdout.fileno(), 1 << 15):
        out += data
        time.sleep(0.02) # that is what makes it slow
    code, _, err = finish(process)
    for l in map(json.loads, out.splitlines()):
        came[l["conn"]] = came.get(l["conn"], 0) + l["size"]
    return code, sent, came, err
for attempt in range(5):
    code, sent, came, err = slow()
    if "does not read" not in err: # a machine that stands still for a second
        break
assert sum(came.values()) < sum(sent.values()), "it was not slow enough"
same(code, 1)
named = re.findall(r"connection ([0-9]+): .* ([0-9]+) bytes", err)
same({int(c): int(n) for c, n in named}, {c: n - came.get(c, 0) for c, n in sent.items() if n > came.get(c, 0)})
