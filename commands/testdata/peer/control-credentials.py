"""Credentials that the kernel refuses, somebody else's if one is not root and those of a
process that does not exist, are an error. One's own are sent.

Needs: jq
"""
import os, shutil, socket, struct, sys
from fdmsgjq import *

# as nobody, to whom the directory with fdmsg may be closed
program = os.open(shutil.which("fdmsg"), os.O_RDONLY)
def send(sock, *args):
    return finish(subprocess.Popen(["fdmsg", "send", "-t", "20", "-", "-m", "x", *args], executable=f"/proc/self/fd/{program}", pass_fds=[program],
        stdin=sock, stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=65534, group=65534, extra_groups=[]))

for kind in socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    ours.settimeout(20)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    me = os.getpid()
    for who in "pid=1,uid=0,gid=0", "pid=1,uid=65534,gid=65534", f"pid={me},uid=0,gid=65534":
        bad(send(theirs, "-c", f"SOL_SOCKET:SCM_CREDENTIALS:{who}"), 1, "operation not permitted", hint="")
    # as root, a process that is not there
    bad(fdmsg("send", "-t", "20", "-", "-m", "x", "-c", "SOL_SOCKET:SCM_CREDENTIALS:pid=4194303,uid=0,gid=0", stdin=theirs), 1, "no such process", hint="")
    # nothing of it came; without, it does, and the kernel says who it is
    good(send(theirs), 'length == 1')
    data, control, _, _ = ours.recvmsg(10, 100)
    same((data, struct.unpack("3i", control[0][2])[1:]), (b"x", (65534, 65534)))
