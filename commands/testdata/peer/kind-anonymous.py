"""Descriptors of what is in no file system, compared with lsfd, fdinfo and what made them.

Needs: lsfd, ss
"""
import select, signal, threading
from kinds import *

# memfds. Sealed for writing, one is still read.
memfd = os.memfd_create("a name", os.MFD_ALLOW_SEALING)
os.write(memfd, b"in memory")
fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW)
check("memfd", memfd, type="memfd", size=9, offset=9, links=0, path=None, memfd=dict(name="a name", seals=["F_SEAL_GROW", "F_SEAL_WRITE"]), content="in memory")
check("memfd without seals", os.memfd_create("(deleted)", os.MFD_ALLOW_SEALING), type="memfd", memfd=dict(name="(deleted)", seals=[]), content="")
check("memfd that takes no seals", os.memfd_create(""), type="memfd", memfd=dict(name="", seals=["F_SEAL_SEAL"]))
huge = make("memfd of huge pages", os.memfd_create, "huge", os.MFD_HUGETLB)
if huge:
    check("memfd of huge pages", huge, type="memfd", memfd=dict(name="huge"))

# eventfds. In fdinfo the counter is hexadecimal.
for name, flags in ("eventfd", 0), ("eventfd, a semaphore", os.EFD_SEMAPHORE):
    fd = os.eventfd(0, flags | os.EFD_NONBLOCK)
    os.eventfd_write(fd, 1 << 60)
    info = fdinfo(fd)
    same(int(info["eventfd-count"], 16), 1 << 60)
    check(name, fd, type="eventfd", access="rw", flags=["O_NONBLOCK"], eventfd=dict(count=str(1 << 60), id=info["eventfd-id"], semaphore=bool(flags)))

# timerfds.
def timerfd(clock, first, interval, flags=0):
    fd = call("timerfd_create", clock, 0)
    call("timerfd_settime", fd, flags, struct.pack("4l", *interval, *first), None)
    return fd

def remaining(fd):
    seconds, ns = re.findall(r"\d+", fdinfo(fd)["it_value"])
    return int(seconds) + int(ns) / 1e9

for number, clock in enumerate("REALTIME MONOTONIC - - - - - BOOTTIME REALTIME_ALARM BOOTTIME_ALARM".split()):
    fd = make(f"timerfd of CLOCK_{clock}", timerfd, number, (1000, 1), (2, 500_000_000)) if clock != "-" else None
    if fd:
        before = remaining(fd)
        got = check(f"timerfd of CLOCK_{clock}", fd, type="timerfd", timerfd=dict(clock=f"CLOCK_{clock}", ticks="0", interval=2.5))
        if not remaining(fd) <= got["timerfd"]["remaining"] <= before:
            wrong.append(f"timerfd: {got}")
check("timerfd, not set", timerfd(1, (0, 0), (0, 0)), type="timerfd", timerfd=dict(remaining=0, interval=0, ticks="0"))
expired = timerfd(1, (0, 1), (0, 0))
same(select.select([expired], [], [], 20)[0], [expired])
check("timerfd, expired", expired, type="timerfd", timerfd=dict(ticks="1", remaining=0))
dated = timerfd(0, (4_000_000_000, 0), (0, 0), 3) # TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET
check("timerfd until a date", dated, type="timerfd", timerfd=dict(clock="CLOCK_REALTIME", remaining=lambda left: abs(left + time.time() - 4e9) < 60))

# signalfd: real-time signals have no names, but numbers.
signals = [signal.SIGINT, signal.SIGUSR1, signal.SIGCHLD, signal.SIGSYS, 34, 64]
mask = sum(1 << number - 1 for number in signals)
fd = call("signalfd", -1, struct.pack("Q", mask), 0)
same(int(fdinfo(fd)["sigmask"], 16), mask)
check("signalfd", fd, type="signalfd", signalfd=dict(signals=[s.name if isinstance(s, signal.Signals) else str(s) for s in signals]))

# inotify: what is watched, and for what.
IN_MODIFY, IN_CREATE, IN_ALL_EVENTS, IN_ONESHOT, IN_EXCL_UNLINK = 2, 0x100, 0xfff, 1 << 31, 1 << 26
os.mkdir("watched")
fd = call("inotify_init1", os.O_NONBLOCK)
check("inotify that watches nothing", fd, type="inotify", access="r", flags=["O_NONBLOCK"], inotify=dict(watches=[]))
call("inotify_add_watch", fd, b".", IN_MODIFY | IN_CREATE)
call("inotify_add_watch", fd, b"watched", ctypes.c_uint32(IN_ONESHOT | IN_EXCL_UNLINK | IN_ALL_EVENTS))
lines = {int(line["wd"], 16): line for line in fdinfo_lines(fd, "inotify ")}
masks = {1: ["IN_MODIFY", "IN_CREATE"], 2: ["IN_ALL_EVENTS", "IN_EXCL_UNLINK", "IN_ONESHOT"]}
same({int(line["ino"], 16) for line in lines.values()}, {os.stat(path).st_ino for path in (".", "watched")})
got = check("inotify", fd, type="inotify", inotify=dict(watches=lambda watches: len(watches) == 2))
for watch in got["inotify"]["watches"]:
    line = lines[watch["wd"]]
    found = differences(watch, dict(inode=str(int(line["ino"], 16)), device=kernel_device(line["sdev"]), mask=masks[watch["wd"]]))
    wrong.extend(f"inotify: {text}" for text in found)

