"""The content of files opened with O_DIRECT comes whole, whatever its size, the limit and
the neighbours. Most file systems read only whole blocks into aligned memory.
"""
from contents import *
from machine import skip
whole = bytes(97 + i % 26 for i in range(100_000))
try:
    os.close(file(b"", os.O_DIRECT))
except OSError as error:
    skip(f"O_DIRECT: {error}")
for size in 0, 1, 5, 511, 512, 513, 4095, 4096, 4097, 65536, 65537, 100_000:
    fd = file(whole[:size], os.O_DIRECT)
    os.lseek(fd, 0, os.SEEK_END)
    same(contents([fd]), [holds(whole[:size])])
    same(contents([file(b"odd"), fd, fd]), [holds(b"odd")] + [holds(whole[:size])] * 2)
    for limit in 0, 1, 512, 4096, size - 1, size, size + 1:
        if limit >= 0:
            same(contents([fd], "--content-limit", str(limit)), [holds(whole[:min(size, limit)], **({"content_truncated": True} if limit < size else {}))])
    same(os.lseek(fd, 0, os.SEEK_CUR), size)
