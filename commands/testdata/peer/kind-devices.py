"""Devices, compared with lsfd, /proc and sysfs.

Needs: lsfd, ss
"""
from kinds import *

def drivers(section):
    """The names of /proc/devices by major number."""
    with open("/proc/devices") as file:
        lines = file.read().partition(section + "\n")[2].partition("\n\n")[0]
    names = {}
    for number, name in map(str.split, lines.splitlines()):
        names.setdefault(number, []).append(name)
    return names

character, block = drivers("Character devices:"), drivers("Block devices:")

def open_device(path):
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)

def check_char(kind, fd, **want):
    """Where several drivers have a number, lsfd names the first of them."""
    row = lsfd(fd)
    driver = row["MISCDEV"] and "misc" or row["CHRDRV"]
    several = character.get(row["RDEV"].partition(":")[0], [])
    want = dict(device=row["RDEV"], driver=(lambda name: name in several) if len(several) > 1 else driver, misc=row["MISCDEV"]) | want
    check(kind, fd, type="char", size=None, content=None, char=want)

# Character devices: some are everywhere, others hardly. That of a watchdog is no thing to open.
for name in "null zero full random urandom kmsg fuse loop-control hwrng vsock kvm userfaultfd vga_arbiter autofs btrfs-control cpu_dma_latency rtc0 uinput vhost-net vcs snapshot mem".split():
    fd = make(f"/dev/{name}", open_device, f"/dev/{name}")
    if fd:
        check_char(f"/dev/{name}", fd)
check("/dev/null, O_PATH", os.open("/dev/null", os.O_PATH), type="char", access="none", char=dict(device="1:3", driver="mem"))
for name in "tty console tty1 ttyS0".split():
    fd = make(f"/dev/{name}", open_device, f"/dev/{name}")
    # A port without hardware, and a console of which nothing is left, are no terminals.
    if fd and os.isatty(fd):
        check(f"/dev/{name}", fd, type="tty", tty=dict(device=lsfd(fd)["RDEV"]), content=None)

# A device that is in no /dev: mknod(2).
def null():
    os.mknod("nothing", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    return os.open("nothing", os.O_WRONLY)
fd = make("device file of our own", null)
if fd:
    check_char("device file of our own", fd, path=None)

# A network interface, which is there until its descriptor is closed.
IFF_TUN, IFF_TAP, IFF_NO_PI, TUNSETIFF = 1, 2, 0x1000, 0x400454ca
def tun(flags):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"fdmsg%d", flags | IFF_NO_PI))
    return fd
for name, flags in ("tun", IFF_TUN), ("tap", IFF_TAP):
    fd = make(name, tun, flags)
    if fd:
        check_char(name, fd, interface=fdinfo(fd)["iff"])
        assert fdinfo(fd)["iff"] in [name for _, name in socket.if_nameindex()]
fd = make("tun without an interface", os.open, "/dev/net/tun", os.O_RDWR)
if fd:
    check_char("tun without an interface", fd, interface=None)

# The daemon's side of a FUSE mount, in a mount namespace of its own.
CLONE_NEWNS, MS_REC_PRIVATE = 0x20000, 0x44000
def fuse():
    fd = os.open("/dev/fuse", os.O_RDWR)
    os.mkdir("mnt")
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, ctypes.c_ulong(MS_REC_PRIVATE), None)
    call("mount", b"fdmsgtest", b"mnt", b"fuse", ctypes.c_ulong(0), b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fd)
    return fd
fd = make("fuse", elsewhere, fuse)
if fd:
    check_char("fuse", fd, fuse_connection=fdinfo(fd).get("fuse_connection"))

# A block device: a file, of which the kernel lets go when the last descriptor is closed.
LOOP_CTL_GET_FREE, LOOP_CONFIGURE, LO_FLAGS_AUTOCLEAR = 0x4c82, 0x4c0a, 4
def loop():
    with open("image", "wb") as image, open("/dev/loop-control") as control:
        image.truncate(1 << 20)
        while True:
            fd = os.open(f"/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}", os.O_RDWR)
            with open("image", "rb+") as image:
                config = struct.pack("II", image.fileno(), 512) + struct.pack("52xI", LO_FLAGS_AUTOCLEAR).ljust(232, b"\0") + bytes(64)
                try:
                    fcntl.ioctl(fd, LOOP_CONFIGURE, config)
                    return fd
                except OSError as e:
                    os.close(fd)
                    if e.errno != errno.EBUSY: # taken by somebody else meanwhile
                        raise
fd = make("block", loop)
if fd:
    row = lsfd(fd)
    check("block", fd, type="block", access="rw", path=row["NAME"], size=None, block=dict(device=row["RDEV"], driver=row["BLKDRV"]), content=None)
    os.pread(fd, 512, 0)
done()
