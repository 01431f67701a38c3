"""Python's socket.send_fds passes 0, 1, 2 and 253 open files with a message, over each type
of Unix socket; fdmsg listen and recv print it, with the files in order and their
contents.
"""
import os, re, socket
from fdmsg import *

paths = [f"{os.environ['WORK']}/file{i}" for i in range(253)]
for i, path in enumerate(paths):
    with open(path, "w") as file:
        file.write(f"contents of {i}\n")
files = [os.open(path, os.O_RDONLY) for path in paths]

kinds = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}
for scheme, kind in kinds.items():
    for command in "listen", "recv":
        for count in 0, 1, 2, 253:
            path = f"{os.environ['WORK']}/socket"
            server, addresses = serve(command, "-t", "25", "-n", "1", f"{scheme}:{path}")
            same(addresses, [f"{scheme}:{path}"])
            with socket.socket(socket.AF_UNIX, kind) as peer:
                peer.connect(path)
                text = f"{scheme} {command} {count}"
                if count == 0:
                    peer.send(text.encode())
                else:
                    socket.send_fds(peer, [text.encode()], files[:count])
                code, lines, err = finish(server)
            same((code, err, len(lines)), (0, "", 1))
            line = lines[0]
            same((line["type"], line["seq"]), ("message", 1))
            same((line["message"], line["size"], line["flags"]), (text, len(text), []))
            same(line["local"], f"{scheme}:{path}")
            same(line["peer"], {"pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid()})
            assert "from" not in line, line["from"]
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", line["time"]), line["time"]
            same([file["path"] for file in line["fds"]], paths[:count])
            same([file["content"] for file in line["fds"]], [f"contents of {i}\n" for i in range(count)])
            numbers = [file["fd"] for file in line["fds"]]
            rights = {"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": numbers}
            same(line["control"], [rights] if count else [])
            same(len(set(numbers)), count)
            assert not os.path.exists(path)
