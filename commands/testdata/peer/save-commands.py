"""--save with recv, call, listen and open, with and without COMMAND, and with -q.

Needs: jq
"""
from saved import *
import fdmsgjq, itertools, shutil

with open("file", "w") as file:
    file.write("contents\n")
with open("other", "w") as file:
    file.write("of the other\n")
one, two = os.open("file", os.O_RDONLY), os.open("other", os.O_RDONLY)
kept = []

def recv(*args):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [b"x"], [one, two])
        return start("recv", "-t", "20", "-", *args, stdin=theirs)

def call(*args):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept.append(ours)
    with theirs:
        socket.send_fds(ours, [b"x"], [one, two])
        return start("call", "-t", "20", "-", "-m", "question", *args, stdin=theirs)

def open_(*args):
    return start("open", "-t", "20", f"fd:{one}", "other", *args, fds=[one])

def listen(*args):
    process, _ = serve("listen", "-t", "20", "-n", "1", "unix-seqpacket:./s", *args)
    with connected("s") as peer:
        socket.send_fds(peer, [b"x"], [one, two])
    return process

def text(process):
    out, err = process.communicate(timeout=30)
    return process.returncode, out.decode(), err.decode()

WANT = {"1-0-file": b"contents\n", "1-1-other": b"of the other\n"}
def found():
    "What is in the directory, which is empty again then."
    contents = {name: slurp(f"in/{name}") for name in os.listdir("in")}
    shutil.rmtree("in")
    os.mkdir("in")
    return contents

os.mkdir("in")
os.mkdir("elsewhere")
for run in recv, call, open_, listen:
    many = ["-n", "1"] if run in (recv, call) else []
    # the line has an absolute path, and no content
    code, out, err = text(run("--save", "in", *many))
    line, = map(json.loads, out.splitlines())
    same((code, err), (0, ""))
    for entry, (name, contents) in zip(line["fds"], WANT.items()):
        same((entry["saved"], entry["saved_size"], "content" in entry), (f"{os.getcwd()}/in/{name}", len(contents), False))
    same(found(), WANT)
    # DIR is what it was at the start, wherever it is named from
    same((text(run("--save", "./elsewhere/../in/", *many))[::2], found()), ((0, ""), WANT))
    # with -q, and with COMMAND, which has the descriptors as they were
    same((text(run("-q", "--save", "in", *many)), found()), ((0, "", ""), WANT))
    same(text(run("--save", "in", "--", "sh", "-c", "ls in; cat <&3; cat <&4")), (0, "1-0-file\n1-1-other\ncontents\nof the other\n", ""))
    os.lseek(one, 0, os.SEEK_SET) # cat has moved it
    os.lseek(two, 0, os.SEEK_SET)
    same(found(), WANT)
    same(text(run("--save", "in", "--output", "out", "--content", "files", "--", "ls", "in")), (0, "1-0-file\n1-1-other\n", ""))
    with open("out") as file:
        line, = map(json.loads, file)
    same([(base(entry), entry["content"].encode()) for entry in line["fds"]], list(WANT.items()))
    os.unlink("out")
    same(found(), WANT)
    # COMMAND has nothing of DIR open: 0 1 2, the two, listen's connection, and ls's own
    same(text(run("--save", "in", "--", "sh", "-c", "ls /proc/self/fd | wc -l"))[1], "7\n" if run == listen else "6\n")
    same(found(), WANT)
    # what cannot be saved: the exit code and standard error say so, with a line and without
    code, out, err = text(run("-q", "--save", "in", "--save-limit", "10", *many))
    same((code, out, err.count("\n"), found()), (1, "", 1, {"1-0-file": b"contents\n"}))
    assert err.startswith("fdmsg: ") and "descriptor 1" in err and "larger than the limit" in err, err
    code, out, err = text(run("-q", "--save", "in", "--save-limit", "1", *many))
    same((code, out, err.count("\n"), found()), (1, "", 1, {}))
    assert "descriptor 0" in err and "1 more" in err, err
    code, out, err = text(run("--save", "in", "--save-limit", "10", *many))
    same((code, err.count("\n"), [base(entry) for entry in json.loads(out)["fds"]], found()), (1, 1, ["1-0-file", None], {"1-0-file": b"contents\n"}))
    assert err.startswith("fdmsg: ") and "descriptor 1: save: larger than the limit" in err, err
    if run != listen:
        code, out, err = text(run("--save", "in", "--save-limit", "10", "--", "true"))
        same((code, out, err.count("\n"), found()), (1, "", 1, {"1-0-file": b"contents\n"}))
        # with --output too: COMMAND does not run
        code, out, err = text(run("--save", "in", "--save-limit", "10", "--output", "out", "--", "echo", "ran"))
        same((code, out, err.count("\n"), found()), (1, "", 1, {"1-0-file": b"contents\n"}))
        with open("out") as file:
            same([base(entry) for entry in json.load(file)["fds"]], ["1-0-file", None])
        os.unlink("out")

