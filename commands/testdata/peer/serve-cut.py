"""--fds cut, when the descriptors that came could not be taken because there was no room
for them.
"""
from serving import *

process, _ = serve("listen", "-t", "25", "--fds", "cut", "--control-size", "0", "--events", "unix-seqpacket:./s")
with connect("s", SEQPACKET) as peer:
    socket.send_fds(peer, [b"with one"], [0])
    same(peer.recv(1), b"")
with connect("s", SEQPACKET) as peer:
    peer.send(b"without")
    while (got := json.loads(process.stdout.readline())).get("message") is None:
        pass
    same(got["message"], "without")
process.terminate()
code, _, err = finish(process)
same(code, 0)
assert "--fds cut" in err, err
