"""--events prints a line for each event besides messages, in the same numbering; without it
there is none.
"""
from serving import *

path = f"{work}/s"
me = {"pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid()}
pick = lambda l: {k: v for k, v in l.items() if k not in ("time", "seq")}

process, (address, dgram) = serve("listen", "-t", "25", "--events", "--fds", "cut", f"unix-seqpacket:{path}", "unix-dgram:./d")
got = [line(process), line(process)]
same([pick(l) for l in got], [{"type": "listening", "local": a} for a in (address, dgram)])
def next_is(**want):
    got.append(line(process))
    same(pick(got[-1]), want)
null = os.open("/dev/null", os.O_RDONLY)
peer = connect(path, SEQPACKET)
next_is(type="open", conn=1, local=address, peer=me)
for text in "a", "b":
    peer.send(text.encode())
    got.append(line(process))
    same((got[-1]["type"], got[-1]["message"], got[-1]["conn"]), ("message", text, 1))
other = connect(path, SEQPACKET)
next_is(type="open", conn=2, local=address, peer=me)
peer.close()
next_is(type="close", conn=1, messages=2)
socket.send_fds(other, [b"x"], [null])
got.append(line(process))
same((got[-1]["type"], got[-1]["conn"], "--fds cut" in got[-1]["error"]), ("error", 2, True))
next_is(type="close", conn=2, messages=0)
with connect("d", DGRAM) as datagram:
    socket.send_fds(datagram, [b"x"], [null])
    got.append(line(process))
    same((got[-1]["type"], got[-1]["local"], "--fds cut" in got[-1]["reason"]), ("refused", dgram, True))
with connect(path, SEQPACKET) as third:
    next_is(type="open", conn=3, local=address, peer=me)
    process.terminate()
    code, lines, err = finish(process)
same((code, [pick(l) for l in lines]), (0, [
    {"type": "close", "conn": 3, "messages": 0},
    {"type": "end", "messages": 2, "connections": 3, "reason": "SIGTERM"}]))
warned(err, r"connection 2: .*--fds cut", r"1 .*--fds cut")
same([l["seq"] for l in got + lines], list(range(1, len(got + lines) + 1)))
assert all(l["time"].endswith("Z") for l in got + lines)

# Why it ended.
def last(*args, **options):
    code, lines, err = fdmsg("listen", "--events", *args, "./s", **options)
    same([l["type"] for l in lines], ["listening", "end"])
    return code, lines[-1]["reason"]
same(last("-t", "0.1"), (0, "timed out"))
same(last("-t", "0.1", "-n", "1"), (124, "timed out"))
process, _ = serve("listen", "-t", "25", "--events", "-n", "1", "./s")
with connect("s") as peer:
    peer.send(b"x")
    code, lines, err = finish(process)
same((code, err, [l["type"] for l in lines]), (0, "", ["listening", "open", "message", "close", "end"]))
assert "count" in lines[-1]["reason"], lines[-1]

# Messages alone without it.
process, _ = serve("listen", "-t", "25", "-n", "2", "./s")
for text in b"a", b"b":
    with connect("s") as peer:
        peer.send(text)
code, lines, err = finish(process)
same((code, err, [(l["type"], l["seq"]) for l in lines]), (0, "", [("message", 1), ("message", 2)]))
