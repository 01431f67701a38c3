"""Who sent a message over a Unix socket: credentials and a pidfd, asked for with -o or on
an inherited socket; and a pidfd that the kernel could not make.

Needs: jq
"""
import base64, os, resource, socket, struct
from fdmsgjq import *

work, me = os.environ["WORK"], dict(pid=os.getpid(), uid=os.getuid(), gid=os.getgid())
STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
kinds = {"unix": STREAM, "unix-dgram": DGRAM, "unix-seqpacket": SEQPACKET}
SO_PASSPIDFD, SCM_PIDFD = 76, 4
credentials = '.level == "SOL_SOCKET" and .type == "SCM_CREDENTIALS" and .pid == $me.pid and .uid == $me.uid and .gid == $me.gid'
pidfd = '.level == "SOL_SOCKET" and .type == "SCM_PIDFD" and .descriptor.type == "pidfd" and .descriptor.fd == .fd and (.data_base64 | length) == 8'

for scheme, kind in kinds.items():
    # Asked for, they are in the line; not asked for, they are not.
    for options, filter in ([], '.control == []'), (["-o", "SO_PASSCRED"], f'(.control | length) == 1 and (.control[0] | {credentials})'), \
            (["-o", "SO_PASSPIDFD"], f'(.control | length) == 1 and (.control[0] | {pidfd})'), \
            (["-o", "SO_PASSCRED=on", "-o", "SO_PASSPIDFD=1"], f'(.control | length) == 2 and (.control[0] | {credentials}) and (.control[1] | {pidfd})'), \
            (["-o", "SO_PASSCRED=0"], '.control == []'):
        server, _ = serve("recv", "-t", "20", "-n", "1", *options, f"{scheme}:{work}/s")
        with socket.socket(socket.AF_UNIX, kind) as peer:
            peer.connect(f"{work}/s")
            peer.send(b"x")
            # a pidfd is described in its control entry, and is no member of fds
            good(finish(server), f'.[0] | .message == "x" and .fds == [] and ({filter})', me=me)

    # A socket on which they were asked for before.
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        null = os.open("/dev/null", os.O_RDONLY)
        socket.send_fds(ours, [b"x"], [null])
        _, control, _ = peek(theirs)
        same([type for _, type, _ in control], [socket.SCM_CREDENTIALS, socket.SCM_RIGHTS])
        out = good(fdmsg("recv", "-t", "20", "-n", "1", "-", stdin=theirs), f'.[0] | (.control[0] | {credentials}) and .control[1].type == "SCM_RIGHTS" and .fds[0].path == "/dev/null" and .control[1].fds == [.fds[0].fd]', me=me)
        same(base64.b64decode(lines(out)[0]["control"][0]["data_base64"]), control[0][2])

        # No descriptor left for the pidfd: the others took them all. Its place holds the errno.
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        theirs.setsockopt(socket.SOL_SOCKET, SO_PASSPIDFD, 1)
        socket.send_fds(ours, [b"x"], [null] * 60)
        out = good(fdmsg("recv", "-t", "20", "-n", "1", "--content", "none", "-", stdin=theirs, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))),
            '''.[0] | .message == "x" and .control_truncated and (.fds | length) > 10 and (.fds | length) < 40 and (.control | map(.type)) == ["SCM_RIGHTS", "SCM_PIDFD"]
            and (.control[1] | .errno == "EMFILE" and (has("descriptor") | not) and (has("fd") | not) and .data_base64 == $raw)''',
            raw=base64.b64encode(struct.pack("i", -24)).decode())
    os.close(null)

# fdmsg sends the credentials of another process, uid and gid, as root may.
for scheme, kind in kinds.items():
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        for data, want in ("pid=1,uid=0,gid=0", (1, 0, 0)), (f"pid={os.getpid()},uid=12345,gid=54321", (os.getpid(), 12345, 54321)), \
                (f"int={os.getpid()},u32=7,u32=8", (os.getpid(), 7, 8)), ("hex=" + struct.pack("3i", 1, 2, 3).hex(), (1, 2, 3)):
            good(fdmsg("send", "-t", "20", "-", "-m", "x", "-c", f"SOL_SOCKET:SCM_CREDENTIALS:{data}", stdin=theirs), '.[0].control | length == 1 and .[0].type == "SCM_CREDENTIALS" and .[0].pid == $pid', pid=want[0])
            message, control, _, _ = ours.recvmsg(10, 100)
            same((message, [(level, type, struct.unpack("3i", got)) for level, type, got in control]), (b"x", [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, want)]))
