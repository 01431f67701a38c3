"""Pipes, FIFOs and terminals, compared with lsfd, fdinfo and ioctl(2).

Needs: lsfd, ss
"""
import termios
from kinds import *

TIOCGPTN = 0x80045430

def capacity(fd):
    return fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)

def waiting(fd):
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]

# Pipes, both ends; one in packet mode, and of another size.
r, w = os.pipe()
os.write(w, b"in the pipe")
for fd, end in (r, "read"), (w, "write"):
    check(f"pipe, {end} end", fd, type="pipe", access=end[0], name=f"pipe:[{os.fstat(r).st_ino}]", path=None, size=None, offset=None,
        pipe=dict(end=end, capacity=capacity(r), available=waiting(r)))
same((waiting(r), os.read(r, 100)), (11, b"in the pipe"))
r, w = os.pipe2(os.O_DIRECT | os.O_NONBLOCK)
fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
os.write(w, b"packet")
for fd, end in (r, "read"), (w, "write"):
    check("pipe in packet mode", fd, type="pipe", flags=lambda names, end=end: ("O_DIRECT" in names) == (end == "write") and "O_NONBLOCK" in names,
        pipe=dict(end=end, capacity=capacity(r), available=6))
r, w = os.pipe()
os.close(r)
check("pipe that nobody reads", w, type="pipe", pipe=dict(end="write"))

# FIFOs.
os.mkfifo("fifo")
os.chmod("fifo", 0o620)
both = os.open("fifo", os.O_RDWR)
os.write(both, b"abc")
r, w = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK), os.open("fifo", os.O_WRONLY)
for fd, end in (both, "both"), (r, "read"), (w, "write"):
    check(f"FIFO, {end}", fd, type="pipe", path=f"{work}/fifo", name=None, mode="0620", pipe=dict(end=end, capacity=capacity(both), available=3))
os.unlink("fifo")
check("deleted FIFO", r, type="pipe", path=f"{work}/fifo", deleted=True, links=0)
os.mkfifo("place")
check("FIFO, O_PATH", os.open("place", os.O_PATH), type="pipe", access="none", pipe=None)

# A pseudo-terminal that is nobody's, and one with a session.
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 33, 111, 0, 0))
special = device(os.fstat(slave).st_rdev)
number = struct.unpack("I", fcntl.ioctl(master, TIOCGPTN, bytes(4)))[0]
os.write(master, b"typed\n")
check("terminal", slave, type="tty", path=os.ttyname(slave), access="rw", tty=dict(device=special, rows=33, columns=111, session=None, foreground=None), content=None)
check("master of a terminal", master, type="char", access="rw", char=dict(device="5:2", index=number), content=None)
same((int(fdinfo(master)["tty-index"]), os.ttyname(slave)), (number, f"/dev/pts/{number}"))
until(lambda: waiting(slave) == 6) # the kernel takes its time with what is typed

# The child leads a session with slave, and puts a child of its own in the foreground.
child = """if True:
    import fcntl, os, signal, subprocess, termios
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = subprocess.Popen(["cat"], stdin=subprocess.PIPE, process_group=0)
    os.tcsetpgrp(0, job.pid)
    print(job.pid, flush=True)
    os.read(2, 1) # until the test is done
    job.stdin.close()
    job.wait()
"""
ours, theirs = socket.socketpair()
session = subprocess.Popen([sys.executable, "-c", child], stdin=slave, stdout=subprocess.PIPE, stderr=theirs, text=True)
atexit.register(session.kill)
theirs.close()
job = int(session.stdout.readline())
same(struct.unpack("i", fcntl.ioctl(master, termios.TIOCGPGRP, bytes(4)))[0], job)
check("terminal of a session", slave, type="tty", tty=dict(device=special, rows=33, columns=111, session=session.pid, foreground=job))
ours.close()
same(session.wait(timeout=30), 0)
gone, hung = os.openpty()
os.close(gone)
check("terminal that was hung up", hung, type="tty", tty=dict(device=device(os.fstat(hung).st_rdev)))
done()
