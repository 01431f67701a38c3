"""Another reader of the same pipe or terminal is faster, so that what fdmsg waited for is
gone when it reads. It waits no longer than --content-timeout.
"""
import pty
from contents import *
from machine import skip

if why := Rival.possible():
    skip(f"seccomp_unotify(2): {why}")

def robbed(take, r, *args):
    "What fdmsg reads from R if TAKE is called before each read."
    rival = Rival(r, take)
    began = time.monotonic()
    got, = contents_with_rival(rival, [r], "--content", "all", *args)
    took = time.monotonic() - began
    assert rival.count > 0, "fdmsg did not read"
    assert took < 10, took
    return got

# Everything is gone, whatever kind of pipe it is. The flags of the pipe stay as they are.
for flags in 0, os.O_NONBLOCK, os.O_DIRECT:
    r, w = pipe(b"taken", close=False, flags=flags)
    taken = []
    got = robbed(lambda: taken or taken.append(os.read(r, 100)), r, "--content-timeout", "0.3")
    same((got, taken), ({"content_error": "timed out"}, [b"taken"]))
    same(os.get_blocking(r), not flags & os.O_NONBLOCK)
    os.write(w, b"still works")
    same(os.read(r, 100), b"still works")

# Gone each time that something was written: the wait ends all the same.
r, w = pipe(b"x", close=False)
def again():
    same(os.read(r, 100), b"x")
    started.append(background(PUT, w, fds=[w]))
PUT = """
print("ready", flush=True)
os.write(int(__import__("sys").argv[1]), b"x") # after fdmsg was let go
"""
started = []
got = robbed(lambda: len(started) < 3 and again(), r, "--content-timeout", "1")
assert got in ({"content_error": "timed out"}, *(holds(b"x" * n, content_error="timed out") for n in range(1, 4))), got

# A part is gone: the rest is read. With a limit, as much as that.
r, w = pipe(b"0123456789", close=False)
taken = []
take = lambda: taken or taken.append(os.read(r, 4))
same(robbed(take, r, "--content-timeout", "20", "--content-limit", "6"), holds(b"456789", content_truncated=True)) # there was more
r, w = pipe(b"0123456789", close=False)
taken = []
same(robbed(take, r, "--content-timeout", "20", "--content-limit", "5"), holds(b"45678", content_truncated=True))
same(os.read(r, 100), b"9")

# Every reader gets the end of file.
r = pipe(b"taken")
taken = []
take = lambda: taken or taken.append(os.read(r, 100))
same(robbed(take, r, "--content-timeout", "20"), holds(b""))

# FIFOs and terminals are read in more than one way: the other reader comes before the
# first or the second attempt.
os.mkfifo("fifo")
def robbed_once(r, nth):
    take = lambda: rival.count == nth - 1 and select.select([r], [], [], 0)[0] and os.read(r, 100)
    rival = Rival(r, take)
    began = time.monotonic()
    got, = contents_with_rival(rival, [r], "--content", "all", "--content-timeout", "0.3")
    assert time.monotonic() - began < 10
    assert rival.count > 0, "fdmsg did not read"
    assert got in ({"content_error": "timed out"}, holds(b"taken\n", content_error="timed out")), got
    assert nth > 1 or "content" not in got, got
for nth in 1, 2:
    both, r = os.open("fifo", os.O_RDWR), os.open("fifo", os.O_RDONLY)
    os.write(both, b"taken\n")
    robbed_once(r, nth)
    os.write(both, b"still works")
    same(os.read(r, 100), b"still works")
    os.close(both)
    os.close(r)
    master, slave = pty.openpty()
    os.write(master, b"taken\n")
    assert select.select([slave], [], [], 20)[0]
    robbed_once(slave, nth)
    os.write(master, b"still works\n")
    same(os.read(slave, 100), b"still works\n")
