"""--max-connections, --idle-timeout and --backlog: what exceeds a limit is closed, counted
and reported, and nobody else notices.
"""
from serving import *

path = f"{work}/s"

def closed(peer):
    try:
        return peer.recv(100) == b""
    except ConnectionResetError:
        return True

def says(peer, text):
    peer.send(text.encode())
    same(line(process)["message"], text)

# --max-connections
for scheme, kind in ("unix", STREAM), ("unix-seqpacket", SEQPACKET):
    process, _ = serve("listen", "-t", "25", "--events", "--max-connections", "2", f"{scheme}:{path}")
    same(line(process)["type"], "listening")
    def served():
        peer = connect(path, kind)
        same(line(process)["type"], "open")
        return peer
    first, second = served(), served()
    for _ in range(3):
        refused = connect(path, kind)
        event = line(process)
        same((event["type"], "--max-connections" in event["reason"], event["peer"]["pid"]), ("refused", True, os.getpid()))
        assert closed(refused)
        says(first, "first")
    second.close()
    same(line(process)["type"], "close")
    # the place of one that has gone is free, if not at the same instant
    def third():
        peer = connect(path, kind)
        return peer if line(process)["type"] == "open" else None
    third = until(third, "no place becomes free")
    says(third, "third")
    says(first, "first")
    process.terminate()
    code, lines, err = finish(process)
    same(code, 0)
    warned(err, r"[1-9][0-9]* connections refused: more than --max-connections")
    assert int(err.split()[2]) >= 3, err

# It counts connections, and no datagrams.
process, _ = serve("listen", "-t", "25", "-n", "9", "--max-connections", "1", "unix-dgram:./d")
senders = [connect("d", DGRAM) for _ in range(9)]
for sender in senders:
    sender.send(b"x")
code, lines, err = finish(process)
same((code, err, len(lines)), (0, "", 9))

# --idle-timeout: a silent connection is closed, one that has been there for longer
# and says something now and then is not.
process, _ = serve("listen", "-t", "25", "--events", "--idle-timeout", "1.5", path, "tcp:127.0.0.1:0", stdout=open("lines", "wb"))
busy = connect(path)
busy.send(b".")
silent = [connect(path), connect(path)]
silent[1].send(b"hello")
while not select.select(silent, [], [], 0.1)[0]:
    busy.send(b".")
for peer in silent:
    while not select.select([peer], [], [], 0.1)[0]:
        busy.send(b".")
    assert closed(peer)
busy.send(b"last")
process.terminate()
code, _, err = finish(process)
same(code, 0)
warned(err, "2 connections closed: .*--idle-timeout")
with open("lines") as file:
    lines = [json.loads(l) for l in file]
same({l["conn"]: (l["messages"], l.get("reason", "")[:18]) for l in lines if l["type"] == "close" and l["conn"] > 1},
    {2: (0, "connections closed"), 3: (1, "connections closed")})
assert "".join(l["message"] for l in lines if l["type"] == "message" and l["conn"] == 1).endswith("last"), lines
same([l.get("reason") for l in lines if l["type"] == "close" and l["conn"] == 1], [None])

# --backlog: as listen(2) counts it, one more than it says.
for backlog in 1, 7:
    process, _ = serve("listen", "-t", "25", "--backlog", str(backlog), path)
    stop(process)
    waiting = []
    while len(waiting) < 100:
        peer = socket.socket(socket.AF_UNIX)
        peer.setblocking(False)
        try:
            peer.connect(path)
        except BlockingIOError:
            break
        waiting.append(peer)
    # it may have been about to take one when it was stopped
    assert backlog + 1 <= len(waiting) <= backlog + 2, (backlog, len(waiting))
    process.send_signal(signal.SIGCONT)
    with connect(path) as peer:
        peer.send(b"served")
        same(line(process)["message"], "served")
    process.terminate()
    same(finish(process), (0, [], ""))
