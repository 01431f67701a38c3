"""The edges of --content-limit, --content-total and --content-timeout: nothing, all but one
byte, all, one byte more; with several descriptors and several messages.
"""
from contents import *

def memfd(data):
    fd = os.memfd_create("m")
    os.write(fd, data)
    return fd

# Each kind, from nothing to one byte more than there is; 65536 and 1M are how
# much one read asks for, so that some end with a read and some in the middle.
for size in 0, 1, 10, 65536, 65537, (1 << 20) + 1:
    whole = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz\n"[i % 37] for i in range(size))
    for limit in sorted({0, size - 1, size, size + 1}):
        if limit < 0:
            continue
        kinds = [file(whole), memfd(whole), file(whole, os.O_RDWR | os.O_APPEND)]
        if size <= 65536: # what a pipe holds
            kinds.append(pipe(whole))
        more = {"content_truncated": True} if limit < size else {}
        got = contents(kinds, "--content", "all", "--content-limit", str(limit), "--content-timeout", "20")
        same(got, [holds(whole[:limit], **more)] * len(kinds))
        for fd in kinds[:2]: # nor was the offset moved
            same(os.lseek(fd, 0, os.SEEK_CUR), 0 if fd == kinds[0] else size)
        if len(kinds) == 4: # what was not read of the pipe is still there
            same(os.read(kinds[3], size + 1), whole[limit:])
        for fd in kinds:
            os.close(fd)

# The total is shared, in order; what is not read takes nothing of it, what is cut
# takes what it got, and a limit of each still holds.
def total(total, *args, fds):
    return contents(fds, "--content-total", str(total), *args)
def cut(data):
    return holds(data, content_truncated=True)

ten = lambda: file(b"0123456789")
secret = os.open("secret", os.O_WRONLY | os.O_CREAT)
os.write(secret, b"secret")
refused = {"content_error": "not open for reading"}
same(total(0, fds=[ten(), file(b""), secret]), [cut(b""), holds(b""), refused])
same(total(1, fds=[ten(), ten()]), [cut(b"0"), cut(b"")])
same(total(19, fds=[ten(), ten(), file(b"")]), [holds(b"0123456789"), cut(b"012345678"), holds(b"")])
same(total(20, fds=[ten(), ten(), file(b"")]), [holds(b"0123456789")] * 2 + [holds(b"")])
same(total(20, fds=[ten(), ten(), file(b"1")]), [holds(b"0123456789")] * 2 + [cut(b"")])
same(total(21, fds=[ten(), ten(), file(b"1")]), [holds(b"0123456789")] * 2 + [holds(b"1")])
null, directory = os.open("/dev/null", os.O_RDONLY), os.open(".", os.O_RDONLY)
same(total(11, fds=[null, secret, ten(), directory, file(b"1"), ten()]), [{}, refused, holds(b"0123456789"), {}, holds(b"1"), cut(b"")])
same(total(10, "--content-limit", "4", fds=[ten(), ten(), ten(), ten()]), [cut(b"0123"), cut(b"0123"), cut(b"01"), cut(b"")])
# The same file several times is read as often.
fd = ten()
same(total(25, fds=[fd] * 4), [holds(b"0123456789")] * 2 + [cut(b"01234"), cut(b"")])
# A pipe for which the total leaves nothing is not read.
r = pipe(b"later")
same(total(10, "--content", "all", fds=[ten(), r]), [holds(b"0123456789"), cut(b"")])
same(os.read(r, 10), b"later")
# 253 files, of which the total is exhausted by the last byte of the last one.
many = [file(bytes([97 + i % 26]) * 4) for i in range(253)]
want = [holds(bytes([97 + i % 26]) * 4) for i in range(253)]
same(total(4 * 253, fds=many), want)
same(total(4 * 253 - 1, fds=many), want[:-1] + [cut(want[-1]["content"][:3].encode())])

# Each message has a total of its own.
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
for _ in range(3):
    socket.send_fds(ours, [b"x"], [ten(), ten()])
code, lines, err = fdmsg("recv", "-t", "20", "-n", "3", "--content-total", "15", "-", stdin=theirs)
same((code, err), (0, ""))
same([[fd["content"] for fd in line["fds"]] for line in lines], [["0123456789", "01234"]] * 3)

# The sizes' suffixes.
three = file(b"x" * 3000)
same([got["content_size"] for got in contents([three, three, three], "--content-limit", "2K", "--content-total", "5K")], [2048, 2048, 1024])

# A timeout of 0 is none: a pipe is read until its writers are gone.
r, w = pipe(b"first", close=False)
process = start("open", "--content", "all", "--content-timeout", "0", f"fd:{r}", fds=[r])
os.set_blocking(r, True)
os.close(r)
with open(w, "wb", buffering=0) as writer:
    for i in range(100):
        writer.write(b"%6d" % i * 1000) # waits for fdmsg, as no pipe holds all of it
code, lines, err = finish(process)
same((code, err), (0, ""))
got = lines[0]["fds"][0]
same(got["content"], "first" + "".join(f"{i:6d}" * 1000 for i in range(100)))
assert "content_truncated" not in got and "content_error" not in got, got.keys()

# A timeout that ends at once: what there is, or a part of it and the reason.
got, = contents([pipe(b"0123456789")], "--content", "all", "--content-timeout", "0.000000001")
assert got in (holds(b"0123456789"), {"content_error": "timed out"}, holds(b"0123456789", content_error="timed out")), got
same(contents([ten()], "--content-timeout", "0.000000001"), [holds(b"0123456789")]) # ended with its first read
