"""Once the time of --drain is over no COMMAND is started: what had been received is
reported, and what is left is counted in bytes.
"""
import collections
from serving import *

os.mkfifo("fifo")
ends = collections.Counter()
for _ in range(10):
    process, _ = serve("listen", "-t", "20", "--drain", "0.1", "unix-seqpacket:./s", "--", "sh", "-c", "echo started; exec cat fifo")
    with connect("s", SEQPACKET) as peer:
        for text in b"one", b"two", b"three":
            peer.send(text)
        process.stdout.readline()
        process.terminate()
        out, err = process.communicate(timeout=25)
        ends[process.returncode, out, err.count(b"COMMAND not run"), b"drain: 5 bytes" in err] += 1
same(dict(ends), {(1, b"", 1, True): 10})
