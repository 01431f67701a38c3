"""A file of more than 16 MiB is read while its line is written. Where it is overwritten in
between, the line says that it has changed, and is valid JSON all the same.
"""
from contents import *

SIZE = 24 << 20
LIMITS = ["--content-limit", "64M", "--content-total", "64M"]
text, binary = b"old text, ".ljust(16) * (SIZE // 16), bytes([0xff, 0, 1, 2]) * (SIZE // 4)

def large(path, data):
    """A file, or a memfd if there is no PATH."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC) if path else os.memfd_create("large")
    for start in range(0, SIZE, 1 << 20):
        os.pwrite(fd, data[start:start + (1 << 20)], start)
    return fd

def line(process):
    code, lines, err = finish(process)
    same((code, err, len(lines)), (0, "", 1))
    return lines[0]["fds"][0]

def begins(command, fd):
    """fdmsg, when it has written the beginning of the line and waits for its reader."""
    if command == "open":
        process = start("open", *LIMITS, f"fd:{fd}", fds=[fd])
    else:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            socket.send_fds(ours, [b"x"], [fd])
            process = start("recv", "-t", "25", "-n", "1", *LIMITS, "-", stdin=theirs)
    assert select.select([process.stdout], [], [], 20)[0], "no line"
    return process

def overwrite_end(fd):
    os.pwrite(fd, b"new", SIZE - 3)

def overwrite(fd):
    for start in range(0, SIZE, 1 << 20):
        os.pwrite(fd, b"NEW TEXT, NEW " * 1000, start)

def append(fd):
    os.pwrite(fd, b"more", SIZE)

def shorten(fd):
    os.ftruncate(fd, SIZE - 5)

for command in "open", "recv":
    for path in "file", None:
        for content in text, binary:
            # Nobody writes: the content is whole, and there is no error.
            fd = large(path, content)
            entry = line(begins(command, fd))
            assert data(entry) == content and "content_error" not in entry, (entry["content_size"], entry.get("content_error"))
            os.close(fd)
            for change in overwrite_end, overwrite, append, shorten:
                fd = large(path, content)
                process = begins(command, fd)
                change(fd)
                entry = line(process)
                same((command, path, change.__name__, entry.get("content_error")), (command, path, change.__name__, "changed while it was read"))
                same(len(data(entry)), entry["content_size"])
                os.close(fd)

# A line that goes to a regular file is made before it is written.
fd = large("file", text)
with open("out", "wb") as out:
    same(start("open", *LIMITS, "file", stdout=out).wait(30), 0)
with open("out") as out:
    entry = json.load(out)["fds"][0]
assert data(entry) == text and "content_error" not in entry, entry["content_size"]
