"""--content files, the default, reads regular files and memfds; all reads those of proc,
pipes and terminals as well, but never sockets and devices; none reads nothing. What is
not to be read has no content field.
"""
import base64, os, pty, socket, time, tty
from fdmsg import *

def contents(fds, *args):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [b"x"], fds)
        code, lines, err = fdmsg("recv", "-t", "20", "-n", "1", *args, "-", stdin=theirs)
    same((code, err, len(lines)), (0, "", 1))
    return [{key: value for key, value in fd.items() if key.startswith("content")} for fd in lines[0]["fds"]]

def file(data, offset=0):
    path = f"file{time.monotonic_ns()}"
    with open(path, "wb") as f:
        f.write(data)
    fd = os.open(path, os.O_RDONLY)
    os.lseek(fd, offset, os.SEEK_SET)
    return fd

def full_pipe(data, close=True):
    r, w = os.pipe()
    os.write(w, data)
    if close:
        os.close(w)
    return r

def text(data, **more):
    return {"content": data, "content_size": len(data.encode()), **more}

memfd = os.memfd_create("m")
os.write(memfd, b"memfd")
kinds = [file(b"file"), memfd, os.open("/proc/self/comm", os.O_RDONLY), os.open("/dev/zero", os.O_RDONLY), os.open(".", os.O_RDONLY), socket.socket().detach()]
master, slave = pty.openpty()
tty.setcbreak(slave)
with open("/proc/self/comm") as comm:
    name = comm.read()

def with_waiting():
    "KINDS, then a pipe and a terminal with something in them."
    os.write(master, b"tty")
    return [*kinds, full_pipe(b"pipe"), slave]

same(contents(with_waiting()), [text("file"), text("memfd")] + [{}] * 6)
same(os.read(slave, 10), b"tty")
same(contents(with_waiting(), "--content", "files"), [text("file"), text("memfd")] + [{}] * 6)
same(os.read(slave, 10), b"tty")
same(contents(with_waiting(), "--content", "none"), [{}] * 8)
same(os.read(slave, 10), b"tty")
got = contents(with_waiting(), "--content", "all", "--content-timeout", "0.2")
same(got[:7], [text("file"), text("memfd"), text(name), {}, {}, {}, text("pipe")])
same(got[7]["content"], "tty")

# From the beginning, wherever the shared offset is; and there it stays.
fd = file(b"0123456789", offset=7)
same(contents([fd]), [text("0123456789")])
same(os.lseek(fd, 0, os.SEEK_CUR), 7)

# Empty, and no text.
same(contents([file(b"")]), [text("")])
data = bytes(range(256))
same(contents([file(data)]), [{"content_base64": base64.b64encode(data).decode(), "content_size": 256}])

# What cannot be read.
fd = os.open("write-only", os.O_WRONLY | os.O_CREAT)
os.write(fd, b"secret")
got = contents([fd, file(b"next")])
assert "content" not in got[0], got
same(got[1], text("next"))

# --content-limit: of each; 1M is the default. A text ends at a whole character.
same(contents([file(b"0123456789"), file(b"abc")], "--content-limit", "4"), [text("0123", content_truncated=True), text("abc")])
same(contents([file(b"0123")], "--content-limit", "4"), [text("0123")])
for limit, want in (1, "a"), (2, "a"), (3, "aé"), (4, "aé"), (5, "aé"), (6, "aé€"), (7, "aé€"), (9, "aé€"), (10, "aé€🙂"):
    more = {} if limit == 10 else {"content_truncated": True}
    same(contents([file("aé€🙂".encode())], "--content-limit", str(limit)), [text(want, **more)])
with open("sparse", "wb") as f:
    f.truncate(10 << 20)
got = contents([os.open("sparse", os.O_RDONLY)])[0]
same((got["content_size"], got["content_truncated"], len(got["content"])), (1 << 20, True, 1 << 20))
got = contents([os.open("sparse", os.O_RDONLY)], "--content-limit", "3M")[0]
same((got["content_size"], got["content_truncated"]), (3 << 20, True))
same(contents([full_pipe(b"0123456789")], "--content", "all", "--content-limit", "4"), [text("0123", content_truncated=True)])

# --content-total: of all in a message.
got = contents([file(b"0123456789") for _ in range(3)], "--content-total", "15")
same([fd.get("content_size", 0) for fd in got], [10, 5, 0])
same([fd.get("content") or "" for fd in got], ["0123456789", "01234", ""])
same([fd.get("content_truncated", False) for fd in got], [False, True, True])

# --content-timeout: a pipe whose writer stays, read as long as that. What came is
# there, and the others wait no longer than they must.
began = time.monotonic()
got = contents([full_pipe(b"so far", close=False), file(b"next"), full_pipe(b"", close=False)], "--content", "all", "--content-timeout", "0.3")
took = time.monotonic() - began
same(got[0]["content"], "so far")
assert got[0].keys() & {"content_truncated", "content_error"}, got[0]
same(got[1], text("next"))
assert not got[2].get("content"), got[2]
assert 0.3 <= took < 5, took

# A pipe's flags are its other holders' as well.
for blocking in True, False:
    r = full_pipe(b"data", close=False)
    os.set_blocking(r, blocking)
    same(contents([r], "--content", "all", "--content-timeout", "100ms")[0]["content"], "data")
    same(os.get_blocking(r), blocking)
os.set_blocking(slave, True)
contents([slave], "--content", "all", "--content-timeout", "100ms")
same(os.get_blocking(slave), True)
