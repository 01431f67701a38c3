"""--save copies contents whole: files with holes, memfds, from one file system to another,
up to exactly --save-limit; it moves no offset.
"""
from saved import *
import shutil, tempfile

# Directories on different file systems, if there is one in memory besides.
here = os.getcwd()
places = [here]
if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) and os.stat("/dev/shm").st_dev != os.stat(here).st_dev:
    places.append(tempfile.mkdtemp(dir="/dev/shm"))
    atexit.register(shutil.rmtree, places[-1])
else:
    print("not run: no second file system")

def sparse(path, parts, size):
    with open(path, "wb") as file:
        for start, data in parts:
            file.seek(start)
            file.write(data)
        file.truncate(size)
    return os.open(path, os.O_RDONLY)

M = 1 << 20
pattern = bytes(range(256)) * 16 # 4096
FILES = {
    "empty": ([], 0), "byte": ([(0, b"x")], 1), "hole only": ([], 5 * M), "hole first": ([(3 * M, pattern)], 3 * M + 4096), "hole last": ([(0, pattern)], 7 * M),
    "middle": ([(0, pattern), (8 * M, pattern * 2), (64 * M, b"end")], 64 * M + 3), "odd": ([(1, b"a"), (M + 7, b"b")], 2 * M + 1),
    "dense": ([(0, pattern * 1000)], 4_096_000), "odd size": ([(0, pattern * 10 + b"rest")], 40_964),
}
for source in places:
    for i, (name, (parts, size)) in enumerate(FILES.items()):
        fd = sparse(f"{source}/{name}", parts, size)
        want_holes, want_blocks = holes(f"{source}/{name}"), os.fstat(fd).st_blocks
        os.lseek(fd, 1, os.SEEK_SET)
        for target in places:
            os.makedirs(f"{target}/in", exist_ok=True)
            entry, = saved([fd], f"{target}/in")
            same((entry["size"], entry["saved_size"], "content" in entry), (size, size, False))
            same(subprocess.run(["cmp", f"{source}/{name}", entry["saved"]]).returncode, 0)
            st = os.stat(entry["saved"])
            if source == target:
                same((name, holes(entry["saved"])), (name, want_holes))
            # blocks of one file system may be larger than those of another; the holes are
            # of several megabytes
            assert st.st_blocks <= want_blocks + 2048, (name, source, target, st.st_blocks, want_blocks)
            assert not parts or st.st_blocks, (name, st)
            os.unlink(entry["saved"])
        same(os.lseek(fd, 0, os.SEEK_CUR), 1)
        os.close(fd)

# A huge file with hardly anything in it is saved in no time, if the limit permits.
try:
    fd = sparse("huge", [(1 << 39, b"far")], 1 << 40)
except OSError as error:
    not_run("a file of 1T", error)
else:
    os.mkdir("huge-in")
    entry, = saved([fd], "huge-in", "--save-limit", "2048G")
    same((entry["saved_size"], os.stat(entry["saved"]).st_blocks < 1000), (1 << 40, True))
    entry, = saved([fd], "huge-in") # 1G
    same((base(entry), entry["content_error"]), (None, "save: larger than the limit"))
    same(os.listdir("huge-in"), ["1-0-huge"])

# However it was opened.
for flags in os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_APPEND, os.O_RDONLY | os.O_NONBLOCK, os.O_RDWR | os.O_SYNC, os.O_RDONLY | os.O_DIRECT:
    try:
        fd = os.open("odd size", flags)
    except OSError as error: # O_DIRECT, which not every file system has
        not_run(f"flags {flags:o}", error)
        continue
    os.lseek(fd, 100, os.SEEK_SET)
    entry, = saved([fd], "in")
    same((slurp(entry["saved"]), os.lseek(fd, 0, os.SEEK_CUR), fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_RDWR & 0xfff), (slurp("odd size"), 100, flags & ~os.O_RDWR & 0xfff))
    os.unlink(entry["saved"])

