# The leader of a new session, whose controlling terminal is its first argument: fdmsg never
# reads that one. For ../peer/content-terminals.
import termios
from contents import *

slave, other = map(int, sys.argv[1:])
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
again = os.open(os.ttyname(slave), os.O_RDWR)
ours = os.open("/dev/tty", os.O_RDWR)
same(contents([slave, ours, again, other], "--content", "all", "--content-timeout", "0.2"),
    [{}, {}, {}, holds(b"other\n", content_error="timed out")])
same(opened([f"fd:{slave}", "/dev/tty"], "--content", "all", "--content-timeout", "0.2", fds=[slave]), [{}, {}])
# As standard input, too, and from a group in the background.
same(opened(["-", f"fd:{ours}"], "--content", "all", "--content-timeout", "0.2", stdin=slave, fds=[ours]), [{}, {}])
same(opened([f"fd:{ours}"], "--content", "all", "--content-timeout", "0.2", fds=[ours], process_group=0), [{}])
same(os.read(slave, 100), b"mine\n") # what was typed is still there
print("ended")
