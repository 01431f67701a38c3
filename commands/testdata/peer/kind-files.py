"""Files of all kinds, compared with lsfd, stat and fdinfo.

Needs: lsfd, ss
"""
from kinds import *

def open_file(name, content=b"", flags=os.O_RDWR):
    with open(name, "wb") as file:
        file.write(content)
    return os.open(f"{work}/{name}", flags)

# Regular files.
file = open_file("file", b"twelve bytes", os.O_RDWR | os.O_APPEND | os.O_NOATIME | os.O_SYNC)
os.lseek(file, 5, os.SEEK_SET)
os.link("file", "link")
os.chmod("file", 0o4711)
os.utime("file", ns=(1, 1_700_000_000_123_456_789))
check("file", file, type="file", path=f"{work}/file", access="rw", offset=5, size=12, links=2, mode="04711", content="twelve bytes", content_size=12)
same(os.lseek(file, 0, os.SEEK_CUR), 5)
check("file, written only", open_file("written", b"out", os.O_WRONLY | os.O_NONBLOCK), type="file", access="w", content=None)
check("file, O_PATH", open_file("place", b"in", os.O_PATH), type="file", access="none", size=2, offset=None, content=None)
check("file, empty", open_file("empty"), type="file", size=0, content="", content_size=0)
check("file, sparse and large", open_file("large", flags=os.O_RDWR | os.O_CREAT), type="file", size=0)
large = os.open("large", os.O_RDONLY)
os.truncate("large", 5 << 30)
os.lseek(large, 4 << 30, os.SEEK_SET)
check("file, sparse and large", large, type="file", size=5 << 30, offset=4 << 30, content_truncated=True, content_size=1 << 20)
direct = make("file, O_DIRECT", open_file, "direct", b"aligned", os.O_RDONLY | os.O_DIRECT)
if direct:
    check("file, O_DIRECT", direct, type="file", content="aligned")

# Files that are gone, and files that only seem to be.
gone = open_file("gone", b"recover me")
os.unlink("gone")
check("deleted file", gone, type="file", path=f"{work}/gone", deleted=True, links=0, content="recover me")
check("file named (deleted)", open_file("here (deleted)", b"not gone"), type="file", path=f"{work}/here (deleted)", deleted=None, links=1, content="not gone")
twice = open_file("twice (deleted)", b"gone")
os.unlink("twice (deleted)")
check("deleted file named (deleted)", twice, type="file", path=f"{work}/twice (deleted)", deleted=True)
open_file("left")
left = open_file("right")
os.link("right", "other")
os.unlink("right")
check("deleted name of a file that has another", left, type="file", path=f"{work}/right", deleted=True, links=1)
unnamed = make("file, O_TMPFILE", os.open, work, os.O_TMPFILE | os.O_RDWR)
if unnamed:
    check("file, O_TMPFILE", unnamed, type="file", deleted=True, links=0)

# Directories and symbolic links.
os.mkdir("directory", 0o750)
check("directory", os.open("directory", os.O_RDONLY | os.O_DIRECTORY), type="directory", path=f"{work}/directory", access="r", links=2, content=None)
check("directory, O_PATH", os.open("directory", os.O_PATH), type="directory", access="none", offset=None)
os.mkdir("removed")
removed = os.open("removed", os.O_RDONLY)
os.rmdir("removed")
check("deleted directory", removed, type="directory", path=f"{work}/removed", deleted=True, links=0)
os.symlink("to nowhere", "symlink")
check("symbolic link", os.open("symlink", os.O_PATH | os.O_NOFOLLOW), type="symlink", path=f"{work}/symlink", access="none", symlink=dict(target="to nowhere"), content=None)

# The same on other file systems, of which the files of some are not read.
for path, content in ("/dev/shm", None), ("/proc/self/status", None), ("/sys/kernel/uevent_seqnum", None), ("/sys/fs/cgroup", None):
    fd = make(path, os.open, path, os.O_RDONLY)
    if fd:
        check(path, fd, type="directory" if os.path.isdir(path) else "file", path=os.path.realpath(path), content=content)

# A mount that is nowhere in the tree, a file of a mount namespace that is gone, and memory
# that not even the kernel reads: fsopen(2), fsmount(2), mount_namespaces(7), memfd_secret(2).
FSCONFIG_CMD_CREATE, MS_REC_PRIVATE, CLONE_NEWNS = 6, 0x44000, 0x20000
def fsmount():
    context = syscall(430, b"tmpfs", 1)
    syscall(431, context, FSCONFIG_CMD_CREATE, 0, 0, 0)
    return syscall(432, context, 1, 0)
mounted = make("detached mount", fsmount)
if mounted:
    check("detached mount", mounted, type="directory", access="none", filesystem="tmpfs")
    os.mkdir("inside", dir_fd=mounted)
    check("directory on a detached mount", os.open("inside", os.O_RDONLY, dir_fd=mounted), type="directory", access="r", filesystem="tmpfs")
def in_namespace():
    os.mkdir("mnt")
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, ctypes.c_ulong(MS_REC_PRIVATE), None)
    call("mount", b"none", b"mnt", b"tmpfs", ctypes.c_ulong(0), None)
    return open_file("mnt/file", b"from elsewhere")
other = make("file of another mount namespace", elsewhere, in_namespace)
if other:
    check("file of another mount namespace", other, type="file", filesystem="tmpfs", content="from elsewhere")
secret = make("secret memory", syscall, 447, 0)
if secret:
    os.ftruncate(secret, 4096)
    check("secret memory", secret, size=4096, path=None, offset=None, content=None)
done()
