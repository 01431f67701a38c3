"""r: w: rw: a: and PATH open files as they say, create new ones with 0666 less the umask,
and truncate none.
"""
import fcntl, os, socket, stat
from fdmsg import *

def passed(*descriptors, **options):
    "The descriptors that come over, and how send describes them."
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        address, streams = f"fd:{theirs.fileno()}", dict(fds=[theirs.fileno(), *options.pop("fds", [])], **options)
        code, lines, err = fdmsg("send", "-t", "20", address, *descriptors, **streams)
        same((code, err), (0, ""))
        _, fds, _, _ = socket.recv_fds(ours, 10, 10)
        same(len(fds), len(descriptors))
        return fds, lines[0]["fds"]

def flags(fd):
    return fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK | os.O_PATH)

modes = {"": (os.O_RDONLY, "r"), "r:": (os.O_RDONLY, "r"), "w:": (os.O_WRONLY, "w"), "rw:": (os.O_RDWR, "rw"), "a:": (os.O_WRONLY | os.O_APPEND, "w")}

# Files that exist: none is truncated.
for form, (want, access) in modes.items():
    with open("old", "w") as file:
        file.write("old content")
    (fd,), (line,) = passed(form + ("./old" if not form else "old"))
    same((flags(fd), line["access"], line["path"]), (want, access, f"{os.environ['WORK']}/old"))
    same((line["size"], line["offset"], "O_APPEND" in line["flags"]), (11, 0, form == "a:"))
    if want != os.O_RDONLY:
        os.write(fd, b"NEW")
    if want in (os.O_RDONLY, os.O_RDWR):
        same(os.pread(fd, 3, 0), b"NEW" if want else b"old")
    with open("old") as file:
        same(file.read(), {"w:": "NEW content", "rw:": "NEW content", "a:": "old contentNEW"}.get(form, "old content"))
    os.close(fd)

# New ones.
for umask in 0o022, 0o077, 0:
    before = os.umask(umask)
    try:
        for form in "w:", "rw:", "a:":
            (fd,), (line,) = passed(f"{form}new")
            same((flags(fd), line["size"], line["mode"]), (modes[form][0], 0, f"{0o666 & ~umask:04o}"))
            same(stat.S_IMODE(os.stat("new").st_mode), 0o666 & ~umask)
            os.close(fd)
            os.unlink("new")
    finally:
        os.umask(before)

# Directories, and several in order.
(a, b, c), lines = passed(".", "w:new", "r:old")
same([line["type"] for line in lines], ["directory", "file", "file"])
same([os.path.basename(os.readlink(f"/proc/self/fd/{fd}")) for fd in (b, c)], ["new", "old"])
same(os.listdir(a) != [], True)

# The file itself is opened, through links.
os.symlink("old", "link")
(fd,), (line,) = passed("w:link")
assert os.path.samestat(os.fstat(fd), os.stat("old"))

# What only looks like a scheme is none: it begins with a letter in lower case.
for name in "Foo:bar", "1a:b", "_x:y", "./foo:bar", "foo bar:x":
    with open(name, "w"):
        pass
    (fd,), (line,) = passed(name)
    assert os.path.samestat(os.fstat(fd), os.stat(name))
    (fd,), _ = passed("r:" + name)
    assert os.path.samestat(os.fstat(fd), os.stat(name))

# fd:N and -: the very same open file, offset and all.
for nonblocking in 0, os.O_NONBLOCK:
    for standard in False, True:
        r = os.open("old", os.O_RDONLY | nonblocking)
        os.lseek(r, 4, os.SEEK_SET)
        (fd,), (line,) = passed("-", stdin=r) if standard else passed(f"fd:{r}", fds=[r])
        same((line["offset"], flags(fd)), (4, nonblocking))
        os.lseek(fd, 6, os.SEEK_SET)
        same(os.lseek(r, 0, os.SEEK_CUR), 6)
(fd, again), _ = passed(f"fd:{r}", f"fd:{r}", fds=[r])
os.lseek(again, 1, os.SEEK_SET)
same((os.lseek(fd, 0, os.SEEK_CUR), os.lseek(r, 0, os.SEEK_CUR)), (1, 1))
(fd,), (line,) = passed("fd:2", stderr=open("errors", "w"))
assert os.path.samestat(os.fstat(fd), os.stat("errors"))

# FIFOs are opened without waiting for the other side, and pass as blocking ones.
os.mkfifo("fifo")
(fd,), (line,) = passed("r:fifo")
same((flags(fd), line["type"], "O_NONBLOCK" in line["flags"]), (os.O_RDONLY, "pipe", False))
(w,), _ = passed("w:fifo")
same(flags(w), os.O_WRONLY)
os.write(w, b"through")
same(os.read(fd, 10), b"through")
os.close(w)
os.close(fd)
(fd,), _ = passed("rw:fifo")
same(flags(fd), os.O_RDWR)
