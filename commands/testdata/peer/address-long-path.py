"""Paths longer than the 107 bytes of sun_path are bound, connected to, printed whole and
removed again, for every type of Unix socket.
"""
import os, socket, stat
from fdmsg import *

work = os.environ["WORK"]
deep = "/".join([work] + ["d" * 60] * 4)
os.makedirs(deep)
# the longest that fits, the first that does not, and some more
paths = [f"{work}/{'p' * (length - len(work) - 1)}" for length in (106, 107, 108, 109)] + [f"{deep}/s", f"{deep}/{'n' * 80}"]
for path in paths:
    for scheme in "unix", "unix-dgram", "unix-seqpacket":
        server, addresses = serve("listen", "-t", "25", "-n", "1", f"{scheme}:{path}")
        same(addresses, [f"{scheme}:{path}"])
        same(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        same(stat.S_ISSOCK(os.stat(path).st_mode), True)
        code, lines, err = fdmsg("send", "-t", "20", f"{scheme}:{path}", "-m", "deep", "/dev/null")
        same((code, err, lines[0]["to"]), (0, "", f"{scheme}:{path}"))
        code, lines, err = finish(server)
        same((code, err, lines[0]["local"], lines[0]["message"]), (0, "", f"{scheme}:{path}", "deep"))
        same(len(lines[0]["fds"]), 1)
        assert not os.path.lexists(path), path

# Python binds and connects too, by a path relative to the directory.
os.chdir(deep)
server, _ = serve("recv", "-t", "25", f"{deep}/s")
with socket.socket(socket.AF_UNIX) as peer:
    peer.connect("s")
    peer.send(b"short cut")
same(finish(server)[1][0]["message"], "short cut")
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind("s")
    listener.listen()
    listener.settimeout(20)
    same(fdmsg("send", f"{deep}/s", "-m", "and back")[0], 0)
    with listener.accept()[0] as peer:
        same(peer.recv(100), b"and back")

# A stale socket file (that of the listener above) is replaced; a live one is not.
assert os.path.exists(f"{deep}/s")
server, _ = serve("listen", "-t", "25", f"{deep}/s")
code, lines, err = fdmsg("listen", f"{deep}/s")
same((code, lines), (1, []))
assert f"{deep}/s" in err and "in use" in err, err
server.terminate()
same(finish(server), (0, [], ""))
same(os.listdir(deep), [])

# A name that every file system refuses.
code, lines, err = fdmsg("listen", f"{deep}/{'n' * 256}")
same((code, lines), (1, []))
assert "name too long" in err, err
