"""fd:N and -: fdmsg finds out the type and the state of an inherited socket, leaves a
blocking one blocking for whoever shares it, and removes no file.
"""
import fcntl, os, socket
from fdmsg import *

work = os.environ["WORK"]
kinds = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}

def status(sock):
    return fcntl.fcntl(sock, fcntl.F_GETFL)

def forms(sock):
    "The two ways to hand SOCK to fdmsg."
    yield f"fd:{sock.fileno()}", dict(fds=[sock.fileno()])
    yield "-", dict(stdin=sock)

for scheme, kind in kinds.items():
    for blocking in True, False:
        # connected: send and receive
        for i in range(2):
            ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
            with ours, theirs:
                theirs.setblocking(blocking)
                before = status(theirs)
                address, options = list(forms(theirs))[i]
                code, lines, err = fdmsg("send", "-t", "20", address, "-m", "there", "/dev/null", **options)
                same((code, err, lines[0]["to"]), (0, "", "fd:0" if address == "-" else address))
                data, fds, _, _ = socket.recv_fds(ours, 100, 5)
                same((data, len(fds)), (b"there", 1))

                # recv waits for the message, which is sent only once it runs
                process = start("recv", "-t", "20", "-n", "1", address, **options)
                socket.send_fds(ours, [b"back"], fds)
                os.close(fds[0])
                code, lines, err = finish(process)
                same((code, err, lines[0]["message"], len(lines[0]["fds"])), (0, "", "back", 1))
                same(status(theirs), before)
                theirs.send(b"still open")
                same(ours.recv(100), b"still open")

        if kind == socket.SOCK_DGRAM:
            continue

        # listening: recv takes one peer, listen any number
        for i in range(2):
            path = f"{work}/s"
            with socket.socket(socket.AF_UNIX, kind) as listener:
                listener.bind(path)
                listener.listen()
                listener.setblocking(blocking)
                before = status(listener)
                address, options = list(forms(listener))[i]
                for command, count in ("recv", 1), ("listen", 3):
                    process = start(command, "-t", "20", "-n", str(count), address, **options)
                    for j in range(count):
                        with socket.socket(socket.AF_UNIX, kind) as peer:
                            peer.connect(path)
                            peer.send(b"hello %d" % j)
                    code, lines, err = finish(process)
                    same((code, err, sorted(line["message"] for line in lines)), (0, "", [f"hello {j}" for j in range(count)]))
                    same(status(listener), before)
                    assert os.path.exists(path), f"{command} removed what is not its own"
                # and it still listens
                with socket.socket(socket.AF_UNIX, kind) as peer:
                    peer.connect(path)
            os.unlink(path)

# A bound datagram socket, and TCP's.
for blocking in True, False:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        bound.bind(f"{work}/d")
        bound.setblocking(blocking)
        before = status(bound)
        process = start("recv", "-t", "20", "-n", "2", "-", stdin=bound)
        peer.connect(f"{work}/d")
        peer.send(b"one")
        peer.send(b"two")
        code, lines, err = finish(process)
        same((code, err, [line["message"] for line in lines]), (0, "", ["one", "two"]))
        same(status(bound), before)
        assert os.path.exists(f"{work}/d")
        os.unlink(f"{work}/d")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(blocking)
        process = start("recv", "-t", "20", f"fd:{listener.fileno()}", fds=[listener.fileno()])
        with socket.create_connection(listener.getsockname(), timeout=20) as peer:
            peer.send(b"over TCP")
        code, lines, err = finish(process)
        same((code, err, lines[0]["message"]), (0, "", "over TCP"))
        same(os.get_blocking(listener.fileno()), blocking)

# On an inherited socket without messages, recv waits until the timeout.
ours, theirs = socket.socketpair()
code, lines, err = fdmsg("recv", "-t", "0.2", "-", stdin=theirs)
same((code, lines, os.get_blocking(theirs.fileno())), (124, [], True))
code, lines, err = fdmsg("listen", "-t", "0.2", "-", stdin=theirs)
same((code, lines, os.get_blocking(theirs.fileno())), (0, [], True))
with socket.create_server(("127.0.0.1", 0)) as listener:
    code, lines, err = fdmsg("recv", "-t", "0.2", "-", stdin=listener)
    same((code, lines, os.get_blocking(listener.fileno())), (124, [], True))

# listen on a connected socket serves it.
process = start("listen", "-t", "20", "-n", "2", "-", stdin=theirs)
ours.send(b"one")
same(json.loads(process.stdout.readline())["message"], "one")
ours.send(b"two")
code, lines, err = finish(process)
same((code, err, lines[0]["message"]), (0, "", "two"))
