# Sends descriptors of all kinds to fdmsg, and compares what it prints with what lsfd, ss,
# fdinfo and stat say about the same descriptors. For ../peer/kind-*.
import ctypes, datetime, errno, fcntl, functools, re, socket, stat, struct, sys, time

from fdmsg import *

work, machine = os.environ["WORK"], os.uname().machine
libc = ctypes.CDLL(None, use_errno=True)

# What the kernel says where a kind is lacking, or forbidden to us; older ones also of
# flags that they do not know.
LACKING = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EINVAL, errno.EXDEV, errno.EOPNOTSUPP,
    errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EADDRNOTAVAIL, errno.ENETUNREACH}

made, missing, wrong, still_open = [], [], [], []

def make(kind, maker, *args):
    """What MAKER returns, a descriptor or several; None where they cannot be made here."""
    try:
        return maker(*args)
    except OSError as e:
        if e.errno not in LACKING:
            raise
        missing.append(f"{kind}: {errno.errorcode[e.errno]}")

def call(function, *args):
    """Calls a function of libc."""
    result = getattr(libc, function)(*args)
    if result < 0:
        raise OSError(ctypes.get_errno(), function)
    return result

# Their numbers on x86_64, aarch64 and s390x; after 424 they are the same everywhere.
SYSCALLS = {"perf_event_open": (298, 241, 331), "seccomp": (317, 277, 348), "bpf": (321, 280, 351), "userfaultfd": (323, 282, 355)}

def syscall(which, *args):
    if isinstance(which, str):
        if machine not in ("x86_64", "aarch64", "s390x"):
            raise OSError(errno.ENOSYS, which)
        which = SYSCALLS[which][("x86_64", "aarch64", "s390x").index(machine)]
    return call("syscall", ctypes.c_long(which), *(ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args))

def bpf(command, attributes):
    return syscall("bpf", command, attributes.ljust(128, b"\0"), 128)

def elsewhere(maker, *args):
    """What MAKER returns in another process, which has gone then, whatever became of it."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            socket.send_fds(theirs, [b"0"], [maker(*args)])
        except OSError as e:
            theirs.send(b"%d" % e.errno)
        finally:
            os._exit(0)
    theirs.close()
    with ours:
        text, fds, _, _ = socket.recv_fds(ours, 100, 1)
    os.waitpid(child, 0)
    if not fds:
        raise OSError(int(text), maker.__name__)
    return fds[0]

# The other sources.

COLUMNS = "FD MODE FLAGS INODE MNTID DEV RDEV SIZE POS NLINK CHRDRV BLKDRV MISCDEV DELETED PROTONAME FUID".split()

@functools.cache
def lsfd_columns():
    """What later versions call otherwise: there, TYPE and NAME are words for a person."""
    known = subprocess.run(["lsfd", "--help"], capture_output=True, text=True, check=True).stdout.split()
    return COLUMNS + [new if new in known else old for new, old in (("STTYPE", "TYPE"), ("KNAME", "NAME"))]

def lsfd(fd):
    """What lsfd says of a descriptor of this process, by the names of its columns."""
    ran = subprocess.run(["lsfd", "-J", "-p", str(os.getpid()), "-o", ",".join(lsfd_columns())], capture_output=True, text=True, check=True, timeout=30)
    row, = (row for row in json.loads(ran.stdout)["lsfd"] if row["fd"] == fd)
    row = {column.upper(): value for column, value in row.items()}
    return row | {"TYPE": row.get("STTYPE", row.get("TYPE")), "NAME": row.get("KNAME", row.get("NAME"))}

def fdinfo(fd):
    """The lines NAME: VALUE of fdinfo; of several of one name, the last."""
    with open(f"/proc/self/fdinfo/{fd}") as file:
        return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in file)}

def fdinfo_lines(fd, start):
    """The lines of fdinfo that begin so, each as {NAME: VALUE}."""
    with open(f"/proc/self/fdinfo/{fd}") as file:
        return [dict(re.findall(r"([\w-]+): *(\S+)", line)) for line in file if line.startswith(start)]

def ss(fd):
    """What ss says of a socket: state and the two queues."""
    ran = subprocess.run(["ss", "-anHeOxtuw0"], capture_output=True, text=True, errors="replace", check=True, timeout=30)
    inode = os.fstat(fd).st_ino
    line, = (line for line in ran.stdout.splitlines() if re.search(rf" ino:{inode}\b|^u_\S+ +\S+ +\S+ +\S+ +\S+ {inode} ", line))
    _, state, receive, send = line.split()[:4]
    return state, int(receive), int(send)

def until(condition):
    """Waits for CONDITION, for 20 seconds at most."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"

def device(number):
    return f"{os.major(number)}:{os.minor(number)}"

def kernel_device(text):
    """A device number as fdinfo has it."""
    return f"{int(text, 16) >> 20}:{int(text, 16) & 0xfffff}"

# Whom the descriptors go to: one listening fdmsg for the whole script.

@functools.cache
def receiver():
    process, _ = serve("listen", "-t", "100", f"unix-seqpacket:{work}/kinds")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(f"{work}/kinds")
    return process, connection

def described(*fds):
    """Sends FDS in one message: what fdmsg prints of them."""
    process, connection = receiver()
    socket.send_fds(connection, [b"x"], fds)
    return json.loads(process.stdout.readline())["fds"]

def received(fd):
    got, = described(fd)
    return got

