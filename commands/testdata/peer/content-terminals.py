"""Terminals with --content all: lines in canonical mode, characters without it, and what
ends them. Our own controlling terminal is never read.
"""
import pty, termios, tty
from contents import *

def terminal(typed=b"", raw=False):
    "A terminal with TYPED in it: its master, and itself."
    master, slave = pty.openpty()
    if raw:
        tty.setraw(slave)
    if typed:
        os.write(master, typed)
    return master, slave

def wait(fd):
    "Until FD can be read: the kernel takes its time with what is typed."
    assert select.select([fd], [], [], 20)[0], "nothing to read"

def read(fds, *args, timeout="0.2"):
    before = [(fcntl.fcntl(fd, fcntl.F_GETFL), termios.tcgetattr(fd)) for fd in fds]
    got = contents(fds, "--content", "all", "--content-timeout", timeout, *args)
    same([(fcntl.fcntl(fd, fcntl.F_GETFL), termios.tcgetattr(fd)) for fd in fds], before)
    return got

# Canonical mode: whole lines; one that was not ended yet is not there to be read.
for blocking in True, False:
    master, slave = terminal(b"first\nsecond\npart")
    os.set_blocking(slave, blocking)
    wait(slave)
    same(read([slave]), [holds(b"first\nsecond\n", content_error="timed out")])
    os.write(master, b" and rest\n")
    wait(slave)
    same(read([slave]), [holds(b"part and rest\n", content_error="timed out")])
    same(read([slave]), [{"content_error": "timed out"}])

# ^D on a line of its own is an end of file, once.
master, slave = terminal(b"before\n\x04after\n")
wait(slave)
same(read([slave], timeout="20"), [holds(b"before\n")])
same(read([slave]), [holds(b"after\n", content_error="timed out")])

# The limit ends in a line: the rest of it stays.
master, slave = terminal(b"0123456789\n")
wait(slave)
same(read([slave], "--content-limit", "4", timeout="20"), [holds(b"0123", content_truncated=True)])
same(os.read(slave, 100), b"456789\n")

# Without canonical mode: whatever was typed, as it is.
master, slave = terminal(b"\0\x03\x04\r\x1b[A\xff", raw=True)
wait(slave)
same(read([slave]), [holds(b"\0\x03\x04\r\x1b[A\xff", content_error="timed out")])

# VMIN and VTIME: with 0, a read never waits; with 3, poll(2) waits for as many.
for vmin, vtime in (0, 0), (0, 1), (3, 0):
    master, slave = terminal(raw=True)
    settings = termios.tcgetattr(slave)
    settings[6][termios.VMIN], settings[6][termios.VTIME] = vmin, vtime
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    os.write(master, b"typed")
    wait(slave)
    got, = read([slave])
    assert got in (holds(b"typed"), holds(b"typed", content_error="timed out")), (vmin, vtime, got)

# The master goes away while fdmsg waits for more: the end.
master, slave = terminal(b"line\n")
wait(slave)
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
socket.send_fds(ours, [b"x"], [slave])
process = start("recv", "-n", "1", "--content", "all", "--content-timeout", "20", "-", stdin=theirs)
while fcntl.ioctl(slave, termios.FIONREAD, bytes(4)) != bytes(4): # until it has been read
    assert process.poll() is None, finish(process)
os.close(master)
same(fields(finish(process), 1), [holds(b"line\n")])

# It was gone before: there will never be more.
master, slave = terminal()
os.close(master)
same(contents([slave], "--content", "all", "--content-timeout", "20"), [holds(b"")])

# The master, a device, is not read; nor is a terminal by default, or one that is
# not open for reading.
master, slave = terminal(b"typed\n")
wait(slave)
os.write(slave, b"printed\n")
wait(master)
output = os.open(os.ttyname(slave), os.O_WRONLY | os.O_NOCTTY)
same(contents([master, slave, output]), [{}] * 3)
same(read([master, output]), [{}, {"content_error": "not open for reading"}])
same(os.read(slave, 100), b"typed\n")

# Our own controlling terminal, by any name: not read, with --content all either;
# others are. The leader of the session is a process of its own.
master, slave = terminal(b"mine\n")
wait(slave)
other = terminal(b"other\n")[1]
wait(other)
leader = subprocess.run([sys.executable, "-m", "sessionleader", str(slave), str(other)], pass_fds=[slave, other], start_new_session=True, capture_output=True, timeout=60)
same((leader.returncode, leader.stdout, leader.stderr), (0, b"ended\n", b""))
