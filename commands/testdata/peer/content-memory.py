"""Files in memory: memfds that are sealed, use huge pages, have holes or are opened anew;
POSIX shared memory; secret memory.
"""
import mmap
from contents import *

def memfd(data=b"", flags=os.MFD_ALLOW_SEALING):
    fd = os.memfd_create("m", flags)
    if data:
        os.write(fd, data)
    return fd

# Sealed in every way, alone and together.
F_SEAL_FUTURE_WRITE, F_SEAL_EXEC = 0x10, 0x20
seals = [fcntl.F_SEAL_SEAL, fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_GROW, fcntl.F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_EXEC]
seals.append(seals[1] | seals[2] | seals[3] | seals[0])
sealed = []
for seal in seals:
    fd = memfd(b"sealed")
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seal)
    except OSError as error:
        not_run(f"seal {seal:#x}", error)
        continue
    sealed.append(fd)
assert len(sealed) >= 5
for which in "files", "all":
    same(contents(sealed, "--content", which), [holds(b"sealed")] * len(sealed))
same({os.lseek(fd, 0, os.SEEK_CUR) for fd in sealed}, {6})

# The same memory, opened anew.
fd = memfd(b"content")
path = f"/proc/self/fd/{fd}"
same(contents([os.open(path, os.O_RDONLY), os.open(path, os.O_RDWR | os.O_APPEND), os.open(path, os.O_WRONLY), os.open(path, os.O_PATH)]),
    [holds(b"content")] * 2 + [{"content_error": "not open for reading"}] * 2)

# Written through a mapping.
fd = memfd()
os.ftruncate(fd, 5)
with mmap.mmap(fd, 5) as memory:
    memory[:] = b"a\0b\0c"
    same(contents([fd]), [holds(b"a\0b\0c")])

# A terabyte that is all hole but for its first and last bytes.
fd = memfd(b"begin")
os.ftruncate(fd, 1 << 40)
os.pwrite(fd, b"end", (1 << 40) - 3)
same(contents([fd], "--content-limit", "100"), [holds(b"begin" + bytes(95), content_truncated=True)])
os.ftruncate(fd, 10)
same(contents([fd]), [holds(b"begin" + bytes(5))])

# Huge pages: a hole needs none.
try:
    fd = os.memfd_create("huge", os.MFD_HUGETLB)
    size = os.fstat(fd).st_blksize
    os.ftruncate(fd, size)
except OSError as error:
    not_run("huge pages", error)
else:
    same(contents([fd], "--content-limit", "1000"), [holds(bytes(1000), content_truncated=True)])
    same(contents([fd], "--content-limit", "0"), [holds(b"", content_truncated=True)])
    if size <= 2 << 20:
        same(contents([fd], "--content-limit", str(size)), [holds(bytes(size))])
        same(contents([fd], "--content-limit", str(size - 1)), [holds(bytes(size - 1), content_truncated=True)])
    try:
        memory = mmap.mmap(fd, size)
    except OSError as error:
        not_run("huge pages with something in them", error)
    else:
        memory[:4] = b"huge"
        same(contents([fd], "--content-limit", "6"), [holds(b"huge\0\0", content_truncated=True)])

# POSIX shared memory is a file in a tmpfs.
name = f"/dev/shm/fdmsg-content-{os.getpid()}"
try:
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
except OSError as error:
    not_run("shared memory", error)
else:
    os.unlink(name)
    os.write(fd, b"shared")
    same(contents([fd]), [holds(b"shared")])

# Secret memory can only be mapped: the line says why it was not read, and its neighbours are.
numbers = {"x86_64": 447, "aarch64": 447}
fd = ctypes.CDLL(None, use_errno=True).syscall(numbers[platform.machine()], 0) if platform.machine() in numbers else -1
if fd < 0:
    not_run("secret memory", os.strerror(ctypes.get_errno()))
else:
    os.ftruncate(fd, 4096)
    with mmap.mmap(fd, 4096) as memory:
        memory[:6] = b"secret"
        got = contents([fd, memfd(b"next")])
        assert "content" not in got[0] and "content_base64" not in got[0], got
        same(got[1], holds(b"next"))
