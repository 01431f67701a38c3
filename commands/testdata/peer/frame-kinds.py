"""--frame says what a message is in a stream, for every command."""
import base64, os, random, socket, struct, threading
from fdmsg import *

path = f"{os.environ['WORK']}/s"
encode = {
    "line": lambda m: m + b"\n",
    "nul": lambda m: m + b"\0",
    "u32be": lambda m: struct.pack(">I", len(m)) + m,
    "u32le": lambda m: struct.pack("<I", len(m)) + m,
    "json": lambda m: b'"%s"' % m,
}
def message(kind, m):
    return (encode[kind](m) if kind == "json" else m).decode()

# send completes the message, recv takes it apart: over Unix sockets and TCP.
for kind in [*encode, "eof", "chunk"]:
    for address in path, "tcp:127.0.0.1:0":
        receiver, (bound,) = serve("recv", "-t", "20", "--frame", kind, address)
        text = '{"a":["}"]}'
        code, (sent,), err = fdmsg("send", "-t", "20", "--frame", kind, bound, "-m", text[:4], "-m", text[4:])
        same((code, err, sent["size"]), (0, "", len(text) + {"line": 1, "nul": 1, "u32be": 4, "u32le": 4}.get(kind, 0)))
        code, lines, err = finish(receiver)
        same((code, [line["message"] for line in lines], err), (0, [text], ""))

# However the bytes come, and with whatever before them, the messages are the same, and each
# descriptor is with the frame that it was sent with.
random.seed(3)
file = os.open("/dev/null", os.O_RDONLY)
for kind, complete in encode.items():
    receiver, _ = serve("listen", "-t", "20", "--frame", kind, path)
    want, got = [], []
    def read(): # while more is sent, for which fdmsg waits otherwise
        for _ in range(200):
            line = json.loads(receiver.stdout.readline())
            got.append((line["message"], len(line["fds"])))
    reader = threading.Thread(target=read)
    reader.start()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        for n in range(200):
            m, fds = b"%d" % n * random.randrange(1, 9), random.choice([0, 0, 0, 1, 3])
            if n == 150:
                m = b"x" * 400000 # more than one receive takes
            frame = complete(m)
            cut = random.randrange(len(frame))
            if fds: # with the first of the bytes, or in the middle
                if cut and random.random() < 0.5:
                    peer.sendall(frame[:cut])
                    frame = frame[cut:]
                sent = socket.send_fds(peer, [frame], [file] * fds)
                peer.sendall(frame[sent:])
            else:
                peer.sendall(frame[:cut])
                peer.sendall(frame[cut:])
            want.append((message(kind, m), fds))
    reader.join()
    receiver.terminate()
    code, rest, err = finish(receiver)
    same((code, rest, err), (0, [], ""))
    same([m for m, _ in got], [m for m, _ in want])
    same([fds for _, fds in got], [fds for _, fds in want])

# With -n nothing beyond the last frame is taken, so that whoever comes next goes on there.
for kind, complete in encode.items():
    for blocking in True, False:
        a, b = socket.socketpair()
        a.setblocking(blocking)
        stream = b"".join(complete(m) for m in (b"one", b"", b"three"))
        b.sendall(stream)
        socket.send_fds(b, [complete(b"four") + b"rest"], [file])
        for count, want in (1, ["one"]), (2, ["", "three"]), (1, ["four"]):
            code, lines, err = fdmsg("recv", "-t", "20", "-n", str(count), "--frame", kind, f"fd:{a.fileno()}", fds=[a.fileno()])
            same((code, [line["message"] for line in lines], err), (0, [message(kind, m.encode()) for m in want], ""))
        same(len(lines[0]["fds"]), 1)
        a.setblocking(True)
        same(a.recv(100), b"rest")

# A number of JSON ends where something else begins, which is left there.
a, b = socket.socketpair()
b.sendall(b'12{"a":1}rest')
for want in "12", '{"a":1}':
    code, lines, err = fdmsg("recv", "-t", "20", "-n", "1", "--frame", "json", f"fd:{a.fileno()}", fds=[a.fileno()])
    same((code, [line["message"] for line in lines], err), (0, [want], ""))
same(a.recv(100), b"rest")

