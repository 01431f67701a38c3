"""250 descriptors, 300 times: COMMAND has each in its place, in order, and no others."""
import os, random, socket
from fdmsg import *

# a handful of files, so that neighbours can be told apart
files = []
for i in range(7):
    with open(f"file{i}", "w") as file:
        pass
    files.append(os.open(f"file{i}", os.O_RDONLY))

for round in range(300):
    # a few more open descriptors each time move fdmsg's own ones about
    extra = [os.dup(files[0]) for _ in range(round % 11)]
    chosen = [random.randrange(7) for _ in range(250)]
    ours, theirs = socket.socketpair(socket.AF_UNIX, random.choice([socket.SOCK_STREAM, socket.SOCK_SEQPACKET]))
    with ours, theirs:
        socket.send_fds(ours, [b"x"], [files[i] for i in chosen])
        command = start("recv", "-t", "20", f"fd:{theirs.fileno()}", "--", "ls", "-U", "-l", "/proc/self/fd", fds=[theirs.fileno(), *extra])
        out, err = command.communicate(timeout=30)
    same((command.returncode, err), (0, b""))
    targets = {}
    for line in out.decode().splitlines()[1:]:
        number, arrow, target = line.split()[-3:]
        targets[int(number)] = os.path.basename(target)
    same(sorted(targets), list(range(254)))
    same([targets[3 + i] for i in range(250)], [f"file{i}" for i in chosen])
    same(targets[253], "fd")  # the directory that ls reads
    for fd in extra:
        os.close(fd)
