"""--fds says what becomes of received descriptors. Nobody else notices, and none stays
open.
"""
from serving import *

null = os.open("/dev/null", os.O_RDONLY)

def served(what, scheme, kind):
    process, _ = serve("listen", "-t", "25", "--drain", "20", "--fds", what, f"{scheme}:./s")
    peers = connect("s", kind), connect("s", kind)
    for peer in peers:
        peer.send(b"hello")
        same(line(process)["message"], "hello")
    return process, opened(process), peers

def ends(process, *patterns):
    process.terminate()
    code, lines, err = finish(process)
    same((code, lines), (0, []))
    warned(err, *patterns)

for scheme, kind in KINDS.items():
    # drop: as if there were none, but for their number.
    process, before, (peer, other) = served("drop", scheme, kind)
    for count in 1, 253:
        socket.send_fds(peer, [b"with"], [null] * count)
        got = line(process)
        same((got["message"], got["dropped_fds"], got["fds"], got["control"], got["flags"]), ("with", count, [], [], []))
    peer.send(b"without")
    got = line(process)
    same((got["message"], got["fds"], "dropped_fds" in got), ("without", [], False))
    until(lambda: opened(process) == before, "descriptors stay open")
    ends(process)

    # cut: the connection is closed, the datagram dropped.
    process, before, (peer, other) = served("cut", scheme, kind)
    socket.send_fds(peer, [b"with"], [null] * 253)
    if kind == DGRAM:
        peer.send(b"after")
        same(line(process)["message"], "after")
        gone = 0
    else:
        same(peer.recv(10), b"")
        gone = 1
    other.send(b"other")
    same(line(process)["message"], "other")
    until(lambda: opened(process) == before - gone, "descriptors stay open")
    ends(process, "1 .*--fds cut" if kind == DGRAM else "connection 1: .*--fds cut")

    # refuse: the sender gets an error.
    try:
        process, before, (peer, other) = served("refuse", scheme, kind)
    except AssertionError as e:
        if "set SO_PASSRIGHTS: protocol not available" not in str(e):
            raise
        print(f"{scheme}: not run: this kernel lacks SO_PASSRIGHTS")
        continue
    try:
        socket.send_fds(peer, [b"with"], [null])
        raise AssertionError("they were sent")
    except PermissionError:
        pass
    for sender, text in (peer, b"without"), (other, b"other"):
        sender.send(text)
        same(line(process)["message"], text.decode())
    ends(process)