# memfds: sealed, with holes, empty.
fd = os.memfd_create("sealed", os.MFD_ALLOW_SEALING)
os.write(fd, pattern)
os.ftruncate(fd, 9 * M)
fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
for target in places:
    first, second = saved([fd, os.memfd_create("empty")], f"{target}/in")
    same((base(first), base(second), second["saved_size"]), ("1-0-sealed", "1-1-empty", 0))
    same(slurp(first["saved"]), pattern + bytes(9 * M - 4096))
    assert os.stat(first["saved"]).st_blocks < 1000
    same(os.stat(first["saved"]).st_mode & 0o7777, 0o600)
    os.unlink(first["saved"])
    os.unlink(second["saved"])
same(os.lseek(fd, 0, os.SEEK_CUR), 4096)

# --save-limit is exact, for data and for holes, and 1G if not given.
os.mkdir("limit")
limited = {"data": [(0, b"x" * 5000)], "hole": [], "begins": [(0, b"x")], "ends": [(4999, b"x")]}
for name, parts in limited.items():
    fd = sparse(name, parts, 5000)
    for limit, fits in ("5000", True), ("4999", False), ("5001", True), ("4K", False), ("0", False), ("5K", True):
        entry, = saved([fd], "limit", "--save-limit", limit)
        same((name, limit, base(entry), entry.get("content_error")), (name, limit, f"1-0-{name}" if fits else None, None if fits else "save: larger than the limit"))
        same(len(os.listdir("limit")), fits)
        if fits:
            same(slurp(entry["saved"]), slurp(name))
            os.unlink(entry["saved"])
fd = sparse("gigabyte", [(0, b"x")], 1 << 30)
same(saved([fd], "limit")[0]["saved_size"], 1 << 30)
os.unlink("limit/1-0-gigabyte")
os.truncate("gigabyte", (1 << 30) + 1)
same(saved([fd], "limit")[0]["content_error"], "save: larger than the limit")
same(saved([os.open("empty", os.O_RDONLY)], "limit", "--save-limit", "0")[0]["saved_size"], 0)
os.unlink("limit/1-0-empty")
# each by itself: a large one does not prevent the others
fds = [os.open(name, os.O_RDONLY) for name in ("data", "byte", "gigabyte", "odd size")]
same([base(entry) for entry in saved(fds, "limit", "--save-limit", "40964")], ["1-0-data", "1-1-byte", None, "1-3-odd size"])

# Content is shown only if asked for, and its limits do not limit saving.
entry, = saved(fds[:1], "limit", "--content", "files", "--content-limit", "10")
same((slurp(entry["saved"]), entry["content"], entry["content_size"], entry["content_truncated"]), (b"x" * 5000, "x" * 10, 10, True))
entry, = saved(fds[:1], "limit", "--content", "none", "--content-limit", "10", "--content-total", "1")
same((slurp(entry["saved"]), "content" in entry), (b"x" * 5000, False))
entry, = saved(fds[:1], "limit", "--content", "files", "--save-limit", "10") # shown though not saved
same((base(entry), entry["content_size"], entry["content_error"]), (None, 5000, "save: larger than the limit"))
first, second = saved([fds[0], os.open("/dev/null", os.O_RDONLY)], "limit", "--content", "files")
same((first["content_size"], "content_size" in second, "content_error" in second), (5000, False, False))

# Permissions: whoever may not read the original may not read the copy.
os.umask(0o022)
for mode, want in (0o644, 0o644), (0o600, 0o600), (0o666, 0o644), (0o640, 0o640), (0o4755, 0o644), (0o400, 0o600), (0o000, 0o600):
    fd = sparse("mode", [(0, b"x")], 1)
    os.chmod("mode", mode)
    entry, = saved([fd], "limit")
    same((oct(mode), oct(os.stat(entry["saved"]).st_mode & 0o7777)), (oct(mode), oct(want)))
    os.unlink(entry["saved"])
    os.unlink("mode")
os.umask(0o077)
entry, = saved([os.open("byte", os.O_RDONLY)], "limit")
same(os.stat(entry["saved"]).st_mode & 0o7777, 0o600)
