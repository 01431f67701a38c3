"""Which descriptors --save saves: regular files and memfds; with --content all also pipes,
FIFOs, terminals and files of proc, whose content is then shown from the copy.
"""
from saved import *
import pty, tty

ALL = ["--content", "all"]
os.mkdir("in")
with open("file", "w") as file:
    file.write("contents\n")
os.mkfifo("fifo")

# Not saved: the line says nothing about it, the exit code and standard error do.
silent = [os.open(".", os.O_RDONLY), socket.socket(socket.AF_UNIX).detach(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach(),
    os.open("/dev/null", os.O_RDWR), os.open("/dev/zero", os.O_RDONLY), os.eventfd(1), select.epoll().fileno(), os.pidfd_open(os.getpid()), pipe(b"in the pipe"),
    os.open("/proc/self/status", os.O_RDONLY), os.open("/proc/sys/kernel/ostype", os.O_RDONLY)]
for entry in saved(silent, "in"):
    assert not {"saved", "saved_size", "content", "content_error"} & set(entry), entry
same(os.listdir("in"), [])
# ... nor with all
for entry in saved(silent[:8], "in", *ALL):
    assert not {"saved", "saved_size", "content", "content_error"} & set(entry), entry
same(os.listdir("in"), [])
same(os.read(silent[8], 100), b"in the pipe") # it was not touched
fifo = os.open("fifo", os.O_RDWR)
for path, fd, why in (".", silent[0], "directory: has no content"), ("/dev/null", silent[3], "char: has no content"), \
        ("fifo", fifo, "pipe: not a regular file or memfd"), ("/proc/self/status", silent[9], "file of proc: not a regular file or memfd"):
    for more in [], ["-q"]:
        code, lines, err = received([fd], "--save", "in", *more)
        same((code, len(lines), err), (1, not more, f"fdmsg: recv: message 1: descriptor 0: save: {why}\n"))
        code, lines, err = fdmsg("open", path, "--save", "in", *more)
        same((code, len(lines), err), (1, not more, f"fdmsg: open: descriptor 0: save: {why}\n"))
os.close(fifo)

# Not open for reading: that is told, as with --content.
for entry in saved([os.open("file", os.O_WRONLY), os.open("file", os.O_PATH)], "in"):
    same((base(entry), entry.get("content_error") in (None, "not open for reading")), (None, True))
same(saved([os.open("file", os.O_WRONLY)], "in")[0]["content_error"], "not open for reading")
same(os.listdir("in"), [])

# Pipes and FIFOs: all that comes until they end, more than a pipe has room for.
def writer(fd, data):
    def run():
        with open(fd, "wb") as file:
            file.write(data)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
large = bytes(range(256)) * 20_000
for read_end, write_end in os.pipe(), (os.open("fifo", os.O_RDONLY | os.O_NONBLOCK), os.open("fifo", os.O_WRONLY)):
    os.set_blocking(read_end, True)
    thread = writer(write_end, large)
    entry, = saved([read_end], "in", *ALL, "--content-limit", "1000", "--content-timeout", "10")
    thread.join(20)
    same((slurp(entry["saved"]), data(entry), entry["content_size"], entry["content_truncated"]), (large, large[:1000], 1000, True))
    assert base(entry) in ("1-0", "1-0-fifo"), entry["saved"]
    os.unlink(entry["saved"])
    same(os.get_blocking(read_end), True)
    os.close(read_end)
entry, = saved([pipe(b"short\n")], "in", *ALL)
same((slurp(entry["saved"]), entry["content"], entry["content_size"], os.stat(entry["saved"]).st_mode & 0o777), (b"short\n", "short\n", 6, 0o600))
os.unlink(entry["saved"])
entry, = saved([pipe()], "in", *ALL)
same((slurp(entry["saved"]), entry["content"], entry["saved_size"]), (b"", "", 0))
os.unlink(entry["saved"])

# One that is over the limit, or does not end: no file, but what came is shown.
r, w = pipe(b"0123456789", close=False)
entry, = saved([r], "in", *ALL, "--save-limit", "9", "--content-timeout", "20")
same((base(entry), entry["content_error"], os.listdir("in")), (None, "save: larger than the limit", []))
assert entry["content"] and "0123456789".startswith(entry["content"]), entry
r, w = pipe(b"so far", close=False)
entry, = saved([r], "in", *ALL, "--content-timeout", "0.2")
same((base(entry), entry["content"], os.listdir("in")), (None, "so far", []))
assert entry["content_error"] in ("save: timed out", "timed out"), entry
# exactly the limit
entry, = saved([pipe(b"0123456789")], "in", *ALL, "--save-limit", "10")
same((entry["content"], entry["saved_size"]), ("0123456789", 10))
os.unlink(entry["saved"])

# The time begins anew with every byte that comes.
r, w = os.pipe()
process = background("""
import sys, time
print("ready", flush=True)
sys.stdin.read(1)
for i in range(12):
    os.write(int(sys.argv[1]), b"x")
    time.sleep(0.2)
""", w, fds=[w], stdin=subprocess.PIPE)
os.close(w)
process.stdin.write(b"x")
process.stdin.close()
began = time.monotonic()
entry, = saved([r], "in", *ALL, "--content-timeout", "1.5")
assert time.monotonic() - began > 2, "no test"
same((slurp(entry["saved"]), entry["content"]), (b"x" * 12, "x" * 12))
os.unlink(entry["saved"])

# A signal in between: no half of a file stays.
def defaults():
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, signal.SIG_DFL)
for number in signal.SIGTERM, signal.SIGINT:
    r, w = pipe(b"so far", close=False)
    process = start("open", f"fd:{r}", "--save", "in", *ALL, "--content-timeout", "0", fds=[r], preexec_fn=defaults)
    until(lambda: os.listdir("in") and os.stat("in/1-0").st_size == 6)
    process.send_signal(number)
    code, (line,), err = finish(process)
    same((code, err, os.listdir("in"), line["fds"][0]["content"], base(line["fds"][0])), (-number, "", [], "so far", None))
    assert line["fds"][0]["content_error"].startswith("save: "), line

