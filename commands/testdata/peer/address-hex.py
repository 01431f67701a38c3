"""Names that are not printable UTF-8 are read and printed as unix-hex:, whether the peer is
Python or fdmsg: abstract names with NUL bytes, and paths.
"""
import os, socket
from fdmsg import *

work = os.environ["WORK"]
unique = b"fdmsg-%d" % os.getpid()
names = [
    b"\0" + unique + b"\0in the middle", b"\0" + unique + b"\0", b"\0\0" + unique, b"\0" + unique + b"\xff\x01\n",
    work.encode() + b"/\xff\n", work.encode() + b"/tab\there",
    b"\0" + unique + b"\0" * (107 - len(unique)),  # all 108 bytes of sun_path
]
kinds = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}
for scheme, kind in kinds.items():
    for name in names:
        address = f"{scheme}-hex:{name.hex()}"

        # fdmsg binds; Python connects, then fdmsg to the address as it was printed
        server, addresses = serve("listen", "-t", "25", "-n", "2", address)
        same(addresses, [address])
        with socket.socket(socket.AF_UNIX, kind) as peer:
            peer.connect(name)
            peer.send(b"from Python")
        code, lines, err = fdmsg("send", "-t", "20", address, "-m", "from fdmsg")
        same((code, err, lines[0]["to"]), (0, "", address))
        code, lines, err = finish(server)
        same((code, err, sorted(line["message"] for line in lines)), (0, "", ["from Python", "from fdmsg"]))
        same([line["local"] for line in lines], [address] * 2)
        if name[0]:
            assert not os.path.exists(name)

        # Python binds such a name, and fdmsg prints it as the sender
        with socket.socket(socket.AF_UNIX, kind) as peer:
            peer.bind(name)
            server, _ = serve("recv", "-t", "25", "-n", "1", f"{scheme}:{work}/s")
            peer.connect(f"{work}/s")
            peer.send(b"hello")
            code, lines, err = finish(server)
            same((code, err, lines[0]["from"]), (0, "", address))
        if name[0]:
            os.unlink(name)

# Upper case is read as well.
code, lines, err = fdmsg("send", "unix-hex:2F4E4F", "-m", "x")
same((code, lines), (1, []))
assert "unix-hex:2f4e4f: " in err or "unix-hex:2F4E4F: " in err or "/NO: " in err, err