# SEQ counts the messages: of recv the lines, of listen not its events; those without
# descriptors too.
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
with ours, theirs:
    for fds in [one], [], [two, one], [], [one]:
        ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds))] if fds else [])
    ours.close()
    code, lines, err = fdmsg("recv", "-t", "20", "--save", "in", "-", stdin=theirs)
same((code, err), (0, ""))
same([[base(entry) for entry in line["fds"]] for line in lines], [["1-0-file"], [], ["3-0-other", "3-1-file"], [], ["5-0-file"]])
same([line["seq"] for line in lines], [1, 2, 3, 4, 5])
found()
for extra in [], ["-q"], ["--events"]:
    server, _ = serve("listen", "-t", "25", *extra, "--save", "in", "unix-seqpacket:./s")
    for i in range(3):
        with connected("s") as peer:
            socket.send_fds(peer, [b"x"], [one])
            until(lambda: os.path.exists(f"in/{i + 1}-0-file"))
    server.terminate()
    code, lines, err = finish(server)
    same((code, err), (0, ""))
    same(found(), {f"{i}-0-file": b"contents\n" for i in (1, 2, 3)})
    messages = [line for line in lines if line["type"] == "message"]
    same(sorted(base(line["fds"][0]) for line in messages), [] if extra == ["-q"] else ["1-0-file", "2-0-file", "3-0-file"])

# Many connections at once: each descriptor has a file of its own, of that content.
server, _ = serve("listen", "-t", "25", "-n", "200", "--save", "in", "unix-seqpacket:./s")
peers = [connected("s") for _ in range(10)]
for i, peer in itertools.product(range(20), peers):
    memory = os.memfd_create("memory")
    os.write(memory, b"%d %d" % (peers.index(peer), i))
    socket.send_fds(peer, [b"%d %d" % (peers.index(peer), i)], [memory])
    os.close(memory)
code, lines, err = finish(server)
same((code, err, len(lines)), (0, "", 200))
for line in lines:
    same(slurp(line["fds"][0]["saved"]).decode(), line["message"])
same({base(line["fds"][0]) for line in lines}, {f"{i}-0-memory" for i in range(1, 201)})
found()

# A failure of one message is no end; it is told in the end, with the first's number.
for more, count in (["-q"], 0), ([], 4):
    server, _ = serve("listen", "-t", "25", *more, "-n", "4", "--save", "in", "--save-limit", "10", "unix-seqpacket:./s")
    with connected("s") as peer:
        for fd in one, two, one, two:
            socket.send_fds(peer, [b"x"], [fd])
    code, lines, err = finish(server)
    same((code, len(lines), sorted(os.listdir("in"))), (1, count, ["1-0-file", "3-0-file"]))
    same(err, "fdmsg: listen: message 2: descriptor 0: save: larger than the limit (and 1 more)\n")
    found()

# A signal that ends the saving of a pipe ends listen, and the exit code tells of the pipe.
r, w = os.pipe()
os.write(w, b"so far")
server, _ = serve("listen", "-t", "25", "--save", "in", "--content", "all", "--content-timeout", "0", "unix-seqpacket:./s")
with connected("s") as peer:
    socket.send_fds(peer, [b"x"], [r])
    until(lambda: os.path.exists("in/1-0") and os.stat("in/1-0").st_size == 6)
    server.terminate()
    code, lines, err = finish(server)
same((code, len(lines), err, found()), (1, 1, "fdmsg: listen: message 1: descriptor 0: save: terminated\n", {}))

# Descriptors that were cut off.
for more in ["-q"], []:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [b"x"], [one, two])
        code, lines, err = fdmsg("recv", "-t", "20", "-n", "1", *more, "--control-size", "0", "--save", "in", "-", stdin=theirs)
    same((code, len(lines), err), (1, not more, "fdmsg: recv: message 1: save: control messages were cut, and descriptors may be lost\n"))
    found()

# 253 at once.
server, _ = serve("listen", "-t", "25", "-n", "1", "--save", "in", "unix-seqpacket:./s")
with connected("s") as peer:
    socket.send_fds(peer, [b"x"], [one, two] * 126 + [one])
code, (line,), err = finish(server)
same((code, err, [base(entry) for entry in line["fds"]]), (0, "", [f"1-{i}-{('file', 'other')[i % 2]}" for i in range(253)]))
same(set(found().values()), set(WANT.values()))

# Wrong usage.
for limit in "x", "-1", "":
    bad(fdmsgjq.fdmsg("open", "file", "--save", "in", "--save-limit", limit), 2)
