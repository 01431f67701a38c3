"""A file that somebody appends to while it is saved: everything saved was in the file, and
the copy ends no earlier than the file did at the beginning.
"""
from saved import *

APPENDER = """
import sys
fd, size = int(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
while True:
    os.write(fd, b"x" * size)
    if os.fstat(fd).st_size > 200_000_000 // size:
        os.ftruncate(fd, 0)
"""
os.mkdir("in")
fd = os.open("grows", os.O_RDWR | os.O_CREAT | os.O_APPEND)
appender = background(APPENDER, fd, 1000, fds=[fd])
end_of_test, wrong, count = time.monotonic() + 3, [], 0
while time.monotonic() < end_of_test and not wrong:
    for entry in saved([fd] * 100, "in"):
        copy = slurp(entry["saved"])
        count += 1
        if b"\0" in copy: # which was never written
            wrong.append(f"{copy.count(0)} NULs after {copy.index(0)} bytes")
        os.unlink(entry["saved"])
end(appender)
same((count, wrong), (count, []))
