"""A file that cannot be saved, because of RLIMIT_FSIZE, permissions or a missing directory,
leaves nothing behind; the line says so, and the run goes on.
"""
from saved import *
import resource

with open("large", "wb") as file:
    file.write(bytes(range(256)) * 2000)
with open("small", "wb") as file:
    file.write(b"small")
with open("holes", "wb") as file:
    file.truncate(1 << 20)
large, small, sparse = (os.open(name, os.O_RDONLY) for name in ("large", "small", "holes"))

# RLIMIT_FSIZE, the signal of which ends nothing.
os.mkdir("in")
limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
entries = saved([large, small, sparse, pipe(b"x" * 50_000), pipe(b"short")], "in", "--content", "all", "--content-limit", "10", preexec_fn=limit)
same([base(entry) for entry in entries], [None, "1-1-small", None, "1-3", "1-4"])
same([entry.get("content_error") for entry in entries], ["save: file too large", None, "save: file too large", None, None])
same([entry["content_size"] for entry in entries], [10, 5, 10, 10, 5])
same(sorted(os.listdir("in")), ["1-1-small", "1-3", "1-4"])

# A directory that is not there, or is none: known before anything is bound, connected
# or opened.
for command, rest in ("listen", ["./nowhere/s"]), ("recv", ["./nowhere/s"]), ("call", ["./nowhere/s", "-m", "x"]), ("open", ["w:made"]):
    for path, why in ("missing", "no such file"), ("small", "not a directory"), ("missing/in", "no such file"):
        for more in [], ["-q"], ["--content", "all"]:
            code, lines, err = fdmsg(command, "-t", "20", *more, "--save", path, *rest)
            same((command, path, code, lines, "hint: create" in err), (command, path, 1, [], why == "no such file"))
            assert path in err and why in err and err.startswith("fdmsg: "), err
assert not os.path.exists("made")

# A directory that is removed while fdmsg runs; a new one of its name is another directory.
os.mkdir("goes")
server, _ = serve("listen", "-t", "25", "--save", "goes", "unix-seqpacket:./s")
def said(fds):
    socket.send_fds(peer, [b"x"], fds)
    return json.loads(server.stdout.readline())["fds"]
with connected("s") as peer:
    same(base(said([small])[0]), "1-0-small")
    os.unlink("goes/1-0-small")
    os.rmdir("goes")
    entry, = said([small])
    same((base(entry), entry["content_error"]), (None, "save: no such file or directory"))
    os.mkdir("goes")
    same(said([small])[0]["content_error"], "save: no such file or directory")
    same(os.listdir("goes"), [])
server.terminate()
same(finish(server), (1, [], "fdmsg: listen: message 2: descriptor 0: save: no such file or directory (and 1 more)\n"))

# A directory that may not be written to.
if os.geteuid() != 0:
    os.mkdir("shut", 0o500)
    entry, = saved([small], "shut")
    same((base(entry), entry["content_error"]), (None, "save: permission denied"))
else:
    os.mkdir("shut", 0o755)
    program = os.open(subprocess.run(["which", "fdmsg"], capture_output=True, text=True, check=True).stdout.strip(), os.O_RDONLY)
    theirs_dir = os.open("shut", os.O_RDONLY)
    def drop():
        os.setgroups([])
        os.setgid(40_000)
        os.setuid(40_000)
    try:
        entries = None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            socket.send_fds(ours, [b"x"], [small, sparse])
            code, (line,), err = fdmsg("recv", "-t", "20", "-n", "1", "--content", "files", "--content-limit", "3", "--save", f"/proc/self/fd/{theirs_dir}", "-", stdin=theirs,
                fds=[program, theirs_dir], executable=f"/proc/self/fd/{program}", preexec_fn=drop)
        entries = line["fds"]
    except subprocess.SubprocessError as error:
        not_run("as another user", error)
    if entries:
        told(code, err, "recv: message 1: ", entries)
        same([(entry.get("content_error"), entry.get("content", "")) for entry in entries], [("save: permission denied", "sma"), ("save: permission denied", "\0\0\0")])
        same(os.listdir("shut"), [])
