"""A path on which a live server is bound is not taken over, whatever the types of the two
sockets, and the server does not notice: no connection, no datagram.
"""
import os, socket
from fdmsg import *

path = f"{os.environ['WORK']}/s"
schemes = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}

def refuse(path):
    "fdmsg takes PATH with none of its commands."
    before = os.stat(path)[:7]  # without the times: looking at it is no harm
    for scheme in schemes:
        for command in ["listen"], ["recv"], ["send", "--listen", "-m", "x"]:
            if command[0] == "send" and scheme == "unix-dgram":
                continue
            code, lines, err = fdmsg(command[0], "-t", "20", f"{scheme}:{path}", *command[1:])
            same((code, lines), (1, []))
            assert err.startswith(f"fdmsg: {command[0]}: {scheme}:{path}: ") and "in use" in err, err
    same(os.stat(path)[:7], before)

for kind in schemes.values():
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(path)
        if kind != socket.SOCK_DGRAM:
            # bound but not listening yet: still alive
            refuse(path)
            server.listen(1)
        refuse(path)
        server.setblocking(False)
        try:
            event = server.recvfrom(100) if kind == socket.SOCK_DGRAM else server.accept()
            raise AssertionError(f"the server was disturbed: {event}")
        except BlockingIOError:
            pass
        with socket.socket(socket.AF_UNIX, kind) as client:
            client.connect(path)
            client.send(b"still there?")
            if kind == socket.SOCK_DGRAM:
                same(server.recv(100), b"still there?")
            else:
                server.settimeout(20)
                with server.accept()[0] as peer:
                    same(peer.recv(100), b"still there?")
    os.unlink(path)

# A server too busy to accept is alive as well.
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
    server.bind(path)
    server.listen(0)
    waiting = []
    try:
        while True:
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            waiting[-1].setblocking(False)
            waiting[-1].connect(path)
    except BlockingIOError:
        pass
    refuse(path)
os.unlink(path)

# fdmsg's own listeners hold their paths too.
for scheme, kind in schemes.items():
    server, _ = serve("listen", "-t", "25", f"{scheme}:{path}")
    refuse(path)
    fdmsg("send", f"{scheme}:{path}", "-m", "still there?")
    same(json.loads(server.stdout.readline())["message"], "still there?")
    server.terminate()
    same(finish(server), (0, [], ""))

# Abstract names, and TCP.
name = f"@fdmsg-test-{os.getpid()}"
server, (address, tcp) = serve("listen", "-t", "25", name, "tcp:127.0.0.1:0")
for taken in address, tcp:
    code, lines, err = fdmsg("listen", "-t", "20", taken)
    same((code, lines), (1, []))
    assert taken in err and "address already in use" in err, err
server.terminate()
finish(server)
