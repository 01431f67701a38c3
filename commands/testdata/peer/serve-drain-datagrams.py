"""The bytes that are reported as unread are those of all datagrams."""
from serving import *

os.mkfifo("fifo")
process, _ = serve("listen", "-t", "25", "--drain", "0.2", "unix-dgram:./s", "--", "sh", "-c", "echo started; exec cat fifo")
with connect("s", DGRAM) as peer:
    for text in b"one", b"two", b"three", b"four":
        peer.send(text)
    process.stdout.readline()
    process.terminate()
    out, err = process.communicate(timeout=25)
    same(process.returncode, 1)
    assert b"--drain: 9 bytes" in err, err
