"""fdmsg started without standard input, output or error: no line ends up in a socket or a
file that happened to get that number.

Needs: bash
"""
import os, socket
from fdmsg import *

def run(closed, *command, fds=()):
    "fdmsg with standard streams CLOSED, by way of a shell; its exit code."
    streams = " ".join(f"{n}{'<' if n == 0 else '>'}&-" for n in closed)
    done = subprocess.run(["bash", "-c", f'exec "$@" {streams}', "bash", "fdmsg", *command], pass_fds=fds, capture_output=True, timeout=25)
    return done.returncode, done.stdout

path = f"{os.environ['WORK']}/s"
with open("file", "w") as file:
    file.write("content\n")

for closed in [1], [2], [0, 1], [1, 2], [0, 1, 2]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        run(closed, "send", "-t", "20", path, "-m", "payload", "file", "a:log.txt")
        server.settimeout(20)
        with server.accept()[0] as peer:
            peer.settimeout(20)
            data, fds, _, _ = socket.recv_fds(peer, 1000, 10)
            same((closed, data, len(fds)), (closed, b"payload", 2))
            same((closed, peer.recv(1000)), (closed, b""))
            same(os.path.samestat(os.fstat(fds[0]), os.stat("file")), True)
            for fd in fds:
                os.close(fd)
        same((closed, os.path.getsize("log.txt")), (closed, 0))
    os.unlink(path)

    # what recv prints does not go to a descriptor that it received, either
    ours, theirs = socket.socketpair()
    with ours, theirs, open("received.txt", "a") as file:
        socket.send_fds(ours, [b"x"], [file.fileno()])
        ours.shutdown(socket.SHUT_WR)
        ours.settimeout(20)
        code, out = run(closed, "recv", "-t", "20", f"fd:{theirs.fileno()}", fds=[theirs.fileno()])
        theirs.close()
        same((closed, ours.recv(1000)), (closed, b""))
        same((closed, os.path.getsize("received.txt")), (closed, 0))

# What the Go runtime opens in place of a closed standard output is what others open to drop
# the lines, which is no error.
ours, theirs = socket.socketpair()
with ours, theirs, open("/dev/null", "r+b", buffering=0) as null:
    ours.sendall(b"x")
    process = start("recv", "-t", "20", "-n", "1", "-", stdin=theirs, stdout=null)
    same((process.wait(25), process.stderr.read()), (0, b""))

# COMMAND has its descriptors from 3 on all the same.
ours, theirs = socket.socketpair()
with open("file") as file:
    socket.send_fds(ours, [b"x"], [file.fileno()] * 2)
    code, out = run([0], "recv", "-t", "20", f"fd:{theirs.fileno()}", "--", "bash", "-c", "readlink /proc/$$/fd/3 /proc/$$/fd/4", fds=[theirs.fileno()])
    same((code, out.decode().split()), (0, [os.path.abspath("file")] * 2))
