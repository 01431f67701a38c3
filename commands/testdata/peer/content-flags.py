"""Neither the flags of a file nor its offset nor its access mode changes what is read, and
reading changes neither.
"""
from contents import *

want = b"".join(b"%07d\n" % i for i in range(20_000)) # more than one read takes
assert len(want) == 160_000

def check(fds, *args):
    "The content of FDS is WANT; their offsets and flags stay. So do those of duplicates."
    before = [(os.lseek(fd, 0, os.SEEK_CUR), fcntl.fcntl(fd, fcntl.F_GETFL)) for fd in fds]
    same(contents([*fds, os.dup(fds[0])], *args), [holds(want)] * (len(fds) + 1))
    same([(os.lseek(fd, 0, os.SEEK_CUR), fcntl.fcntl(fd, fcntl.F_GETFL)) for fd in fds], before)

def at(offset, fd):
    same(os.lseek(fd, offset, os.SEEK_SET), offset)
    return fd

names = ["O_RDONLY", "O_APPEND", "O_NONBLOCK", "O_SYNC", "O_DSYNC", "O_NOATIME", "O_NOCTTY", "O_NOFOLLOW"]
for access in os.O_RDONLY, os.O_RDWR:
    fds = [file(want, access | getattr(os, name)) for name in names]
    for offset in 0, 7, len(want), 1 << 40:
        for which in "files", "all":
            check([at(offset, fd) for fd in fds], "--content", which, "--content-timeout", "20")

# O_TMPFILE: never had a name.
try:
    fd = os.open(".", os.O_TMPFILE | os.O_RDWR)
except OSError as error:
    not_run("O_TMPFILE", error)
else:
    os.write(fd, want)
    check([at(3, fd)])

# Signals of O_ASYNC are for whoever asked for them.
fd = file(want)
fcntl.fcntl(fd, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
check([at(5, fd)])

# Offsets stay where content was cut, or where there was no time for it all.
fd = file(want)
os.lseek(fd, 11, os.SEEK_SET)
for args in ["--content-limit", "0"], ["--content-limit", "100"], ["--content-total", "1"], ["--content-timeout", "0.000000001"], ["--content", "none"]:
    contents([fd], *args)
    same(os.lseek(fd, 0, os.SEEK_CUR), 11)
same(os.read(fd, 5), want[11:16])

# What is not open for reading says so, whatever it is; what is not read even then
# says nothing.
os.mkfifo("fifo")
os.symlink("nowhere", "link")
rdwr = os.open("fifo", os.O_RDWR)
refused = [file(want, os.O_PATH), file(want, os.O_WRONLY), file(want, os.O_WRONLY | os.O_APPEND)]
streams = [os.open("fifo", os.O_WRONLY), os.open("fifo", os.O_PATH), pipe(close=False)[1]]
silent = [os.open("link", os.O_PATH | os.O_NOFOLLOW), os.open(".", os.O_PATH), os.open(".", os.O_RDONLY), os.open("/dev/null", os.O_PATH), os.open("/dev/null", os.O_WRONLY)]
no = {"content_error": "not open for reading"}
os.write(rdwr, b"stays")
same(contents(refused + streams + silent), [no] * 3 + [{}] * 8)
same(contents(refused + streams + silent, "--content", "all", "--content-timeout", "20"), [no] * 6 + [{}] * 5)
same(contents(refused + streams + silent, "--content", "none"), [{}] * 11)
same(contents(refused, "--content-limit", "0"), [no] * 3)
same(os.read(rdwr, 10), b"stays")

# A file that may no longer be opened: what is open stays readable.
fd = file(want, name="closed")
os.fchmod(fd, 0)
check([fd])

# A file that somebody else has locked, also with the mode of mandatory locks (set-group-ID
# without execute permission).
fd = file(want, os.O_RDWR)
os.fchmod(fd, 0o2644)
fcntl.flock(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY), fcntl.LOCK_EX)
fcntl.lockf(fd, fcntl.LOCK_EX)
check([at(1, fd)])
