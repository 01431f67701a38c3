"""Pipes with --content all are read until end of file, the limit or the timeout. Nothing
else that reading would consume is touched.
"""
from contents import *

ALL = ["--content", "all"]
def timed(seconds, fds, *args):
    "What is read with a timeout that is what ends it."
    began = time.monotonic()
    got = contents(fds, *ALL, "--content-timeout", str(seconds), *args)
    took = time.monotonic() - began
    assert seconds <= took < seconds + 10, took
    return got

def flags(fd):
    return fcntl.fcntl(fd, fcntl.F_GETFL)

# A writer that never writes, and one that wrote some; both ends may block or not.
for read_flag in 0, os.O_NONBLOCK:
    for written in b"", b"some":
        r, w = pipe(written, close=False, flags=read_flag)
        before = flags(r), flags(w)
        same(timed(0.2, [r]), [holds(written, content_error="timed out") if written else {"content_error": "timed out"}])
        same((flags(r), flags(w)), before)
        # What is written later is left to others.
        os.write(w, b"later")
        same(os.read(r, 100), b"later")

# No writer any more, or one that closes while fdmsg waits.
same(contents([pipe(), pipe(b"data")], *ALL), [holds(b""), holds(b"data")])
r, w = pipe(b"so far", close=False)
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
socket.send_fds(ours, [b"x"], [r])
process = start("recv", "-n", "1", *ALL, "--content-timeout", "20", "-", stdin=theirs)
poll = select.poll()
poll.register(w, select.POLLOUT)
while struct.unpack("i", fcntl.ioctl(w, 0x541b, bytes(4)))[0]: # FIONREAD: until it has been read
    assert process.poll() is None, finish(process)
os.write(w, b", and the rest")
os.close(w)
same(fields(finish(process), 1), [holds(b"so far, and the rest")])

# More than the limit, of which the rest stays; the limit needs no end of file.
for size, limit in (65536, 1), (65536, 65535), (65536, 4096), (100, 99):
    r, w = pipe(b"x" * size, close=False)
    same(contents([r], *ALL, "--content-limit", str(limit), "--content-timeout", "20"), [holds(b"x" * limit, content_truncated=True)])
    same(os.read(r, 1 << 20), b"x" * (size - limit))
r, w = pipe(b"x" * 100, close=False)
same(contents([r], *ALL, "--content-limit", "100", "--content-timeout", "20"), [holds(b"x" * 100)])

# Larger than the default, and full.
r, w = pipe(close=False)
try:
    size = fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 20)
except OSError as error:
    not_run("large pipe", error)
else:
    os.set_blocking(w, False)
    same(os.write(w, b"y" * size), size)
    os.close(w)
    same(contents([r], *ALL, "--content-limit", "2M"), [holds(b"y" * size)])

# A writer that never stops: the limit ends it.
r, w = pipe(close=False)
writer = background("""
import sys
print("ready", flush=True)
while True:
    os.write(int(sys.argv[1]), b"0123456789" * 100)
""", w, fds=[w])
os.close(w)
got, = contents([r], *ALL, "--content-limit", "1000000", "--content-timeout", "0")
same((data(got), got.get("content_error")), (b"0123456789" * 100_000, None))
end(writer)

# Packets: one read takes one of them.
r, w = pipe(close=False, flags=os.O_DIRECT)
for packet in b"one,", b"two,", b"x" * 4096, b"last":
    os.write(w, packet)
os.close(w)
same(contents([r], *ALL), [holds(b"one,two," + b"x" * 4096 + b"last")])
r, w = pipe(b"packet", close=False, flags=os.O_DIRECT)
same(timed(0.2, [r]), [holds(b"packet", content_error="timed out")])
r, w = pipe(b"packet", close=False, flags=os.O_DIRECT | os.O_NONBLOCK)
same(contents([r], *ALL, "--content-limit", "0"), [holds(b"", content_truncated=True)])
same(os.read(r, 100), b"packet")

# FIFOs, open for reading, and for both.
os.mkfifo("fifo")
r = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
w = os.open("fifo", os.O_WRONLY)
os.write(w, b"data")
same(timed(0.2, [r]), [holds(b"data", content_error="timed out")])
assert not os.get_blocking(r)
os.set_blocking(r, True)
os.write(w, b"data")
os.close(w)
same(contents([r], *ALL, "--content-timeout", "20"), [holds(b"data")])
same(os.get_blocking(r), True)
both = os.open("fifo", os.O_RDWR)
os.write(both, b"0123456789")
same(contents([both], *ALL, "--content-limit", "4"), [holds(b"0123", content_truncated=True)])
same(timed(0.2, [both]), [holds(b"456789", content_error="timed out")])

# The same pipe twice: the first takes it all. Both ends: one is read.
r, w = pipe(b"once", close=False)
same(timed(0.2, [r, r]), [holds(b"once", content_error="timed out"), {"content_error": "timed out"}])
os.write(w, b"again")
same(timed(0.2, [w, r]), [{"content_error": "not open for reading"}, holds(b"again", content_error="timed out")])

# Several that time out, and one that does not, which is read as if they were not there.
pipes = [pipe(close=False) for _ in range(4)]
same(timed(0.1, [pipes[0][0], file(b"file"), pipes[1][0], pipe(b"pipe")]), [{"content_error": "timed out"}, holds(b"file"), {"content_error": "timed out"}, holds(b"pipe")])

# Sockets, events, timers, signals, watches and devices are not read, whatever waits
# in them.
stream = socket.socketpair()
dgram = socket.socketpair(type=socket.SOCK_DGRAM)
for pair in stream, dgram:
    pair[0].send(b"stays")
tcp = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(tcp.getsockname())
served, _ = tcp.accept()
client.send(b"stays")
select.select([served], [], [], 20)
event = os.eventfd(7) if hasattr(os, "eventfd") else None
silent = [stream[1].fileno(), dgram[1].fileno(), served.fileno(), tcp.fileno(), select.epoll().fileno(), os.open("/dev/zero", os.O_RDONLY)]
silent += [event] if event is not None else []
same(contents(silent, *ALL, "--content-timeout", "20"), [{}] * len(silent))
same([s.recv(100) for s in (stream[1], dgram[1], served)], [b"stays"] * 3)
if event is not None:
    same(os.eventfd_read(event), 7)
