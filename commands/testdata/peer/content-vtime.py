"""A terminal on which read(2) itself waits for VTIME: --content-timeout holds all the same."""
import pty, termios, tty
from contents import *
master, slave = pty.openpty()
tty.setraw(slave)
settings = termios.tcgetattr(slave)
settings[6][termios.VMIN], settings[6][termios.VTIME] = 10, 200 # 20 seconds
termios.tcsetattr(slave, termios.TCSANOW, settings)
os.write(master, b"x")
select.select([slave], [], [], 20)
began = time.monotonic()
got, = contents([slave], "--content", "all", "--content-timeout", "0.3")
assert time.monotonic() - began < 10, time.monotonic() - began
same(got, holds(b"x", content_error="timed out"))
