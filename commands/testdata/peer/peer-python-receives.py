"""fdmsg send passes 0, 1, 2 and 253 files with a message to Python's socket.recv_fds, over
each type of Unix socket, connecting and listening.
"""
import os, socket
from fdmsg import *

paths = [f"{os.environ['WORK']}/file{i}" for i in range(253)]
for i, path in enumerate(paths):
    with open(path, "w") as file:
        file.write(f"contents of {i}\n")

def receive(peer, text, count):
    "One message with the first COUNT files, each open for reading."
    data, fds, flags, _ = socket.recv_fds(peer, 1000, 256)
    same((data.decode(), len(fds)), (text, count))
    assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC), flags
    for i, fd in enumerate(fds):
        with open(fd) as file:
            same(file.read(), f"contents of {i}\n")

def check_sent(lines, to, text, count):
    "The line that send prints describes the descriptors, without what is in them."
    same(len(lines), 1)
    line = lines[0]
    same((line["type"], line["seq"], line["size"]), ("sent", 1, len(text)))
    same(line["to"], to)
    same([file["path"] for file in line["fds"]], paths[:count])
    same([(file["type"], file["access"]) for file in line["fds"]], [("file", "r")] * count)
    assert not any("content" in key for file in line["fds"] for key in file), line["fds"]
    rights = {"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": [file["fd"] for file in line["fds"]]}
    same(line["control"], [rights] if count else [])

kinds = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}
for scheme, kind in kinds.items():
    for count in 0, 1, 2, 253:
        path = f"{os.environ['WORK']}/{scheme}{count}"
        text = f"{scheme} {count}"
        with socket.socket(socket.AF_UNIX, kind) as server:
            server.settimeout(20)
            server.bind(path)
            if kind != socket.SOCK_DGRAM:
                server.listen()
            code, lines, err = fdmsg("send", "-t", "25", f"{scheme}:{path}", "-m", text, *paths[:count])
            same((code, err), (0, ""))
            check_sent(lines, f"{scheme}:{path}", text, count)
            if kind == socket.SOCK_DGRAM:
                receive(server, text, count)
            else:
                with server.accept()[0] as peer:
                    receive(peer, text, count)
                    same(peer.recv(1000), b"")

        if kind == socket.SOCK_DGRAM:
            continue
        os.unlink(path)
        sender, addresses = serve("send", "--listen", "-t", "25", f"{scheme}:{path}", "-m", text, *paths[:count])
        same(addresses, [f"{scheme}:{path}"])
        with socket.socket(socket.AF_UNIX, kind) as peer:
            peer.settimeout(20)
            peer.connect(path)
            receive(peer, text, count)
            code, lines, err = finish(sender)
            same(peer.recv(1000), b"")
        same((code, err, lines[0]["type"], lines[0]["size"]), (0, "", "sent", len(text)))
        same(len(lines[0]["fds"]), count)
        assert not os.path.exists(path)
