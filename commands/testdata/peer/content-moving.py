"""Files that others write while they are read, and files that are larger than their
allocated blocks.
"""
from contents import *

# Another process truncates a file and writes it anew, all the time. What is read is
# never an error, never more than was ever in there, and at each place what was there
# at some time: a hole while it was made longer, or the byte that belongs there.
SIZE = 200_000 # more than one read takes
TRUNCATER = """
import sys
fd, size = int(sys.argv[1]), int(sys.argv[2])
whole = b"0123456789" * (size // 10)
print("ready", flush=True)
while True:
    os.pwrite(fd, whole, 0)
    os.ftruncate(fd, size // 3)
    os.ftruncate(fd, size // 2)
    os.ftruncate(fd, 0)
"""
whole = b"0123456789" * (SIZE // 10)
fd = file(whole, os.O_RDWR)
os.lseek(fd, 5, os.SEEK_SET)
truncater = background(TRUNCATER, fd, SIZE, fds=[fd])
sizes, deadline = set(), time.monotonic() + 20
while len(sizes) < 3:
    assert time.monotonic() < deadline, f"the file is always {sizes}"
    for got in contents([fd] * 50, "--content-timeout", "20"):
        read = data(got)
        assert set(got) == {"content", "content_size"} and len(read) <= SIZE, (got.keys(), len(read))
        assert all(now in (0, then) for now, then in zip(read, whole)), read
        sizes.add(len(read))
same(os.lseek(fd, 0, os.SEEK_CUR), 5)
end(truncater)

# Another process appends all the time: the limit ends it, and the content is what
# the file begins with.
GROWER = """
import sys
fd, written = int(sys.argv[1]), 0
print("ready", flush=True)
while written < 1 << 28:
    written += os.write(fd, b"0123456789" * 100)
os.ftruncate(fd, 1 << 40)
signal.pause()
"""
fd = file(b"", os.O_RDWR | os.O_APPEND)
grower = background(GROWER, fd, fds=[fd])
while os.fstat(fd).st_size < 1000:
    assert grower.poll() is None
last = 0
for _ in range(5):
    for got in contents([fd] * 5, "--content-limit", "300000", "--content-timeout", "20"):
        read = data(got)
        assert len(read) >= last and (b"0123456789" * 30_000).startswith(read), len(read)
        assert len(read) == 300_000 or "content_truncated" not in got, got.keys()
        assert "content_error" not in got, got["content_error"]
        last = len(read)
while os.fstat(fd).st_size <= 300_000:
    assert grower.poll() is None
same(contents([fd], "--content-limit", "300000", "--content-timeout", "20"), [holds(b"0123456789" * 30_000, content_truncated=True)])
end(grower)
os.ftruncate(fd, 0)

# So large that only the limit, or the timeout, can end it. Some file systems have no
# files as large as that.
for size in 1 << 40, 1 << 43:
    fd = file(b"begin", os.O_RDWR)
    try:
        os.ftruncate(fd, size)
    except OSError as error:
        not_run(f"a file of {size} bytes", error)
        continue
    for limit in 5, 6, 5000, 1 << 20:
        same(contents([fd], "--content-limit", str(limit)), [holds(b"begin" + bytes(limit - 5), content_truncated=True)])
    got, = contents([fd], "--content-limit", "32M", "--content-total", "32M", "--content-timeout", "0.000000001")
    same(got["content_error"], "timed out")
    assert 0 < got["content_size"] < 32 << 20, got["content_size"]
    same(contents([fd] * 3, "--content-total", "1500", "--content-limit", "1000"),
        [holds(b"begin" + bytes(995), content_truncated=True), holds(b"begin" + bytes(495), content_truncated=True), holds(b"", content_truncated=True)])

# Holes in the middle, and at the end.
fd = file(b"", os.O_RDWR)
os.pwrite(fd, b"one", 0)
os.pwrite(fd, b"two", 100_000)
os.pwrite(fd, b"three", 300_000)
os.ftruncate(fd, 400_000)
want = b"one" + bytes(99_997) + b"two" + bytes(199_997) + b"three" + bytes(99_995)
same(contents([fd]), [holds(want)])
