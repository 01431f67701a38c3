"""A line that cannot be written: SIGPIPE when the reader closes in the middle of it, and an
error when there is no space left.
"""
import fcntl, os, signal, socket
from fdmsg import *

work = os.environ["WORK"]

def connect(kind=socket.SOCK_STREAM, path=f"{work}/s"):
    peer = socket.socket(socket.AF_UNIX, kind)
    peer.connect(path)
    return peer

# The reader goes while a line longer than the pipe is being written.
for command in ["recv", "-n", "0"], ["listen"], ["listen", "-n", "1"]:
    process, _ = serve(*command, "-t", "20", f"unix-seqpacket:{work}/s")
    with connect(socket.SOCK_SEQPACKET) as peer:
        peer.send(b"x" * 150_000)
        same(os.read(process.stdout.fileno(), 1), b"{")
        process.stdout.close()
        same(process.wait(timeout=20), -signal.SIGPIPE)
    assert not os.path.exists(f"{work}/s"), "the file is left behind"
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.bind(f"{work}/s")
    server.listen()
    r, w = os.pipe()
    os.close(r)
    process = start("send", "-t", "20", f"unix-seqpacket:{work}/s", "-m", "x", stdout=w)
    same(process.wait(timeout=20), -signal.SIGPIPE)
    with server.accept()[0] as peer:
        same(peer.recv(10), b"x")
    os.close(w)
os.unlink(f"{work}/s")

# The device is full.
for command in "recv", "listen":
    with open("/dev/full", "w") as full:
        process, _ = serve(command, "-t", "20", f"{work}/s", stdout=full)
        with connect() as peer:
            peer.send(b"lost")
            code, _, err = finish(process)
    same(code, 1)
    assert err.startswith(f"fdmsg: {command}: ") and "no space left on device" in err and err.count("\n") <= 2, err
    assert not os.path.exists(f"{work}/s")
ours, theirs = socket.socketpair()
with open("/dev/full", "w") as full:
    code, _, err = fdmsg("send", "-t", "20", "-", "-m", "x", stdin=theirs, stdout=full)
    same((code, ours.recv(10)), (1, b"x"))
    assert err.startswith("fdmsg: send: ") and "no space left on device" in err, err
    # without lines, nothing fails
    same(fdmsg("send", "-q", "-", "-m", "x", stdin=theirs, stdout=full)[0], 0)

# A slow reader gets everything, whole, in order.
process, _ = serve("listen", "-t", "25", "-n", "3000", f"unix-seqpacket:{work}/s")
fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
pid = os.fork()
if pid == 0:
    with connect(socket.SOCK_SEQPACKET) as peer:
        for i in range(3000):
            peer.send(b"%d " % i + b"y" * (i % 700))
    os._exit(0)
code, lines, err = finish(process)
same((code, err, len(lines)), (0, "", 3000))
for i, line in enumerate(lines):
    same((line["message"], line["seq"]), (f"{i} " + "y" * (i % 700), i + 1))
same(os.waitpid(pid, 0)[1], 0)
