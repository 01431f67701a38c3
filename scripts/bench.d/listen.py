"""What one would write in Python instead of fdmsg listen: it receives messages and
their descriptors, and writes the line that fdmsg writes to standard output.

listen.py ADDRESS READY-FD RCVBUF, which are what they are in listen.c.
"""

import base64
import fcntl
import json
import os
import selectors
import socket
import stat
import struct
import sys
import time

# A longer message is cut, and its line says so. With room for the longest that there
# may be, as fdmsg has, two thirds of the time would go into getting that memory.
SIZE = 64 * 1024
LIMIT = 1 << 20
ACCESS = {os.O_RDONLY: "r", os.O_WRONLY: "w", os.O_RDWR: "rw"}
LARGE_FILE = 0o400000 if os.uname().machine == "aarch64" else 0o100000
FILE_FLAGS = [(getattr(os, n), n) for n in ("O_SYNC", "O_DSYNC", "O_APPEND", "O_NONBLOCK", "O_DIRECT", "O_NOATIME")]
FILE_FLAGS.append((LARGE_FILE, "O_LARGEFILE"))
MESSAGE_FLAGS = [(getattr(socket, n), n) for n in ("MSG_EOR", "MSG_TRUNC", "MSG_CTRUNC", "MSG_OOB")]
KINDS = {stat.S_IFREG: "file", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "char"}

mounts = {}
selector = selectors.DefaultSelector()
connections = 0
seq = 0


def timestamp(ns):
    seconds, ns = divmod(ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{ns:09}Z"


def text(key, data):
    try:
        return {key: data.decode()}
    except UnicodeDecodeError:
        return {key + "_base64": base64.b64encode(data).decode()}


def names(flags, known):
    return [name for bits, name in known if flags & bits == bits]


def mount(fd, device):
    """The mount id and the file system of a file. That all of one device are on one
    mount need not be so, but asking for each would cost as much as all the rest."""
    if device not in mounts:
        with open(f"/proc/self/fdinfo/{fd}") as f:
            number = dict(line.split(":\t") for line in f.read().splitlines())["mnt_id"].strip()
        with open("/proc/self/mountinfo") as f:
            systems = {line.split()[0]: line.partition(" - ")[2].split()[0] for line in f}
        mounts[device] = number, systems.get(number, "")
    return mounts[device]


def describe(fd):
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    st = os.fstat(fd)
    path = os.readlink(f"/proc/self/fd/{fd}")
    d = {"fd": fd, "type": KINDS.get(stat.S_IFMT(st.st_mode), "unknown")}
    if not path.startswith("/"):
        d["name"] = path
    elif st.st_nlink == 0 and path.endswith(" (deleted)"):
        d |= {"path": path.removesuffix(" (deleted)"), "deleted": True}
    else:
        d["path"] = path
    d["access"] = ACCESS[flags & os.O_ACCMODE]
    d["flags"] = names(flags, FILE_FLAGS)
    d["mode"] = f"0{stat.S_IMODE(st.st_mode):03o}"
    d["uid"] = st.st_uid
    d["gid"] = st.st_gid
    d["size"] = st.st_size
    if stat.S_ISREG(st.st_mode):
        d["offset"] = os.lseek(fd, 0, os.SEEK_CUR)
    d["device"] = f"{os.major(st.st_dev)}:{os.minor(st.st_dev)}"
    d["inode"] = str(st.st_ino)
    d["links"] = st.st_nlink
    d["mtime"] = timestamp(st.st_mtime_ns)
    if path.startswith("/"):
        d["mount"], d["filesystem"] = mount(fd, st.st_dev)
    if stat.S_ISREG(st.st_mode):
        data = os.pread(fd, LIMIT + 1, 0)
        d |= text("content", data[:LIMIT])
        d["content_size"] = len(data[:LIMIT])
        if len(data) > LIMIT:
            d["content_truncated"] = True
    return d


def write(about, data, flags, fds):
    global seq
    seq += 1
    line = {"type": "message", "seq": seq, "time": timestamp(time.time_ns()), **about}
    line |= text("message", data)
    line["size"] = len(data)
    line["flags"] = names(flags, MESSAGE_FLAGS)
    if flags & socket.MSG_TRUNC:
        line["truncated"] = True
    if flags & socket.MSG_CTRUNC:
        line["control_truncated"] = True
    line["control"] = [{"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": fds}] if fds else []
    line["fds"] = [describe(fd) for fd in fds]
    for fd in fds:
        os.close(fd)
    sys.stdout.write(json.dumps(line) + "\n")


def close(s):
    selector.unregister(s)
    s.close()


def receive_message(s, about):
    data, fds, flags, _ = socket.recv_fds(s, SIZE, 253)
    if data:
        write(about, data, flags, fds)
    else:
        close(s)


def receive_lines(s, about, rest):
    data, fds, _, _ = socket.recv_fds(s, SIZE, 253)
    if not data:
        close(s)
        return
    *lines, rest[:] = (rest + data).split(b"\n")
    for line in lines:
        write(about, line, 0, fds)
        fds = []


def receive_datagram(s, about):
    data, _, flags, (host, port) = s.recvmsg(SIZE)
    write(about | {"from": f"udp:{host}:{port}"}, data, flags, [])


def accept(listener, local):
    global connections
    s, _ = listener.accept()
    connections += 1
    pid, uid, gid = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    about = {"conn": connections, "local": local, "peer": {"pid": pid, "uid": uid, "gid": gid}}
    if s.type == socket.SOCK_STREAM:
        rest = bytearray()
        selector.register(s, selectors.EVENT_READ, lambda s: receive_lines(s, about, rest))
    else:
        selector.register(s, selectors.EVENT_READ, lambda s: receive_message(s, about))


def main():
    local, ready, rcvbuf = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    scheme, _, path = local.partition(":")
    if scheme == "udp":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if rcvbuf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        s.bind(("127.0.0.1", 0))
        local = "udp:%s:%d" % s.getsockname()
        about = {"local": local}
        selector.register(s, selectors.EVENT_READ, lambda s: receive_datagram(s, about))
    else:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if scheme == "unix" else socket.SOCK_SEQPACKET)
        s.bind(path)
        s.listen(4096)
        selector.register(s, selectors.EVENT_READ, lambda s: accept(s, local))
    os.write(ready, local.encode() + b"\n")
    os.close(ready)
    while True:
        events = selector.select(0)
        if not events:
            sys.stdout.flush()
            events = selector.select()
        for key, _ in events:
            key.data(key.fileobj)


main()
