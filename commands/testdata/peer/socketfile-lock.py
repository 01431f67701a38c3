"""A path is taken over under flock(2) on its directory: while another process holds the
lock, a stale socket file stays.
"""
import fcntl, os, socket
from fdmsg import *

work = os.environ["WORK"]
os.mkdir("dir")
path = f"{work}/dir/s"
socket.socket(socket.AF_UNIX).bind(path)
before = os.stat(path)
lock = os.open("dir", os.O_RDONLY)
fcntl.flock(lock, fcntl.LOCK_EX)
for command in ["listen", "-n", "1"], ["recv"]:
    code, lines, err = fdmsg(*command, "-t", "0.3", path)
    same((code, lines), (124, []))
    same(os.stat(path).st_ino, before.st_ino)

# it continues once the lock is free
server = start("recv", "-t", "20", path)
fcntl.flock(lock, fcntl.LOCK_UN)
same(fdmsg("send", "--wait", "20", path, "-m", "x")[0], 0)
same(finish(server)[1][0]["message"], "x")
same(os.listdir("dir"), [])
