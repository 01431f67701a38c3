"""A netlink socket as fd:N: NETLINK_PKTINFO tells the group that a message was sent to, and
call asks the kernel and prints its answer.

Needs: jq, unshare, ip
"""
import base64, socket, struct, subprocess, sys
from fdmsgjq import *
from machine import in_namespaces

in_namespaces("-n")

SOL_NETLINK, NETLINK_PKTINFO, RTM_GETLINK, RTMGRP_LINK = 270, 3, 18, 1
getlink = struct.pack("=IHHII", 32, RTM_GETLINK, 0x301, 1, 0) + bytes(16)

with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
    sock.bind((0, RTMGRP_LINK))
    sock.setsockopt(SOL_NETLINK, NETLINK_PKTINFO, 1)

    # an answer
    sock.send(getlink)
    _, control, _ = peek(sock)
    same(control, [(SOL_NETLINK, NETLINK_PKTINFO, bytes(4))])
    out = good(fdmsg("recv", "-t", "20", "-n", "2", "-", stdin=sock), 'length == 2 and all(.[]; .control | length == 1 and (.[0] | .level == "SOL_NETLINK" and .type == "NETLINK_PKTINFO" and .group == 0))')
    as_python(out, control)
    assert b"lo\0" in base64.b64decode(lines(out)[0].get("message_base64") or "") or "lo\0" in lines(out)[0]["message"], out

    # a notification: the group is 1
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    _, control, _ = peek(sock)
    same(control, [(SOL_NETLINK, NETLINK_PKTINFO, struct.pack("I", 1))])
    as_python(good(fdmsg("recv", "-t", "20", "-n", "1", "-", stdin=sock), '.[0].control[0].group == 1'), control)

with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
    # fdmsg itself sets the option, asks and receives the answer
    with open("question", "wb") as file:
        file.write(getlink)
    good(fdmsg("call", "-t", "20", f"fd:{sock.fileno()}", "-M", "question", "-o", f"{SOL_NETLINK}:{NETLINK_PKTINFO}=1", fds=[sock.fileno()]),
        '.[0] | .size > 32 and .control[0].type == "NETLINK_PKTINFO"')
