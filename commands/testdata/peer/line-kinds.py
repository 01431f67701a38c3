"""Descriptors of every kind are described: files, directories, pipes, sockets, terminals,
devices, memfds.
"""
import fcntl, os, pty, select, socket, stat
from fdmsg import *

work = os.environ["WORK"]

def describe(*fds, args=()):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [b"x"], fds)
        code, lines, err = fdmsg("recv", "-t", "20", "-n", "1", *args, "-", stdin=theirs)
    same((code, err, len(lines)), (0, "", 1))
    same(len(lines[0]["fds"]), len(fds))
    for fd, got in zip(fds, lines[0]["fds"]):
        # what holds for every kind
        is_type(got["fd"], int)
        is_type(got["flags"], list)
        same([type(flag) for flag in got["flags"]], [str] * len(got["flags"]))
        st = os.fstat(fd)
        if got["type"] in ("file", "directory", "pipe", "socket", "tty", "char", "block", "memfd"):
            same(got["inode"], str(st.st_ino))
        if "device" in got:
            same(got["device"], f"{os.major(st.st_dev)}:{os.minor(st.st_dev)}")
        if "mode" in got:
            same(int(got["mode"], 8), stat.S_IMODE(st.st_mode))
        access = {os.O_RDONLY: "r", os.O_WRONLY: "w", os.O_RDWR: "rw"}
        same(got["access"], access[fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE])
        same(("path" in got) != ("name" in got), True)
    return lines[0]["fds"]

def is_type(value, want):
    same(type(value), want)

def pick(got, *keys):
    return {key: got.get(key) for key in keys}

# Files.
with open("file", "w") as file:
    file.write("hello")
os.chmod("file", 0o640)
os.link("file", "link")
os.utime("file", ns=(1, 1_700_000_000_123_456_789))
file = os.open("file", os.O_RDWR | os.O_APPEND)
os.lseek(file, 3, os.SEEK_SET)
got, = describe(file)
same(pick(got, "type", "path", "access", "mode", "size", "offset", "links"),
    dict(type="file", path=f"{work}/file", access="rw", mode="0640", size=5, offset=3, links=2))
same(pick(got, "uid", "gid", "content", "content_size"), dict(uid=os.getuid(), gid=os.getgid(), content="hello", content_size=5))
same(got["mtime"], "2023-11-14T22:13:20.123456789Z")
assert "O_APPEND" in got["flags"], got
same(os.lseek(file, 0, os.SEEK_CUR), 3)
assert "deleted" not in got, got

# Set-user-ID and sticky bits are part of the mode.
os.chmod("file", 0o4755)
got, = describe(file)
same(int(got["mode"], 8), 0o4755)

# A file that is gone, but open.
gone = os.open("gone", os.O_RDWR | os.O_CREAT)
os.write(gone, b"recover me")
os.unlink("gone")
got, = describe(gone)
same(pick(got, "type", "path", "deleted", "links", "content"), dict(type="file", path=f"{work}/gone", deleted=True, links=0, content="recover me"))

# Directories.
directory = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
got, = describe(directory)
same(pick(got, "type", "path", "access"), dict(type="directory", path=work, access="r"))
assert "O_DIRECTORY" in got["flags"], got
assert not any(key.startswith("content") for key in got), got

# Pipes and FIFOs.
r, w = os.pipe()
os.write(w, b"in the pipe.")
os.set_blocking(r, False)
got = describe(r, w)
for end, access in zip(got, "rw"):
    same(pick(end, "type", "access", "pipe"), dict(type="pipe", access=access, pipe=dict(end="read" if access == "r" else "write", capacity=65536, available=12)))
    same(end["name"], f"pipe:[{os.fstat(r).st_ino}]")
same(["O_NONBLOCK" in end["flags"] for end in got], [True, False])
same(os.read(r, 100), b"in the pipe.")
os.mkfifo("fifo")
fifo = os.open("fifo", os.O_RDWR)
got, = describe(fifo)
same(pick(got, "type", "access", "path"), dict(type="pipe", access="rw", path=f"{work}/fifo"))