# A terminal, in raw mode so that what is written is what is read, until its other side
# is closed.
master, slave = pty.openpty()
tty.setraw(slave)
os.write(master, b"typed")
until(lambda: select.select([slave], [], [], 0)[0])
threading.Timer(0.3, os.close, [master]).start()
entry, = saved([slave], "in", *ALL, "--content-timeout", "5")
same(entry["content"], "typed")
if "saved" in entry: # the hangup may throw away what was not read yet
    same(slurp(entry["saved"]), b"typed")
    os.unlink(entry["saved"])

# Files whose size is 0 and that have content all the same; files of sysfs have a size
# that is not theirs.
for path in "/proc/sys/kernel/ostype", "/proc/self/mountinfo", "/proc/version", "/proc/cpuinfo", "/sys/class/net/lo/mtu", "/sys/kernel/mm/transparent_hugepage/enabled":
    try:
        fd, want = os.open(path, os.O_RDONLY), slurp(path)
    except OSError as error:
        not_run(path, error)
        continue
    if path == "/proc/cpuinfo":
        want = None # the frequency changes
    entry, = saved([fd], "in", *ALL)
    same((path, base(entry)), (path, "1-0-" + os.path.basename(path)))
    assert want is None or slurp(entry["saved"]) == want, (path, slurp(entry["saved"]), want)
    same(data(entry), slurp(entry["saved"]))
    same(os.lseek(fd, 0, os.SEEK_CUR), 0)
    os.unlink(entry["saved"])

# Several, some of which fail: each has its own fate and its place.
r, w = pipe(b"never ends", close=False)
fds = [os.open("file", os.O_RDONLY), r, os.open("file", os.O_WRONLY), pipe(b"ends"), os.open(".", os.O_RDONLY), os.memfd_create("last")]
entries = saved(fds, "in", *ALL, "--content-timeout", "0.2")
same([base(entry) for entry in entries], ["1-0-file", None, None, "1-3", None, "1-5-last"])
same(sorted(os.listdir("in")), ["1-0-file", "1-3", "1-5-last"])
