"""A packet socket as fd:N: PACKET_AUXDATA and the message.

Needs: jq, unshare, ip
"""
import base64, socket, struct, subprocess, sys
from fdmsgjq import *
from machine import in_namespaces

in_namespaces("-n")

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
SOL_PACKET, PACKET_AUXDATA, ETH_P_IP = 263, 8, 0x0800
with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)) as sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    sock.bind(("lo", ETH_P_IP))
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    # one for Python, one for fdmsg: a peek would spoil the length, which the kernel keeps
    # where it then puts the address
    for _ in range(2):
        peer.sendto(b"hello", ("127.0.0.1", 9))
    _, control, _, _ = sock.recvmsg(100, 1000)
    same([entry[:2] for entry in control], [(SOL_PACKET, PACKET_AUXDATA)])
    want = struct.unpack("IIIHHHH", control[0][2])
    same(want[1:3], (33, 33))
    # the ICMP error that answers the first is between them
    out = good(fdmsg("recv", "-t", "20", "-n", "3", "-", stdin=sock), 'length == 3 and all(.[]; (.control | length) == 1 and (.control[0] | .type == "PACKET_AUXDATA" and .level == "SOL_PACKET"))')
    got = [struct.unpack("IIIHHHH", base64.b64decode(line["control"][0]["data_base64"])) for line in lines(out) if line["size"] == 33]
    same([entry[1:] for entry in got], [want[1:]])
