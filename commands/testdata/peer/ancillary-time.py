"""The time at which a message arrived: SO_TIMESTAMP, SO_TIMESTAMPNS and SO_TIMESTAMPING,
old and new, over UDP, Unix datagrams and TCP.

Needs: jq
"""
import os, socket, time
from fdmsgjq import *
from timestamps import *

work = os.environ["WORK"]
cases = {
    "SO_TIMESTAMP": ("SCM_TIMESTAMP", 29, "1"), "SO_TIMESTAMPNS": ("SCM_TIMESTAMPNS", 35, "1"),
    "SO_TIMESTAMP_NEW": ("SO_TIMESTAMP_NEW", 63, "1"), "SO_TIMESTAMPNS_NEW": ("SO_TIMESTAMPNS_NEW", 64, "1"),
    "SO_TIMESTAMPING": ("SCM_TIMESTAMPING", 37, str(RX_SOFTWARE | SOFTWARE)),
    "SO_TIMESTAMPING_NEW": ("SO_TIMESTAMPING_NEW", 65, hex(RX_SOFTWARE | SOFTWARE)),
}

def rfc3339(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + ".%09dZ" % (ns % 10**9)

kept = stamping()

for option, (name, number, value) in cases.items():
    field = "software" if "TIMESTAMPING" in option else "time"
    resolution = 1 if "NS" in option or "TIMESTAMPING" in option else 1000
    for address in "udp:127.0.0.1:0", f"unix-dgram:{work}/s":
        if address.startswith("unix") and "TIMESTAMPING" in option:
            continue  # the kernel does not stamp those
        server, (bound,) = serve("recv", "-t", "20", "-o", f"{option}={value}", address)
        if address.startswith("udp"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                before = time.time_ns()
                peer.sendto(b"x", ("127.0.0.1", int(bound.rsplit(":", 1)[1])))
        else:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
                before = time.time_ns()
                peer.sendto(b"x", f"{work}/s")
        filter = f'.[0].control | length == 1 and (.[0] | .level == "SOL_SOCKET" and .type == $name and (.{field} | test("^[0-9-]{{10}}T[0-9:]{{8}}[.][0-9]{{9}}Z$") and . >= $before and . <= $after))'
        # the kernel may stamp the message after send has returned
        result = finish(server)
        good(result, filter, name=name, before=rfc3339(before - before % resolution), after=rfc3339(time.time_ns()))

    # the same bytes that Python receives
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        server.bind(("127.0.0.1", 0))
        server.setsockopt(socket.SOL_SOCKET, number, int(value, 0))
        peer.sendto(b"x", server.getsockname())
        _, control, _ = peek(server)
        same([entry[:2] for entry in control], [(socket.SOL_SOCKET, number)])
        stamp = control[0][2]
        seconds, fraction = int.from_bytes(stamp[:8], "little"), int.from_bytes(stamp[8:16], "little")
        out = good(fdmsg("recv", "-t", "20", "-", stdin=server), f'.[0].control[0].{field} == $stamp', stamp=rfc3339(seconds * 10**9 + fraction * resolution))
        as_python(out, control)

# TCP has time stamps too.
server, (address,) = serve("recv", "-t", "20", "-n", "1", "-o", "SO_TIMESTAMPNS=1", "tcp:127.0.0.1:0")
with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=20) as peer:
    peer.send(b"x")
    good(finish(server), '.[0] | .message == "x" and (.control | map(.type)) == ["SCM_TIMESTAMPNS"]')
