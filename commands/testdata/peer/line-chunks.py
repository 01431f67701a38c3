"""On a stream, where the kernel merges and splits messages as it likes, every byte is in a
line once and in order, and every descriptor too, no later than the bytes that it came
with.
"""
import os, random, socket
from fdmsg import *

random.seed(9)
files = []
for i in range(40):
    with open(f"file{i}", "w") as file:
        file.write(str(i))
    files.append(os.open(f"file{i}", os.O_RDONLY))

for size in None, "1", "3", "1000":
    ours, theirs = socket.socketpair()
    sent, position, owed, next_file = b"", 0, [], 0
    # all of it is waiting before fdmsg starts
    while next_file + 3 < len(files):
        data = random.randbytes(random.randrange(1, 9)).hex().encode()
        count = random.choice([0, 0, 1, 2, 3])
        fds = files[next_file:next_file + count]
        socket.send_fds(ours, [data], fds) if fds else ours.send(data)
        # they come with the first byte
        owed += [(next_file + i, len(sent)) for i in range(count)]
        next_file += count
        sent += data
    ours.close()
    code, lines, err = fdmsg("recv", "-t", "20", *(["--size", size] if size else []), "-", stdin=theirs)
    same((code, err), (0, ""))
    same("".join(line["message"] for line in lines), sent.decode())
    came = []
    for line in lines:
        position += line["size"]
        came += [(int(fd["content"]), position) for fd in line["fds"]]
        assert line["size"] == len(line["message"]) <= int(size or 1 << 18), line
        same((line["flags"], "truncated" in line), ([], False))
    same([number for number, _ in came], [number for number, _ in owed])
    for (number, end), (_, first) in zip(came, owed):
        assert end > first, f"file {number} came with bytes before {end}, it was sent with those from {first} on"
