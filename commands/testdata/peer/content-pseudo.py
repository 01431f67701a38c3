"""Files of /proc and /sys with --content all: those whose size is given as 0, or as 4096
with less in them; those read a page at a time; and those on which reading waits.
"""
import glob
from contents import *

ALL = ["--content", "all"]
def opened_file(path):
    return os.open(path, os.O_RDONLY)

def slurp(path):
    with open(path, "rb") as f:
        return f.read()

# A process that stays as it is, with as many mappings as make /proc/PID/maps long: a
# page of it comes at a time.
child = background("""
import mmap
memory = mmap.mmap(-1, 4096 * 4000)
libc = ctypes.CDLL(None)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
for page in range(0, 4000, 2):
    libc.mprotect(ctypes.c_void_p(address + 4096 * page), ctypes.c_size_t(4096), 1)
print("ready", flush=True)
signal.pause()
""", env={**os.environ, "FDMSG_CONTENT": "\udcff not text", "EMPTY": ""})
proc = f"/proc/{child.pid}"
maps = slurp(f"{proc}/maps")
assert len(maps) > 1 << 16, len(maps)
environ = slurp(f"{proc}/environ")
assert b"FDMSG_CONTENT=\xff not text\0" in environ
paths = {f"{proc}/maps": maps, f"{proc}/environ": environ, f"{proc}/cmdline": slurp(f"{proc}/cmdline"), f"{proc}/comm": slurp(f"{proc}/comm"),
    "/proc/sys/kernel/ostype": b"Linux\n", "/proc/version": slurp("/proc/version"), f"{proc}/auxv": slurp(f"{proc}/auxv"), f"{proc}/mountinfo": slurp(f"{proc}/mountinfo")}
for path in paths:
    same(os.stat(path).st_size, 0)
fds = [opened_file(path) for path in paths]
same(contents(fds), [{}] * len(fds))
same(contents(fds, *ALL, "--content-timeout", "20"), [holds(want) for want in paths.values()])
# from their beginning, wherever the offset is, which stays
os.lseek(fds[0], 5000, os.SEEK_SET)
same(contents(fds[:1], *ALL, "--content-timeout", "20"), [holds(maps)])
same(os.lseek(fds[0], 0, os.SEEK_CUR), 5000)
# up to a limit
for limit in 0, 1, 4095, 4096, 4097, 65536, 65537, len(maps) - 1:
    same(contents(fds[:1], *ALL, "--content-limit", str(limit), "--content-timeout", "20"), [holds(maps[:limit], content_truncated=True)])
for limit in len(maps), len(maps) + 1:
    same(contents(fds[:1], *ALL, "--content-limit", str(limit), "--content-timeout", "20"), [holds(maps)])
# by fdmsg's own opening
same(opened([f"{proc}/maps", "/proc/sys/kernel/ostype"], *ALL, "--content-timeout", "20"), [holds(maps), holds(b"Linux\n")])
same(opened([f"{proc}/maps"]), [{}])

# A process that has ended.
end(child)
got = contents(fds[:3], *ALL)
for one in got:
    assert not data(one), one

# Our own memory has nothing at 0: an error, and the next file is read.
got = contents([opened_file("/proc/self/mem"), opened_file("/proc/sys/kernel/ostype")], *ALL)
same((set(got[0]), got[1]), ({"content_error"}, holds(b"Linux\n")))

# /sys: most files say 4096 and have less.
short = 0
for path in "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/class/net/lo/mtu", "/sys/class/net/lo/address", "/sys/devices/system/cpu/possible", *sorted(glob.glob("/sys/kernel/*"))[:10]:
    try:
        fd, want = opened_file(path), slurp(path)
    except OSError:
        continue
    size = os.fstat(fd).st_size
    same(contents([fd]), [{}])
    got, = contents([fd], *ALL, "--content-timeout", "20")
    if got == holds(want) and size == 4096 and 0 < len(want) < size:
        short += 1
    assert got == holds(want) or slurp(path) != want, (path, got, want) # some change
    os.close(fd)
if not short:
    not_run("files of /sys", "none there")
