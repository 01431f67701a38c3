"""Finding out whether there is more than the limit does not wait, and takes nothing away."""
from contents import *
from machine import skip
try:
    fd = os.open("/proc/kmsg", os.O_RDONLY)
except OSError as error:
    skip(f"/proc/kmsg: {error}")
if select.select([fd], [], [], 0)[0]:
    skip("/proc/kmsg holds messages that are somebody else's to read")
began = time.monotonic()
got, = contents([fd], "--content", "all", "--content-timeout", "0.3", "--content-limit", "0")
assert time.monotonic() - began < 10
same(data(got), b"")