# Sockets.
tcp = socket.create_server(("127.0.0.1", 0))
port = tcp.getsockname()[1]
client = socket.create_connection(tcp.getsockname())
accepted = tcp.accept()[0]
udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp6.bind(("::1", 0))
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(f"{work}/server")
server.listen()
dgram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
dgram.bind(f"\0fdmsg-kinds-{os.getpid()}")
got = describe(*(s.fileno() for s in (tcp, client, accepted, udp6, server, dgram)))
same({(one["type"], one["access"]) for one in got}, {("socket", "rw")})
same([one["name"] for one in got[:1]], [f"socket:[{os.fstat(tcp.fileno()).st_ino}]"])
got = [one["socket"] for one in got]
same(got[0], {**got[0], "domain": "inet", "type": "stream", "protocol": "tcp", "state": "listen", "local": f"tcp:127.0.0.1:{port}"})
mine = client.getsockname()[1]
same(pick(got[1], "domain", "type", "protocol", "local"), dict(domain="inet", type="stream", protocol="tcp", local=f"tcp:127.0.0.1:{mine}"))
assert got[1]["state"] in ("connected", "established") and got[2]["state"] == got[1]["state"], got
same(got[2]["local"], f"tcp:127.0.0.1:{port}")
same(pick(got[3], "domain", "type", "protocol", "local"), dict(domain="inet6", type="dgram", protocol="udp", local=f"udp:[::1]:{udp6.getsockname()[1]}"))
same(pick(got[4], "domain", "type", "state", "local"), dict(domain="unix", type="seqpacket", state="listen", local=f"unix-seqpacket:{work}/server"))
same(pick(got[5], "domain", "type", "local"), dict(domain="unix", type="dgram", local=f"unix-dgram:@fdmsg-kinds-{os.getpid()}"))

# Terminals.
master, slave = pty.openpty()
got = describe(slave)[0]
same(pick(got, "type", "path", "access"), dict(type="tty", path=os.ttyname(slave), access="rw"))
is_type(got["tty"], dict)

# Devices.
zero = os.open("/dev/zero", os.O_RDONLY)
got, = describe(zero, args=["--content", "all"])
same(pick(got, "type", "path", "access", "mode"), dict(type="char", path="/dev/zero", access="r", mode="0666"))
assert not any(key.startswith("content") for key in got), got
for name in sorted(os.listdir("/dev")):
    path = f"/dev/{name}"
    try:
        if stat.S_ISBLK(os.stat(path).st_mode):
            block = os.open(path, os.O_RDONLY)
            break
    except OSError:
        continue
else:
    block = None
if block is not None:
    got, = describe(block, args=["--content", "all"])
    same(pick(got, "type", "path", "access"), dict(type="block", path=path, access="r"))
    assert not any(key.startswith("content") for key in got), got

# Memfds.
memfd = os.memfd_create("a name", os.MFD_ALLOW_SEALING)
os.write(memfd, b"in memory")
fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK)
got, = describe(memfd)
same(pick(got, "type", "access", "size", "offset", "content"), dict(type="memfd", access="rw", size=9, offset=9, content="in memory"))
same(sorted(got["memfd"]["seals"]), ["F_SEAL_SHRINK", "F_SEAL_WRITE"])
assert "a name" in got["name"], got
got, = describe(os.memfd_create("unsealable"))
same(got["memfd"]["seals"], ["F_SEAL_SEAL"])

# All of them in one message, in order; and what fdmsg does not know by name yet
# is a line all the same.
epoll = select.epoll()
got = describe(file, directory, r, tcp.fileno(), slave, zero, memfd, epoll.fileno())
same([one["type"] for one in got[:-1]], ["file", "directory", "pipe", "socket", "tty", "char", "memfd"])
is_type(got[-1]["type"], str)
