"""fdmsg removes its socket file however it ends, and recv as soon as it has its peer."""
import os, signal, socket, time
from fdmsg import *

path = f"{os.environ['WORK']}/s"
kinds = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}

def connect(kind):
    peer = socket.socket(socket.AF_UNIX, kind)
    peer.connect(path)
    return peer

def gone(process, code):
    same(finish(process)[0], code)
    assert not os.path.lexists(path), process.args

for scheme, kind in kinds.items():
    address = f"{scheme}:{path}"
    roles = [["recv", address], ["listen", address]]
    if kind != socket.SOCK_DGRAM:
        roles.append(["send", address, "--listen", "-m", "x"])
    for command, *args in roles:
        # a signal, while nobody has come
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            process, _ = serve(command, "-t", "20", *args)
            assert os.path.exists(path)
            process.send_signal(number)
            drained = command == "listen" and number != signal.SIGINT
            gone(process, 0 if drained else -number)
        # the timeout
        process, _ = serve(command, "-t", "0.1", *args)
        gone(process, 0 if command == "listen" else 124)
        # a failure after it was bound: nowhere to write to
        if command != "send":
            with open("/dev/full", "w") as full:
                process, _ = serve(command, "-t", "20", *args, stdout=full)
                with connect(kind) as peer:
                    peer.send(b"x")
                    gone(process, 1)
        # -n
        if command != "send":
            process, _ = serve(command, "-t", "20", "-n", "1", *args)
            with connect(kind) as peer:
                peer.send(b"x")
                gone(process, 0)

    if kind == socket.SOCK_DGRAM:
        continue

    # a peer that ends
    process, _ = serve("recv", "-t", "20", address)
    with connect(kind) as peer:
        peer.send(b"x")
    gone(process, 0)
    process, _ = serve("recv", "-t", "20", address)
    connect(kind).close()
    gone(process, 3)

    # recv takes one peer: from then on nobody else can come, and the path is free
    process, _ = serve("recv", "-t", "20", address)
    with connect(kind) as peer:
        peer.send(b"first")
        same(json.loads(process.stdout.readline())["message"], "first")
        assert not os.path.lexists(path), "the file is there while recv serves its peer"
        other, _ = serve("listen", "-t", "20", address)
        peer.send(b"second")
        same(json.loads(process.stdout.readline())["message"], "second")
    # the end of the first does not take the other's file away
    same(finish(process)[0], 0)
    assert os.path.exists(path)
    other.terminate()
    gone(other, 0)

    # listen with peers connected
    for number, code in (signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 0), (signal.SIGHUP, 0):
        process, _ = serve("listen", "-t", "20", address)
        with connect(kind) as peer:
            peer.send(b"x")
            process.stdout.readline()
            process.send_signal(number)
            gone(process, code)

# a file of --from
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(f"{path}-server")
    listener.listen()
    process = start("recv", "--connect", f"{path}-server", "--from", path, "-t", "20")
    listener.settimeout(20)
    with listener.accept()[0] as peer:
        same(peer.getpeername(), path)
        assert os.path.exists(path)
        process.terminate()
        gone(process, -signal.SIGTERM)