# fanotify, as anybody may use it and as only root may.
FAN_CLASS_PRE_CONTENT, FAN_UNLIMITED_MARKS, FAN_REPORT_FID, FAN_MARK_ADD, AT_FDCWD = 8, 0x20, 0x200, 1, -100
FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM, FAN_CREATE, FAN_OPEN = 0x10, 0x100, 0x100, 0x20
def fanotify(flags, *marks):
    fd = call("fanotify_init", flags, 0)
    for flags, mask, path in marks:
        call("fanotify_mark", fd, FAN_MARK_ADD | flags, ctypes.c_uint64(mask), AT_FDCWD, path)
    return fd
for name, *args in ("fanotify", FAN_REPORT_FID, (0, FAN_CREATE, b"watched")), \
        ("fanotify of mounts", FAN_CLASS_PRE_CONTENT | FAN_UNLIMITED_MARKS, (0, FAN_OPEN, b"watched"), (FAN_MARK_MOUNT, FAN_OPEN, b"."), (FAN_MARK_FILESYSTEM, FAN_OPEN, b".")):
    fd = make(name, fanotify, *args)
    if not fd:
        continue
    (head, *lines) = fdinfo_lines(fd, "fanotify ")
    marks = []
    for line in lines:
        mark = dict(mask=[name for name, bit in (("FAN_OPEN", FAN_OPEN), ("FAN_CREATE", FAN_CREATE)) if int(line["mask"], 16) & bit])
        if "ino" in line:
            mark |= dict(inode=str(int(line["ino"], 16)))
        if "sdev" in line:
            mark |= dict(device=kernel_device(line["sdev"]))
        if "mnt_id" in line:
            mark |= dict(mount=str(int(line["mnt_id"], 16)))
        marks.append(mark)
    same(len(marks), len(args) - 1)
    check(name, fd, type="fanotify", fanotify=dict(flags=lambda flags: flags, marks=marks))

# epoll: whom it waits for, and for what; nested, too.
epoll, inner = select.epoll(), select.epoll()
r, w = os.pipe()
epoll.register(r, select.EPOLLIN | select.EPOLLET | select.EPOLLONESHOT)
epoll.register(w, select.EPOLLOUT | select.EPOLLRDHUP)
epoll.register(inner, select.EPOLLIN)
always = ["EPOLLERR", "EPOLLHUP"]
events = {r: ["EPOLLIN", *always, "EPOLLONESHOT", "EPOLLET"], w: ["EPOLLOUT", *always, "EPOLLRDHUP"], inner.fileno(): ["EPOLLIN", *always]}
targets = [dict(fd=int(line["tfd"]), inode=str(int(line["ino"], 16)), device=kernel_device(line["sdev"]), data=str(int(line["data"], 16)), events=events[int(line["tfd"])])
    for line in fdinfo_lines(epoll.fileno(), "tfd:")]
same(sorted(target["fd"] for target in targets), sorted(events))
check("epoll", epoll.fileno(), type="epoll", epoll=dict(targets=targets))
check("epoll without targets", inner.fileno(), type="epoll", epoll=dict(targets=[]))

# pidfds: of a process that lives, that has ended, that was waited for; of a thread.
process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
atexit.register(process.kill)
process.stdin.write(b"x")
same(process.stdout.read(1), b"x") # it is cat now
pidfd = os.pidfd_open(process.pid)
with open(f"/proc/{process.pid}/comm") as file:
    command = file.read().strip()
same(int(fdinfo(pidfd)["Pid"]), process.pid)
check("pidfd", pidfd, type="pidfd", pidfd=dict(pid=process.pid, command=command, exited=False))
process.stdin.close()
os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
check("pidfd of a zombie", pidfd, type="pidfd", pidfd=dict(pid=process.pid, exited=True))
process.wait()
same(fdinfo(pidfd)["Pid"], "-1")
check("pidfd of a process that is gone", pidfd, type="pidfd", pidfd=dict(pid=-1, command=None, exited=True))
thread = make("pidfd of a thread", os.pidfd_open, threading.get_native_id(), os.O_EXCL)
if thread:
    check("pidfd of a thread", thread, type="pidfd", pidfd=dict(pid=os.getpid(), exited=False))

# io_uring cannot be passed: recent kernels refuse to, as the sender is told.
def io_uring():
    return syscall(425, 5, ctypes.create_string_buffer(120))
