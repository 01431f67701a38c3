"""TCP and UDP over IPv4 and IPv6 with Python's sockets as the peer, in both directions."""
import re, socket
from fdmsg import *

def name(kind, address):
    "What fdmsg calls a Python socket address."
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{kind}:{host}:{address[1]}"

def port(kind, address):
    found = re.fullmatch(kind + r"[46]?:(127\.0\.0\.1|\[::1\]):([1-9]\d*)", address)
    assert found, address
    return int(found[2])

cases = [(family, kind, scheme)
    for family, suffix in ((socket.AF_INET, "4"), (socket.AF_INET6, "6"))
    for kind in ("tcp", "udp") for scheme in (kind, kind + suffix)]

for family, kind, scheme in cases:
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    type = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM

    # Python sends; recv takes one peer until its end, or one datagram.
    for command in "recv", "listen":
        limit = ["-n", "1"] if command == "listen" else []
        server, addresses = serve(command, "-t", "25", *limit, f"{scheme}:{host}:0")
        same(len(addresses), 1)
        with socket.socket(family, type) as peer:
            peer.settimeout(20)
            peer.connect((host, port(kind, addresses[0])))
            mine = peer.getsockname()
            peer.send(f"hello {command}".encode())
        code, lines, err = finish(server)
        same((code, err, [line["message"] for line in lines]), (0, "", [f"hello {command}"]))
        line = lines[0]
        same((line["local"], line["flags"], line["control"], line["fds"]), (addresses[0], [], [], []))
        same(port(kind, line["from"]), mine[1])
        assert re.sub(r"^(tcp|udp)[46]", r"\1", line["from"]) == name(kind, mine), line["from"]
        assert "peer" not in line, line

    # Python receives.
    with socket.socket(family, type) as server:
        server.settimeout(20)
        server.bind((host, 0))
        if kind == "tcp":
            server.listen()
        to = f"{scheme}:{host}:{server.getsockname()[1]}"
        code, lines, err = fdmsg("send", "-t", "25", to, "-m", "good ", "-m", "bye")
        same((code, err, len(lines)), (0, "", 1))
        same((lines[0]["type"], lines[0]["size"], lines[0]["fds"]), ("sent", 8, []))
        same(port(kind, lines[0]["to"]), server.getsockname()[1])
        if kind == "tcp":
            with server.accept()[0] as peer:
                peer.settimeout(20)
                data = b""
                while got := peer.recv(100):
                    data += got
        else:
            data = server.recv(100)
        same(data, b"good bye")

    # Python receives from a fdmsg that waits to be connected to.
    if kind == "tcp":
        sender, addresses = serve("send", "--listen", "-t", "25", f"{scheme}:{host}:0", "-m", "welcome")
        with socket.create_connection((host, port(kind, addresses[0])), timeout=20) as peer:
            with peer.makefile("rb") as file:
                same(file.read(), b"welcome")
        code, lines, err = finish(sender)
        same((code, err, lines[0]["size"]), (0, "", 7))
