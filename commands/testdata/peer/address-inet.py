"""HOST may be empty, a name, or an IPv6 address with or without brackets; what fdmsg
prints, it accepts.
"""
import re, socket
from fdmsg import *

def pass_on(bind, to):
    "One message over a listener on BIND to TO, with PORT put in; the line."
    server, (address,) = serve("listen", "-t", "25", "-n", "2", bind)
    port = re.search(r":([1-9]\d*)$", address)[1]
    code, lines, err = fdmsg("send", "-t", "20", to.replace("PORT", port), "-m", "one")
    same((code, err, lines[0]["type"]), (0, "", "sent"))
    # where it went, as send prints it
    code, _, err = fdmsg("send", "-t", "20", lines[0]["to"], "-m", "two")
    same((code, err), (0, ""))
    code, lines, err = finish(server)
    same((code, err, sorted(line["message"] for line in lines)), (0, "", ["one", "two"]))
    return lines[0]

for kind in "tcp", "udp":
    pass_on(f"{kind}:127.0.0.1:0", f"{kind}:127.0.0.1:PORT")
    pass_on(f"{kind}4:127.0.0.1:0", f"{kind}::PORT")  # no HOST: loopback
    pass_on(f"{kind}:::1:0", f"{kind}:::1:PORT")
    pass_on(f"{kind}:[::1]:0", f"{kind}:[::1]:PORT")
    pass_on(f"{kind}6:::1:0", f"{kind}6:[::1]:PORT")
    pass_on(f"{kind}6:[::1]:0", f"{kind}:::1:PORT")
    pass_on(f"{kind}4:localhost:0", f"{kind}4:localhost:PORT")

    # no HOST when binding: all addresses of both families
    pass_on(f"{kind}::0", f"{kind}:127.0.0.1:PORT")
    pass_on(f"{kind}::0", f"{kind}:[::1]:PORT")
    pass_on(f"{kind}::0", f"{kind}::PORT")
    pass_on(f"{kind}4::0", f"{kind}4::PORT")
    pass_on(f"{kind}6::0", f"{kind}6::PORT")

# Connecting tries every address of HOST: whichever of the two somebody listens on.
found = {info[4][0] for info in socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)}
for host in {"127.0.0.1", "::1"} & found:
    pass_on(f"tcp:[{host}]:0" if ":" in host else f"tcp:{host}:0", "tcp:localhost:PORT")

# Two listeners on one port of 127.0.0.1 and ::1 are two.
server, (first,) = serve("listen", "-t", "25", "tcp:127.0.0.1:0")
port = first.rsplit(":", 1)[1]
code, lines, err = fdmsg("listen", f"tcp:127.0.0.1:{port}")
same((code, lines), (1, []))
assert f"tcp:127.0.0.1:{port}" in err and "address already in use" in err, err
server.terminate()
same(finish(server), (0, [], ""))

# A port with connections in TIME_WAIT can be bound again at once.
server, (address,) = serve("recv", "-t", "25", "-n", "1", "tcp:127.0.0.1:0")
with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=20) as peer:
    peer.send(b"x")
    same(finish(server)[0], 0)  # which closed first: its end is in TIME_WAIT
server, _ = serve("recv", "-t", "25", "-n", "1", address)
same(fdmsg("send", address, "-m", "again")[0], 0)
same(finish(server)[1][0]["message"], "again")