ring = make("io_uring", io_uring)
if ring:
    info = fdinfo(ring)
    sizes = dict(sq_entries=int(info["SqMask"], 16) + 1, cq_entries=int(info["CqMask"], 16) + 1, user_files=0, user_buffers=0) if "SqMask" in info else {}
    same(sizes.get("sq_entries", 8), 8)
    check("io_uring", ring, opened, type="io_uring", io_uring=sizes)

# userfaultfd, for which the kernel has two ways.
def userfaultfd():
    return syscall("userfaultfd", os.O_NONBLOCK | 1) # UFFD_USER_MODE_ONLY
def userfaultfd_device():
    with open("/dev/userfaultfd") as file:
        return fcntl.ioctl(file, 0xaa00, os.O_CLOEXEC)
for name, maker in ("userfaultfd", userfaultfd), ("userfaultfd by its device", userfaultfd_device):
    fd = make(name, maker)
    if fd:
        info = fdinfo(fd)
        check(name, fd, type="userfaultfd", userfaultfd=dict(pending=int(info["pending"]), total=int(info["total"]), api=info["API"]))

# perf_event: clock of this process, in user mode.
def perf_event():
    return syscall("perf_event_open", struct.pack("IIQQQQQ", 1, 64, 0, 0, 0, 0, 1 << 5 | 1 << 6).ljust(64, b"\0"), 0, -1, -1, 0)
fd = make("perf_event", perf_event)
if fd:
    id, = struct.unpack("Q", fcntl.ioctl(fd, 0x80082407, bytes(8))) # PERF_EVENT_IOC_ID
    check("perf_event", fd, type="perf_event", perf_event=dict(id=str(id)))

# Namespaces.
for name in sorted(os.listdir("/proc/self/ns")):
    fd = make(f"namespace {name}", os.open, f"/proc/self/ns/{name}", os.O_RDONLY)
    if fd:
        which, inode = re.fullmatch(r"(\w+):\[(\d+)\]", os.readlink(f"/proc/self/ns/{name}")).groups()
        check(f"namespace {name}", fd, type="namespace", access="r", path=None, namespace=dict(which=which, inode=inode), content=None)

# POSIX message queues.
def mqueue():
    name = b"/fdmsg-%d" % os.getpid()
    fd = call("mq_open", name, os.O_CREAT | os.O_RDWR | os.O_NONBLOCK, 0o640, struct.pack("8l", 0, 7, 100, 0, 0, 0, 0, 0))
    atexit.register(libc.mq_unlink, name)
    return fd
fd = make("mqueue", mqueue)
if fd:
    call("mq_send", fd, b"one", 3, 5)
    call("mq_send", fd, b"two", 3, 1)
    check("mqueue", fd, type="mqueue", access="rw", mode=lambda mode: int(mode, 8) & 0o600 == 0o600, mqueue=dict(messages=2, max_messages=7, message_size=100), content=None)
    libc.mq_unlink(b"/fdmsg-%d" % os.getpid())
    check("deleted mqueue", fd, type="mqueue", deleted=True, mqueue=dict(messages=2))

# DMA buffers, the two ways to them.
def udmabuf():
    with open("/dev/udmabuf") as file:
        memory = os.memfd_create("udmabuf", os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, 1 << 16)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return fcntl.ioctl(file, 0x40187542, struct.pack("IIQQ", memory, 1, 0, 1 << 16))
def dma_heap():
    with open("/dev/dma_heap/system") as file:
        return struct.unpack("QIIQ", fcntl.ioctl(file, 0xc0184800, struct.pack("QIIQ", 1 << 16, 0, os.O_RDWR | os.O_CLOEXEC, 0)))[1]
for name, maker in ("dma-buf of a memfd", udmabuf), ("dma-buf of a heap", dma_heap):
    fd = make(name, maker)
    if fd:
        info = fdinfo(fd)
        check(name, fd, **{"type": "dma-buf", "path": None, "dma-buf": dict(size=1 << 16, exporter=info["exp_name"])})

# What fdmsg knows no more of than the kernel's name for it.
def landlock():
    return syscall(444, struct.pack("Q", 1), 8, 0)
def fscontext():
    return syscall(430, b"tmpfs", 1)
def seccomp():
    """A filter that lets everything pass, of a process that has gone."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
    call("prctl", 38, 1, 0, 0, 0) # PR_SET_NO_NEW_PRIVS
    return syscall("seccomp", 1, 8, ctypes.create_string_buffer(struct.pack("HxxxxxxP", 1, ctypes.addressof(program))))
def kvm():
    with open("/dev/kvm") as file:
        return fcntl.ioctl(file, 0xae01, 0)
def vcpu():
    return fcntl.ioctl(kvm(), 0xae41, 0)
for name, maker in ("landlock-ruleset", landlock), ("fscontext", fscontext), ("kvm-vm", kvm), ("kvm-vcpu:0", vcpu):
    fd = make(name, maker)
    if fd:
        check(name, fd, type=name)
fd = make("seccomp notify", elsewhere, seccomp)
if fd:
    check("seccomp notify", fd, type="seccomp notify")
done()
