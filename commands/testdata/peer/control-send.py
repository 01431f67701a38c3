"""-c makes any control message, of typed parts or of fields, several in order; and what the
kernel says about those that it refuses.

Needs: jq
"""
import base64, os, socket, struct
from fdmsgjq import *

STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
SOL = socket.SOL_SOCKET
names = ["one", "two", "three"]
for name in names:
    with open(name, "w") as file:
        file.write(f"contents of {name}\n")

def contents(fd):
    with os.fdopen(fd) as file:
        return file.read()

def rights(control):
    return [fd for level, type, data in control if (level, type) == (SOL, socket.SCM_RIGHTS) for fd in struct.unpack(f"{len(data) // 4}i", data)]

def sent(sock, *args, fds=(), filter="length == 1"):
    good(fdmsg("send", "-t", "20", f"fd:{sock.fileno()}", *args, fds=[sock.fileno(), *fds]), filter)

for kind in STREAM, DGRAM, SEQPACKET:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        ours.settimeout(20)
        files = [os.open(name, os.O_RDONLY) for name in names]
        # SCM_RIGHTS by hand; and separate ones of one call, which arrive merged
        one, two, three = files
        sent(theirs, "-m", "x", "-c", f"SOL_SOCKET:SCM_RIGHTS:fds={one}+{two}+{three}", fds=files)
        data, control, _, _ = ours.recvmsg(10, 1000)
        same((data, [contents(fd) for fd in rights(control)]), (b"x", [f"contents of {name}\n" for name in names]))
        os.lseek(one, 0, 0), os.lseek(two, 0, 0), os.lseek(three, 0, 0)
        sent(theirs, "-m", "x", "-c", f"SOL_SOCKET:SCM_RIGHTS:fds={two}", "-c", f"1:1:int={three}", "one", fds=files)
        data, control, _, _ = ours.recvmsg(10, 1000)
        same((data, len(control), [contents(fd) for fd in rights(control)]), (b"x", 1, [f"contents of {name}\n" for name in names]))
        os.lseek(two, 0, 0), os.lseek(three, 0, 0)
        # among others
        ours.setsockopt(SOL, socket.SO_PASSCRED, 1)
        sent(theirs, "-m", "x", "-c", f"SOL_SOCKET:SCM_RIGHTS:fds={two}", "-c", "SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0,gid=0", "-c", f"SOL_SOCKET:SCM_RIGHTS:fds={three}", fds=files,
            filter='.[0].control | map(.type) == ["SCM_RIGHTS", "SCM_CREDENTIALS", "SCM_RIGHTS"]')
        data, control, _, _ = ours.recvmsg(10, 1000)
        same(([contents(fd) for fd in rights(control)], [struct.unpack("3i", data) for _, type, data in control if type == 2]), ([f"contents of {name}\n" for name in names[1:]], [(1, 0, 0)]))
        # an empty SCM_RIGHTS, and an empty control message of a level that a Unix socket passes over
        ours.setsockopt(SOL, socket.SO_PASSCRED, 0)
        for empty in "SOL_SOCKET:SCM_RIGHTS:", "IPPROTO_IP:99:", "12345:54321:hex=":
            sent(theirs, "-m", "x", "-c", empty)
            same(ours.recvmsg(10, 1000)[:2], (b"x", []))
        # the receiving end, fdmsg
        os.lseek(one, 0, 0)
        sent(theirs, "-m", "x", "-c", f"SOL_SOCKET:SCM_RIGHTS:fds={one}", "-c", f"SOL_SOCKET:SCM_RIGHTS:fds={two}", "three", fds=files)
        good(fdmsg("recv", "-t", "20", "-n", "1", "-", stdin=ours), '.[0] | (.control | length) == 1 and (.control[0].fds | length) == 3 and ([.fds[].content]) == ["contents of three\\n", "contents of one\\n", "contents of two\\n"]')
        for fd in files:
            os.close(fd)

        # What the kernel does not take, and why.
        for control, words in ("SOL_SOCKET:SCM_CREDENTIALS:pid=4194303,uid=0,gid=0", "no such process"), ("SOL_SOCKET:9999:int=1", "invalid argument"), ("SOL_SOCKET:SCM_CREDENTIALS:u8=1", "invalid argument"):
            result = fdmsg("send", "-t", "20", f"fd:{theirs.fileno()}", "-m", "x", "-c", control, fds=[theirs.fileno()])
            bad(result, 1, words, hint="pid" if "process" in words else None)

        # More than optmem_max: which sysctl.
        with open("/proc/sys/net/core/optmem_max") as file:
            most = int(file.read())
        args = ["-c", "IPPROTO_IP:99:hex=" + "00" * 40000] * (most // 40000 + 1)
        bad(fdmsg("send", "-t", "20", f"fd:{theirs.fileno()}", "-m", "x", *args, fds=[theirs.fileno()]), 1, "no buffer space available" if word == native else "cannot allocate memory", hint="net.core.optmem_max")

        null = str(os.open("/dev/null", os.O_RDONLY))
        # More than 253 descriptors over all, 254 and one too many: nothing is sent.
        for more in ["-c", "SOL_SOCKET:SCM_RIGHTS:fds=" + "+".join([null] * 200), "-c", "SOL_SOCKET:SCM_RIGHTS:fds=" + "+".join([null] * 54)], \
                ["-c", "SOL_SOCKET:SCM_RIGHTS:fds=" + "+".join([null] * 253), "one"], ["-c", "1:1:" + ",".join([f"int={null}"] * 254)]:
            bad(fdmsg("send", "-t", "20", f"fd:{theirs.fileno()}", "-m", "x", *more, fds=[theirs.fileno(), int(null)]), 2, "253")
        sent(theirs, "-m", "253", *["-c", "SOL_SOCKET:SCM_RIGHTS:fds=" + "+".join([null] * 200), "-c", "SOL_SOCKET:SCM_RIGHTS:fds=" + "+".join([null] * 53)], fds=[int(null)])
        data, control, _, _ = ours.recvmsg(10, 5000)
        fds = rights(control)
        for fd in fds:
            os.close(fd)
        same((data, len(fds)), (b"253", 253))
        os.close(int(null))

# Typed parts: UDP's answers show what arrived, byte by byte.
with socket.socket(socket.AF_INET, DGRAM) as server, socket.socket(socket.AF_INET, DGRAM) as sock:
    server.settimeout(20)
    server.bind(("127.0.0.1", 0))
    sock.connect(server.getsockname())
    server.setsockopt(socket.SOL_IP, 12, 1)
    raw = struct.pack("i", 33)
    for data in "ttl=33", "int=33", "u32=33", "u32=0x21", f"hex={raw.hex()}", f"base64={base64.b64encode(raw).decode()}", "u16=33,u16=0", "u8=33,u8=0,hex=0000", "text=!,u8=0,u16=0", "hex=21,hex=000000":
        sent(sock, "-m", "x", "-c", f"IPPROTO_IP:IP_TTL:{data}")
        same(server.recvmsg(10, 100)[1], [(socket.SOL_IP, 2, raw)])
    # network order, in the address of IP_PKTINFO: interface, source, unused
    for data in "ifindex=1,spec_dst=127.4.5.6", "int=1,be32=0x7f040506,be32=0", "int=1,be16=0x7f04,be16=0x0506,int=0":
        result = fdmsg("send", "-t", "20", f"fd:{sock.fileno()}", "-m", "x", "-c", f"IPPROTO_IP:IP_PKTINFO:{data}", fds=[sock.fileno()])
        good(result, 'length == 1')
        same(server.recvmsg(10, 100)[3][0], "127.4.5.6")

# On a stream, control data without a byte would vanish: descriptors get one, others are wrong usage.
ours, theirs = socket.socketpair()
for args in ["-c", "SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0,gid=0"], ["-m", "", "-c", "SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0,gid=0"], ["-M", "/dev/null", "-c", "1:99:int=1"]:
    bad(fdmsg("send", "-t", "20", f"fd:{theirs.fileno()}", *args, fds=[theirs.fileno()]), 2, "byte")
sent(theirs, "one")
data, control, _, _ = ours.recvmsg(10, 100)
same((data, [contents(fd) for fd in rights(control)]), (b"\0", ["contents of one\n"]))
ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
ours.setsockopt(SOL, socket.SO_PASSCRED, 1)
sent(theirs, "-c", "SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0,gid=0")
same(ours.recvmsg(10, 100)[:2], (b"", [(SOL, 2, struct.pack("3i", 1, 0, 0))]))
