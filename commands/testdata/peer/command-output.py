"""With COMMAND, lines are written only where --output says.

Needs: jq
"""
from handed import *
from fdmsgjq import bad
import fdmsgjq

with open("file", "w") as file:
    file.write("contents\n")
small = os.open("file", os.O_RDONLY)
kept = []

def recv(*args, command=["echo", "ran"]):
    ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [b"text"], [small])
        return start("recv", "-t", "20", *args, "-", "--", *command, stdin=theirs)

def call(*args, command=["echo", "ran"]):
    ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
    kept.append(ours)
    with theirs:
        socket.send_fds(ours, [b"text"], [small])
        return start("call", "-t", "20", *args, "-", "-m", "x", "--", *command, stdin=theirs)

def open_(*args, command=["echo", "ran"]):
    return start("open", *args, "file", "--", *command)

def listen(*args, command=["echo", "ran"]):
    process, _ = serve("listen", "-t", "20", "-n", "1", *args, "unix-seqpacket:./s", "--", *command)
    with connected("s") as peer:
        socket.send_fds(peer, [b"text"], [small])
    return process

def text(process):
    out, err = process.communicate(timeout=30)
    return process.returncode, out.decode(), err.decode()

for run, typ in (recv, "message"), (call, "message"), (open_, "opened"), (listen, "message"):
    same(text(run()), (0, "ran\n", ""))
    # lines are appended to the file, and are whole when COMMAND begins
    with open("out", "w") as file:
        file.write('{"type":"before"}\n')
    for _ in range(2):
        same(text(run("--output", "out", command=["cat", "out"]))[::2], (0, ""))
    lines = events("out")
    same([line["type"] for line in lines], ["before", typ, typ])
    same([line["seq"] for line in lines[1:]], [1, 1])
    same([fd["content"] for line in lines[1:] for fd in line["fds"]], ["contents\n"] * 2)
    code, out, err = text(run("--output", "new", command=["cat", "new"]))
    same((code, json.loads(out)["type"], err), (0, typ, ""))
    os.unlink("new")
    # - is standard output
    out = text(run("--output", "-"))[1].splitlines()
    same((json.loads(out[0])["type"], out[1:]), (typ, ["ran"]))
    # -q
    same(text(run("-q", "--output", "unwanted")), (0, "ran\n", ""))
    same(text(run("-q")), (0, "ran\n", ""))
    assert not os.path.exists("unwanted")
    # to a FIFO that somebody reads
    os.mkfifo("fifo")
    reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
    same(text(run("--output", "fifo")), (0, "ran\n", ""))
    same(json.loads(os.read(reader, 65536))["type"], typ)
    os.close(reader)
    os.unlink("fifo")

# A FIFO that nobody reads is not waited for; what cannot be opened is known before
# anything is bound, and COMMAND not run.
os.mkfifo("fifo")
os.mkdir("dir")
for command, rest in ("listen", ["./nowhere/s"]), ("recv", ["./nowhere/s"]), ("call", ["./nowhere/s", "-m", "x"]), ("open", ["w:made"]):
    for path in "fifo", "dir", "nowhere/out":
        bad(fdmsgjq.fdmsg(command, "-t", "20", "--output", path, *rest, "--", "touch", "ran"), 1, path)
assert not os.path.exists("ran") and not os.path.exists("made")

# A line that cannot be written: exit code 1, COMMAND does not run.
if os.path.exists("/dev/full"):
    for run in recv, call, open_:
        code, out, err = text(run("--output", "/dev/full", command=["touch", "ran"]))
        same((code, out), (1, ""))
        assert "/dev/full" in err and "no space left" in err and err.count("\n") == 1, err
    assert not os.path.exists("ran")

# Lines of many COMMANDs at once are whole, and numbered.
server, _ = serve("listen", "-t", "25", "-n", "60", "--events", "--output", "many", "unix-seqpacket:./s", "--", "true")
peers = [connected("s") for _ in range(6)]
for i in range(10):
    for j, peer in enumerate(peers):
        peer.send(b"message %d of %d" % (i, j))
same(text(server), (0, "", ""))
lines = events("many")
same([line["seq"] for line in lines], list(range(1, len(lines) + 1)))
same({line["message"] for line in lines if line["type"] == "message"}, {f"message {i} of {j}" for i in range(10) for j in range(6)})
same([line["exit_code"] for line in lines if line["type"] == "exit"], [0] * 60)
