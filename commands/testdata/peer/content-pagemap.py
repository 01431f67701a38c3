"""/proc/self/pagemap is only read in multiples of 8 bytes: its content is cut, and the line
says so.
"""
from contents import *
fd = os.open("/proc/self/pagemap", os.O_RDONLY)
got, = contents([fd], "--content", "all", "--content-limit", "8192", "--content-timeout", "20")
same((got["content_size"], got.get("content_truncated")), (8192, True))
