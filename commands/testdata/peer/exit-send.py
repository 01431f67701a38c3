"""Exit codes of send: 0, 1 and 124."""
import os, socket, time
from fdmsg import *

work = os.environ["WORK"]

# Nobody listens: an error at once without --wait, and after it with it.
began = time.monotonic()
code, lines, err = fdmsg("send", "--wait", "0.3", f"{work}/s", "-m", "x")
same((code, lines), (1, []))
assert f"{work}/s" in err and "no such file" in err and time.monotonic() - began >= 0.3, err
# -t ends the waiting, too
code, lines, err = fdmsg("send", "--wait", "20", "-t", "0.1", f"{work}/s", "-m", "x")
same((code, lines), (124, []))
assert err.startswith(f"fdmsg: send: unix:{work}/s: ") and err.count("\n") == 1, err

# --wait: for a file that is not there, and for a stale one.
for stale in False, True:
    if stale:
        socket.socket(socket.AF_UNIX).bind(f"{work}/s")
    sender = start("send", "--wait", "20", f"{work}/s", "-m", "waited")
    server, _ = serve("recv", "-t", "20", f"{work}/s")
    code, lines, err = finish(sender)
    same((code, err), (0, ""))
    same(finish(server)[1][0]["message"], "waited")
with socket.create_server(("127.0.0.1", 0)) as free:
    address = f"tcp:127.0.0.1:{free.getsockname()[1]}"
sender = start("send", "--wait", "20", address, "-m", "waited")
server, _ = serve("recv", "-t", "20", address)
same((finish(sender)[0], finish(server)[1][0]["message"]), (0, "waited"))

# --listen, and nobody comes.
for scheme in "unix", "unix-seqpacket":
    code, lines, err = fdmsg("send", "--listen", "-t", "0.1", f"{scheme}:{work}/s", "-m", "x")
    same((code, lines), (124, []))
    assert err.startswith(f"fdmsg: send: {scheme}:{work}/s: ") and err.count("\n") == 1, err

# A receiver that does not read: datagrams queued, a stream's buffer full.
for kind in socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        theirs.setblocking(False)
        sent = 0
        try:
            while True:
                sent += theirs.send(b"x" * 1000)
        except BlockingIOError:
            pass
        theirs.setblocking(True)
        code, lines, err = fdmsg("send", "-t", "0.1", "-", "-m", "x", stdin=theirs)
        same((code, lines), (124, []))
        assert err.startswith("fdmsg: send: fd:0: ") and err.count("\n") == 1, err

        # and waited for, when it does
        sender = start("send", "-t", "20", "-", "-m", "last", stdin=theirs)
        ours.settimeout(20)
        while sent:
            sent -= len(ours.recv(1000))
        same(finish(sender)[0], 0)
        same(ours.recv(1000), b"last")

# A message too large for a datagram.
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
with open("large", "wb") as file:
    file.truncate(8 << 20)
code, lines, err = fdmsg("send", "-t", "20", "-", "-M", "large", stdin=theirs, )
same((code, lines), (1, []))
assert "message too long" in err, err

# A stream takes a large message in parts: all bytes arrive, and the descriptor once.
ours, theirs = socket.socketpair()
sender = start("send", "-t", "20", f"fd:{theirs.fileno()}", "-M", "large", "-m", "end", "/dev/null", fds=[theirs.fileno()])
theirs.close()
ours.settimeout(20)
size, descriptors, last = 0, 0, b""
while True:
    data, fds, _, _ = socket.recv_fds(ours, 1 << 20, 10)
    if not data:
        break
    size, descriptors, last = size + len(data), descriptors + len(fds), data
same((size, descriptors, last[-4:]), ((8 << 20) + 3, 1, b"\0end"))
code, lines, err = finish(sender)
same((code, err, lines[0]["size"]), (0, "", size))

# The peer is gone.
ours, theirs = socket.socketpair()
ours.close()
code, lines, err = fdmsg("send", "-", "-m", "x", stdin=theirs)
same((code, lines), (1, []))
assert err.startswith("fdmsg: send: fd:0: ") and "broken pipe" in err, err
