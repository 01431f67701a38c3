"""fdmsg open reads what it opened, with the same flags that apply to what is received."""
from contents import *

with open("file", "w") as f:
    f.write("0123456789")
os.mkfifo("fifo")
os.mkdir("directory")

# Limits, shared and not.
def cut(data):
    return holds(data, content_truncated=True)
for limit, want in ("0", cut(b"")), ("1", cut(b"0")), ("9", cut(b"012345678")), ("10", holds(b"0123456789")), ("11", holds(b"0123456789")):
    same(opened(["file", "memfd:file", "rw:file"], "--content-limit", limit), [want] * 3)
same(opened(["file", "directory", "memfd:file", "r:file"], "--content-total", "15"), [holds(b"0123456789"), {}, cut(b"01234"), cut(b"")])
same(opened(["file", "a:file", "opath:file", "w:file", "w:new"], "--content-limit", "20"), [holds(b"0123456789")] + [{"content_error": "not open for reading"}] * 4)
same(opened(["file"] * 3, "--content", "none"), [{}] * 3)
same(opened(["/dev/zero", "directory", "opath:directory", "pidfd:1"], "--content", "all"), [{}] * 4)

# Nothing was written or moved by that.
with open("file") as f:
    same(f.read(), "0123456789")
same(os.stat("new").st_size, 0)

# A FIFO, with nobody who writes; with what is in it; until its end.
same(opened(["fifo"]), [{}])
for name in "fifo", "rw:fifo":
    began = time.monotonic()
    got, = opened([name], "--content", "all", "--content-timeout", "0.2")
    assert time.monotonic() - began < 10
    # A FIFO that nobody has written to yet may be at end of file, or be waited for.
    assert got == {"content_error": "timed out"} or name == "fifo" and got == holds(b""), got
keep = os.open("fifo", os.O_RDWR)
os.write(keep, b"in the FIFO")
same(opened(["fifo"], "--content", "all", "--content-limit", "6"), [cut(b"in the")])
same(opened(["file", "fifo", "file"], "--content", "all", "--content-timeout", "0.2"),
    [holds(b"0123456789"), holds(b" FIFO", content_error="timed out"), holds(b"0123456789")])
# A writer that comes while fdmsg waits.
r = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
os.close(keep)
process = start("open", "--content", "all", "--content-timeout", "20", "fifo")
os.close(r)
with open("fifo", "wb", buffering=0) as w: # waits for a reader
    for _ in range(50):
        w.write(b"0123456789" * 1000)
same(fields(finish(process), 1), [holds(b"0123456789" * 50_000)])

# Inherited ones, as they are: offset and flags are also somebody else's.
fd = os.open("file", os.O_RDWR | os.O_APPEND)
os.lseek(fd, 7, os.SEEK_SET)
r, w = pipe(b"in the pipe", close=False)
before = [fcntl.fcntl(one, fcntl.F_GETFL) for one in (fd, r)]
same(opened([f"fd:{fd}", f"fd:{r}", f"fd:{fd}"], fds=[fd, r]), [holds(b"0123456789"), {}, holds(b"0123456789")])
same(opened([f"fd:{fd}", f"fd:{r}"], "--content", "all", "--content-timeout", "0.2", fds=[fd, r]), [holds(b"0123456789"), holds(b"in the pipe", content_error="timed out")])
same([fcntl.fcntl(one, fcntl.F_GETFL) for one in (fd, r)], before)
same(os.lseek(fd, 0, os.SEEK_CUR), 7)

# Standard input: a pipe with an end, read away or copied.
same(opened(["-"], "--content", "all", stdin=pipe(b"piped")), [holds(b"piped")])
same(opened(["memfd:-"], stdin=pipe(b"piped")), [holds(b"piped")])
same(opened(["memfd:-"], "--content-limit", "4", stdin=pipe(b"piped")), [cut(b"pipe")])

# With -q nothing is printed, and nothing is read away.
r = pipe(b"stays")
same(fdmsg("open", "-q", "--content", "all", f"fd:{r}", fds=[r]), (0, [], ""))
same(os.read(r, 10), b"stays")
# Nor with COMMAND, which reads for itself.
r = pipe(b"for COMMAND")
process = start("open", "--content", "all", f"fd:{r}", "file", "--", "sh", "-c", "cat <&3; cat <&4", fds=[r])
same((process.communicate(timeout=30), process.returncode), ((b"for COMMAND0123456789", b""), 0))

# A process's own descriptor: its offset is not moved either.
child = background("""
import sys
fd = os.open("file", os.O_RDONLY)
os.dup2(fd, 50)
os.read(50, 4)
print("ready", flush=True)
sys.stdin.readline()
sys.exit(os.lseek(50, 0, os.SEEK_CUR))
""", stdin=subprocess.PIPE)
result = fdmsg("open", f"pid:{child.pid}:50")
if result[0] == 1 and "not permitted" in result[2]:
    not_run("descriptors of other processes", result[2])
else:
    same(fields(result, 1), [holds(b"0123456789")])
child.stdin.close()
same(child.wait(20), 4)
