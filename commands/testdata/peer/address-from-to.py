"""--from sets the address that the receiver sees and can answer to; --to is where an
inherited socket that is not connected sends to.
"""
import os, socket, time
from fdmsg import *

work = os.environ["WORK"]
name = f"fdmsg-from-{os.getpid()}"
kinds = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}
for scheme, kind in kinds.items():
    server, _ = serve("listen", "-t", "25", "-n", "2", f"{scheme}:{work}/s")
    for address in f"{scheme}:{work}/me", f"{scheme}:@{name}":
        code, lines, err = fdmsg("send", "-t", "20", f"{scheme}:{work}/s", "--from", address, "-m", address)
        same((code, err, lines[0]["to"]), (0, "", f"{scheme}:{work}/s"))
        assert not os.path.exists(f"{work}/me"), "the file of --from is left behind"
    code, lines, err = finish(server)
    same((code, err), (0, ""))
    same([(line["message"], line["from"]) for line in lines], [(line["message"], line["message"]) for line in lines])
    same({line["from"] for line in lines}, {f"{scheme}:{work}/me", f"{scheme}:@{name}"})

# Python sees it too, and so it is with UDP.
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
    server.settimeout(20)
    server.bind(f"{work}/server")
    same(fdmsg("send", f"unix-dgram:{work}/server", "--from", f"unix-dgram:{work}/me", "-m", "x")[0], 0)
    same(server.recvfrom(10), (b"x", f"{work}/me"))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    server.settimeout(20)
    server.bind(("127.0.0.1", 0))
    free.bind(("127.0.0.1", 0))
    mine = free.getsockname()
    free.close()
    same(fdmsg("send", "udp:127.0.0.1:%d" % server.getsockname()[1], "--from", "udp:127.0.0.1:%d" % mine[1], "-m", "x")[0], 0)
    same(server.recvfrom(10), (b"x", mine))

# recv --connect --from: a datagram client that can be answered.
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
    server.settimeout(20)
    server.bind(f"{work}/answering")
    client = start("recv", "--connect", "-t", "20", f"unix-dgram:{work}/answering", "--from", f"unix-dgram:{work}/client")
    deadline = time.monotonic() + 20
    while not os.path.exists(f"{work}/client") and time.monotonic() < deadline:
        pass
    server.sendto(b"answer", f"{work}/client")
    code, lines, err = finish(client)
    same((code, err, lines[0]["message"], lines[0]["from"]), (0, "", "answer", f"unix-dgram:{work}/answering"))
    assert not os.path.exists(f"{work}/client")

# --to
for family, bind, scheme in (socket.AF_UNIX, f"{work}/to", "unix-dgram"), (socket.AF_INET, ("127.0.0.1", 0), "udp"), (socket.AF_INET6, ("::1", 0), "udp"):
    with socket.socket(family, socket.SOCK_DGRAM) as server, socket.socket(family, socket.SOCK_DGRAM) as ours:
        server.settimeout(20)
        server.bind(bind)
        to = server.getsockname()
        to = f"{scheme}:{to}" if scheme == "unix-dgram" else f"{scheme}:[{to[0]}]:{to[1]}" if ":" in to[0] else f"{scheme}:{to[0]}:{to[1]}"
        code, lines, err = fdmsg("send", f"fd:{ours.fileno()}", "--to", to, "-m", "there", fds=[ours.fileno()])
        same((code, err, len(lines)), (0, "", 1))
        same(server.recv(100), b"there")
        if scheme == "unix-dgram":
            code, lines, err = fdmsg("send", "-", "--to", to, "-m", "file", "/dev/null", stdin=ours)
            same((code, err, lines[0]["fds"][0]["path"]), (0, "", "/dev/null"))
            data, fds, _, _ = socket.recv_fds(server, 100, 5)
            same((data, len(fds)), (b"file", 1))

# No destination at all is an error.
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
    code, lines, err = fdmsg("send", f"fd:{ours.fileno()}", "-m", "there", fds=[ours.fileno()])
    same((code, lines), (1, []))
    assert f"fd:{ours.fileno()}" in err and "not connected" in err, err