def opened(fd):
    """What fdmsg prints of an inherited descriptor."""
    code, lines, err = fdmsg("open", f"fd:{fd}", fds=(fd,))
    same((code, err), (0, ""))
    return lines[0]["fds"][0]

LARGEFILE = 0o400000 if machine == "aarch64" else 0o100000
FLAGS = {name: getattr(os, name) for name in "O_PATH O_TMPFILE O_SYNC O_DSYNC O_APPEND O_NONBLOCK O_ASYNC O_DIRECT O_DIRECTORY O_NOFOLLOW O_NOATIME O_EXCL".split()} | {"O_LARGEFILE": LARGEFILE}
TYPES = dict(file="REG", memfd="REG", namespace="REG", mqueue="REG", directory="DIR", symlink="LINK", pipe="FIFO", socket="SOCK", tty="CHR", char="CHR", block="BLK")
TYPES["dma-buf"] = "REG"

def flag_names(bits):
    names = []
    for name, flag in FLAGS.items(): # those that contain others first
        if bits & flag == flag:
            names.append(name)
            bits &= ~flag
    return sorted(names)

def rfc3339(ns):
    return datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{ns % 10**9:09}Z"

def differences(got, want, where=""):
    """Where GOT has not what WANT has. What else GOT has is no difference."""
    if isinstance(want, dict) and isinstance(got, dict):
        return [text for key in want for text in differences(got.get(key), want[key], f"{where}.{key}")]
    if callable(want):
        return [] if got is not None and want(got) else [f"{where} is {got!r}"]
    return [] if got == want and type(got) is type(want) else [f"{where} is {got!r}, not {want!r}"]

def others_say(fd, got):
    """What lsfd, stat, fdinfo and mountinfo say of FD, as fdmsg would."""
    row, st, info, link = lsfd(fd), os.fstat(fd), fdinfo(fd), os.readlink(f"/proc/self/fd/{fd}")
    flags = int(info["flags"], 8) & ~os.O_CLOEXEC
    path = bool(flags & os.O_PATH)
    want = dict(
        access="none" if path else {"r--": "r", "-w-": "w", "rw-": "rw"}[row["MODE"]],
        flags=lambda names: sorted(names) == flag_names(flags))
    # The flags for which lsfd has a word.
    words = [f"O_{word.upper()}" for word in (row["FLAGS"] or "").split(",")]
    for word in "O_APPEND", "O_NONBLOCK", "O_DIRECT", "O_NOATIME", "O_PATH", "O_EXCL":
        same((word, word in got["flags"]), (word, word in words))
    if link.startswith("/") and not link.startswith(("/memfd:", "/dmabuf:", "/secretmem")):
        want |= dict(path=link.removesuffix(" (deleted)") if st.st_nlink == 0 else link)
        if row["DELETED"]:
            want |= dict(deleted=True)
    else:
        want |= dict(name=link)
    if row["TYPE"] != "SOCK": # the name of which has the protocol in it
        same(row["NAME"], link)
    if link.startswith("anon_inode:"):
        return want | {key: None for key in ("path", "inode", "size", "offset", "content", "deleted")}
    want |= dict(mode=f"0{stat.S_IMODE(st.st_mode):03o}", uid=row["FUID"], gid=st.st_gid, device=row["DEV"], inode=str(row["INODE"]), links=row["NLINK"], mtime=rfc3339(st.st_mtime_ns))
    if row["TYPE"] in ("REG", "DIR", "LINK"):
        want |= dict(size=row["SIZE"])
    if got["type"] in ("file", "directory", "memfd") and not path:
        want |= dict(offset=row["POS"])
    if got.get("path"):
        want |= dict(mount=str(row["MNTID"]))
        with open("/proc/self/mountinfo") as file:
            types = {words[0]: words[words.index("-") + 1] for words in map(str.split, file)}
        if str(row["MNTID"]) in types:
            want |= dict(filesystem=types[str(row["MNTID"])])
    if got["type"] in TYPES:
        same(row["TYPE"], TYPES[got["type"]])
    return want

def check(kind, fd, describe=received, **want):
    """Compares what fdmsg prints of FD with what others say of it, and with WANT."""
    for _ in range(20):
        before = os.fstat(fd)
        got = describe(fd)
        try:
            found = differences(got, others_say(fd, got) | want)
        except AssertionError as e:
            found = [" ".join(str(e).split())]
        after = os.fstat(fd)
        if (before.st_mtime_ns, before.st_size, before.st_nlink) == (after.st_mtime_ns, after.st_size, after.st_nlink):
            break # else somebody else has just used the same inode, /dev/ptmx for example
    made.append(kind)
    wrong.extend(f"{kind}: {text.lstrip('.')}" for text in found)
    still_open.append((fd, got["type"]))
    return got

def done():
    """Sends everything once more, in one message, and ends the script: with what was wrong."""
    for i in range(0, len(still_open), 100):
        some = [(fd, kind) for fd, kind in still_open[i:i + 100] if kind != "io_uring"]
        same([got["type"] for got in described(*(fd for fd, _ in some))], [kind for _, kind in some])
    process, connection = receiver()
    connection.close()
    process.terminate()
    same(finish(process), (0, [], ""))
    assert made, "nothing could be made here"
    print("made:", "; ".join(dict.fromkeys(made)))
    for text in missing:
        print("not made here:", text)
    for text in wrong:
        print("wrong:", text)
    sys.exit(len(wrong) > 0)
