"""A file on a FUSE mount whose daemon stops answering delays the line of its own message by
--content-timeout, and no other.

Needs: unshare
"""
import os, socket
import fuse
from fdmsg import *
from machine import in_namespaces, skip

if not os.path.exists("/dev/fuse"):
    skip("no /dev/fuse")
in_namespaces("-m")
work = os.environ["WORK"]
os.mkdir(work + "/mnt")
with open(work + "/plain", "w") as file:
    file.write("plain")
try:
    fuse.mount(work + "/mnt")
except PermissionError:
    skip("not permitted: to mount FUSE")

many = 70
server, (address,) = serve("listen", "-n", str(many + 2), "-t", "30", "--content-timeout", "0.5", f"unix-seqpacket:{work}/s")
# Opened last: no child must have it, as closing it waits for the daemon, too.
stalled, plain = os.open(work + "/mnt/file", os.O_RDONLY), os.open(work + "/plain", os.O_RDONLY)
def send(text, fd):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(work + "/s")
        socket.send_fds(s, [text], [fd])
send(b"stalled", stalled)
send(b"plain", plain)
first, second = (json.loads(server.stdout.readline()) for _ in range(2))
same([first["message"], first["fds"][0]["content"]], ["plain", "plain"])
file = second["fds"][0]
same([second["message"], file["type"], file["path"], file["filesystem"], file["size"], file["content_error"]], ["stalled", "file", work + "/mnt/file", "fuse", 1000, "timed out"])

# More than may be stuck at once are described, and not read.
for _ in range(many):
    send(b"more", stalled)
errors = [json.loads(server.stdout.readline())["fds"][0]["content_error"] for _ in range(many)]
same(sorted(set(errors)), ["not read: 64 other files do not answer", "timed out"])

fuse.abort(work + "/mnt")
code, rest, err = finish(server)
same((code, rest, err), (0, [], ""))
os._exit(0) # not waiting for the thread
