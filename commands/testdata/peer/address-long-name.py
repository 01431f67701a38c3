"""A path whose last component is as long as a file name can be works like other long paths,
when bound and when connected to.
"""
import os, socket
from fdmsg import *

work = os.environ["WORK"]
for length in 92, 100, 108, 255:
    path = f"{work}/{'n' * length}"

    # another process's socket, bound under a short name
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(20)
        server.bind("short")
        server.listen()
        os.rename("short", path)
        code, lines, err = fdmsg("send", "-t", "20", path, "-m", "long name")
        same((code, err, lines and lines[0]["to"]), (0, "", f"unix:{path}"))
        with server.accept()[0] as peer:
            same(peer.recv(100), b"long name")
    os.unlink(path)

    # our own
    server, addresses = serve("recv", "-t", "20", path)
    same(addresses, [f"unix:{path}"])
    same(fdmsg("send", "-t", "20", path, "-m", "x")[0], 0)
    code, lines, err = finish(server)
    same((code, err, lines[0]["message"]), (0, "", "x"))
    assert not os.path.exists(path)
