"""--allow-uid with an inherited connected socket: SO_PEERCRED says who its peer is."""
from serving import *

for kind in STREAM, SEQPACKET:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    ours.send(b"x")
    ours.close()
    code, lines, err = fdmsg("listen", "-t", "1", f"--allow-uid={os.getuid()}", f"fd:{theirs.fileno()}", fds=[theirs.fileno()])
    same((code, [l["message"] for l in lines], err), (0, ["x"], ""))
