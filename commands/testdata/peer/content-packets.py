"""A packet of a pipe that the limit cuts is consumed as a whole: the line says that there
was more.
"""
from contents import *
for limit in 1, 4, 9:
    r, w = pipe(b"0123456789", close=False, flags=os.O_DIRECT)
    same(contents([r], "--content", "all", "--content-limit", str(limit)), [holds(b"0123456789"[:limit], content_truncated=True)])
    r = pipe(b"0123456789", flags=os.O_DIRECT)
    same(contents([r], "--content", "all", "--content-limit", str(limit)), [holds(b"0123456789"[:limit], content_truncated=True)])
