"""The control messages that an inherited socket had been set up for, each with its level,
type and bytes.
"""
import base64, os, socket, struct
from fdmsg import *

SO_TIMESTAMP = 29

def receive(server, *args):
    code, lines, err = fdmsg("recv", "-t", "20", *args, "-", stdin=server)
    same((code, err, len(lines)), (0, "", 1))
    for control in lines[0]["control"]:
        same((type(control["level"]), type(control["type"])), (str, str))
        if control["type"] != "SCM_RIGHTS":
            assert base64.b64decode(control["data_base64"], validate=True), control
    return lines[0]

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    server.bind(("127.0.0.1", 0))
    peer.connect(server.getsockname())
    peer.send(b"plain")
    same(receive(server)["control"], [])

    server.setsockopt(socket.SOL_IP, 12, 1)  # IP_RECVTTL
    peer.setsockopt(socket.SOL_IP, socket.IP_TTL, 77)
    peer.send(b"x")
    control, = receive(server)["control"]
    same(control["level"], "IPPROTO_IP")
    assert control["type"] in ("IP_TTL", "2"), control  # its number, while unknown
    same(struct.unpack("i", base64.b64decode(control["data_base64"])), (77,))

    server.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
    peer.send(b"x")
    controls = receive(server)["control"]
    same([control["level"] for control in controls], ["SOL_SOCKET", "IPPROTO_IP"])
    assert controls[0]["type"] in ("SCM_TIMESTAMP", "29"), controls

# In the order received, among descriptors; an inherited socket with SO_PASSCRED has
# somebody who asked for credentials.
for kind in socket.SOCK_SEQPACKET, socket.SOCK_STREAM:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    null = os.open("/dev/null", os.O_RDONLY)
    socket.send_fds(ours, [b"x"], [null])
    line = receive(theirs, "-n", "1")
    same([control["type"] for control in line["control"]], ["SCM_CREDENTIALS", "SCM_RIGHTS"])
    credentials = line["control"][0]
    same({key: credentials[key] for key in ("level", "pid", "uid", "gid")}, dict(level="SOL_SOCKET", pid=os.getpid(), uid=os.getuid(), gid=os.getgid()))
    same(struct.unpack("3i", base64.b64decode(credentials["data_base64"])), (os.getpid(), os.getuid(), os.getgid()))
    same(line["control"][1]["fds"], [fd["fd"] for fd in line["fds"]])
