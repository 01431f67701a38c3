"""A socket that another process shares, and waits for in poll(2): its status flags stay the
same during and after the run, blocking or not, connected or not, listening or not.

Needs: jq
"""
import fcntl, os, select, socket
from fdmsgjq import *

work = os.environ["WORK"]
UNIX, INET, STREAM, DGRAM, SEQPACKET = socket.AF_UNIX, socket.AF_INET, socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
ANY = ("127.0.0.1", 0)

def status(sock):
    return fcntl.fcntl(sock, fcntl.F_GETFL)

class Poller:
    "A process that has the socket as well and sits in poll(2) until the first event."
    def __init__(self, sock):
        self.process = subprocess.Popen(["timeout", "20", "python3", "-c",
            "import select, sys; p = select.poll(); p.register(0, select.POLLIN); print('polling', flush=True); print(p.poll(15000), flush=True)"],
            stdin=sock, stdout=subprocess.PIPE, text=True)
        same(self.process.stdout.readline(), "polling\n")
    def done(self):
        out, _ = self.process.communicate(timeout=20)
        assert out.startswith("[(0, 1"), out

def connected(family, kind):
    if family == UNIX:
        return socket.socketpair(family, kind)
    if kind == DGRAM:
        one, two = socket.socket(family, kind), socket.socket(family, kind)
        one.bind(ANY), two.bind(ANY)
        one.connect(two.getsockname()), two.connect(one.getsockname())
        return one, two
    with socket.create_server(ANY) as listener:
        return socket.create_connection(listener.getsockname(), timeout=20), listener.accept()[0]

for family, kind in (UNIX, STREAM), (UNIX, DGRAM), (UNIX, SEQPACKET), (INET, STREAM), (INET, DGRAM):
    for blocking in True, False:
        for command in ["recv", "-n", "1"], ["listen", "-n", "1"], ["call", "-m", "question"]:
            ours, theirs = connected(family, kind)
            with ours, theirs:
                theirs.setblocking(blocking)
                before = status(theirs)
                poller = Poller(theirs) if blocking and command[0] == ("recv" if family == UNIX else "call") else None
                process = start(command[0], "-t", "20", f"fd:{theirs.fileno()}", *command[1:], fds=[theirs.fileno()])
                if command[0] == "call":
                    same((ours.recv(100), status(theirs)), (b"question", before))
                ours.send(b"came")
                good(finish(process), 'map(.message) == ["came"]')
                same(status(theirs), before)
                # the other holders go on with it
                theirs.send(b"still")
                ours.send(b"open")
                if poller:
                    poller.done()
                select.select([theirs], [], [], 20)
                same((ours.recv(100), theirs.recv(100)), (b"still", b"open"))

# Whoever else reads the socket may get the message: fdmsg then waits on.
for blocking in True, False:
    ours, theirs = socket.socketpair(UNIX, SEQPACKET)
    theirs.setblocking(blocking)
    process = start("recv", "-t", "20", "-n", "1", "-", stdin=theirs)
    for _ in range(20):
        ours.send(b"stolen or not")
        try:
            theirs.recv(100, socket.MSG_DONTWAIT)
        except BlockingIOError:
            break
    ours.send(b"stolen or not")
    good(finish(process), 'map(.message) == ["stolen or not"]')
    same(os.get_blocking(theirs.fileno()), blocking)

# Unconnected: bound datagram sockets; sending with --to; a socket that is neither.
for blocking in True, False:
    for family, where in (UNIX, f"{work}/d"), (INET, ANY):
        with socket.socket(family, DGRAM) as bound, socket.socket(family, DGRAM) as peer:
            bound.bind(where)
            bound.setblocking(blocking)
            before, poller = status(bound), Poller(bound) if blocking else None
            process = start("recv", "-t", "20", "-n", "2", f"fd:{bound.fileno()}", fds=[bound.fileno()])
            peer.sendto(b"one", bound.getsockname())
            peer.sendto(b"two", bound.getsockname())
            good(finish(process), 'map(.message) == ["one", "two"]')
            same(status(bound), before)
            peer.sendto(b"three", bound.getsockname())
            if poller:
                if poller:
                    poller.done()
        if family == UNIX:
            os.unlink(where)
    for kind in STREAM, SEQPACKET:
        with socket.socket(UNIX, kind) as sock:
            sock.setblocking(blocking)
            before = status(sock)
            bad(fdmsg("send", "-t", "20", f"fd:{sock.fileno()}", "-m", "x", fds=[sock.fileno()]), 1, "not connected")
            bad(fdmsg("recv", "-t", "20", f"fd:{sock.fileno()}", fds=[sock.fileno()]), 1, f"fd:{sock.fileno()}")
            same(status(sock), before)

# Listening: the one who polls sees the next peer.
for family, kind in (UNIX, STREAM), (UNIX, SEQPACKET), (INET, STREAM):
    for blocking in True, False:
        with socket.socket(family, kind) as listener:
            listener.bind(f"{work}/l" if family == UNIX else ANY)
            listener.listen()
            listener.setblocking(blocking)
            before, poller = status(listener), Poller(listener) if blocking else None
            process = start("recv", "-t", "20", f"fd:{listener.fileno()}", fds=[listener.fileno()])
            with socket.socket(family, kind) as peer:
                peer.connect(listener.getsockname())
                peer.send(b"accepted")
            good(finish(process), 'map(.message) == ["accepted"]')
            same(status(listener), before)
            with socket.socket(family, kind) as peer:
                peer.connect(listener.getsockname())  # it still listens
                if poller:
                    poller.done()
        if family == UNIX:
            os.unlink(f"{work}/l")

# What is no socket is an error.
with open("file", "w") as file:
    bad(fdmsg("recv", "-t", "20", f"fd:{file.fileno()}", fds=[file.fileno()]), 1, f"fd:{file.fileno()}", "socket")
bad(fdmsg("recv", "-t", "20", "fd:99"), 1, "fd:99")