# The end comes in the middle: a line of what there is, and exit code 3.
for kind, stream, want in ("line", b"a\nb", ["a", "b"]), ("nul", b"half", ["half"]), ("u32be", b"\0\0\0\5ab", ["ab"]), ("json", b'{} {"a"', ["{}", '{"a"']):
    receiver, _ = serve("recv", "-t", "20", "--frame", kind, path)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        socket.send_fds(peer, [stream], [file])
    code, lines, err = finish(receiver)
    same((code, [line["message"] for line in lines], "in the middle" in err, err.count("\n")), (3, want, True, 1))
    same([(line.get("truncated"), len(line["fds"])) for line in lines], [(None, 0)] * (len(want) - 1) + [(True, 1)])
for kind, stream, want in ("json", b"12", ["12"]), ("json", b" \n", []), ("eof", b"all\nof it", ["all\nof it"]), ("eof", b"", []), ("line", b"", []):
    receiver, _ = serve("recv", "-t", "20", "--frame", kind, path)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(stream)
    code, lines, err = finish(receiver)
    same((code, [line["message"] for line in lines]), (0 if want else 3, want))
# A timeout in the middle of one.
receiver, _ = serve("recv", "-t", "1", "--frame", "line", path)
with socket.socket(socket.AF_UNIX) as peer:
    peer.connect(path)
    peer.sendall(b"whole\npart")
    code, lines, err = finish(receiver)
same((code, [(line["message"], line.get("truncated")) for line in lines]), (124, [("whole", None), ("part", True)]))

# What is too long or malformed ends its peer alone.
server, _ = serve("listen", "-t", "20", "--frame", "json", "--max-frame", "1000", "--events", path)
for bad in b"x" * 1001, b"{]}", b"}", b'"' + b"y" * 1000:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        socket.send_fds(peer, [b"1 " + bad], [file])
        peer.shutdown(socket.SHUT_WR)
        same(peer.recv(1), b"") # closed by the server
same(fdmsg("send", "-q", "-t", "20", path, "-m", "[1]"), (0, [], ""))
while (line := json.loads(server.stdout.readline())).get("message") != "[1]":
    assert line["type"] != "message" or line["message"] == "1", line
server.terminate()
code, lines, err = finish(server)
same((code, err.count("\n")), (0, 4))
assert err.count("frame too long") == 2 and err.count("invalid JSON") == 2, err
for kind, stream in ("line", b"z" * 1001), ("u32be", b"\0\0\x03\xe9"), ("eof", b"z" * 1001):
    receiver, _ = serve("recv", "-t", "20", "--frame", kind, "--max-frame", "1000", path)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(stream)
        code, lines, err = finish(receiver)
    same((code, lines, "frame too long" in err), (1, [], True))

# COMMAND gets the frame, and nothing of what follows is lost.
a, b = socket.socketpair()
b.sendall(b"first\nsecond\n")
code, out = (lambda p: (p.wait(20), p.stdout.read()))(start("recv", "-t", "20", "--frame", "line", f"fd:{a.fileno()}", "--", "sh", "-c", 'echo "$FDMSG_MESSAGE"', fds=[a.fileno()]))
same((code, out), (0, b"first\n"))
same(a.recv(100), b"second\n")

# COMMAND is not run for half a frame.
a, b = socket.socketpair()
b.sendall(b"half")
b.close()
code, lines, err = fdmsg("recv", "-t", "20", "--frame", "line", f"fd:{a.fileno()}", "--", "echo", "ran", fds=[a.fileno()])
same((code, lines, "in the middle of a message" in err), (3, [], True))

# What makes no sense.
for args, words in (["recv", "--frame", "line", "unix-dgram:./d"], "boundaries"), (["listen", "--frame", "nul", "udp::0"], "boundaries"), \
        (["send", "--frame", "line", "unix-seqpacket:./d", "-m", "x"], "boundaries"), (["recv", "--frame", "lines", path], 'did you mean "line"?'), \
        (["recv", "--frame", "line", "-F", "MSG_PEEK", path], "MSG_PEEK"), (["recv", "--frame", "line", "--buffer", "3", path], "--buffer"), \
        (["recv", "--max-frame", "3", path], "needs --frame"), (["recv", "--frame", "line", "--size", "0", path], "--size 0"):
    code, lines, err = fdmsg(*args)
    same((code, lines), (2, []))
    assert words in err, err
dgram = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]
code, lines, err = fdmsg("recv", "--frame", "line", f"fd:{dgram.fileno()}", fds=[dgram.fileno()])
same((code, "boundaries" in err), (2, True))
