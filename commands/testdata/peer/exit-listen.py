"""Exit codes of listen: 0 when N messages came, when its time is over, and at SIGTERM and
SIGHUP; 124 when its time is over and fewer than N came.
"""
import os, signal, socket
from fdmsg import *

path = f"{os.environ['WORK']}/s"

def send(*messages):
    for message in messages:
        same(fdmsg("send", "-t", "20", path, "-m", message)[0], 0)

process, _ = serve("listen", "-t", "20", "-n", "2", path)
send("a", "b")
code, lines, err = finish(process)
same((code, err, sorted(line["message"] for line in lines)), (0, "", ["a", "b"]))

same(fdmsg("listen", "-t", "0.1", path), (0, [], ""))
process, _ = serve("listen", "-t", "1", path)
send("a")
code, lines, err = finish(process)
same((code, err, len(lines)), (0, "", 1))

process, _ = serve("listen", "-t", "1", "-n", "2", path)
send("a")
code, lines, err = finish(process)
same((code, len(lines)), (124, 1))
assert err.startswith(f"fdmsg: listen: ") and err.count("\n") == 1, err
same(fdmsg("listen", "-t", "0.1", "-n", "1", path)[0], 124)

for number, want in (signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, -signal.SIGINT):
    process, _ = serve("listen", "-t", "20", path)
    send("a")
    same(json.loads(process.stdout.readline())["message"], "a")
    process.send_signal(number)
    same(finish(process), (want, [], ""))

# -n is N messages in all, of however many peers.
process, _ = serve("listen", "-t", "20", "-n", "3", f"unix-seqpacket:{path}")
peers = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(5)]
for peer in peers:
    peer.connect(path)
for peer in peers[:3]:
    peer.send(b"x")
for peer in peers[3:]:
    try:
        peer.send(b"x")
    except BrokenPipeError:
        pass # it has ended
code, lines, err = finish(process)
same((code, err, [line["seq"] for line in lines]), (0, "", [1, 2, 3]))
