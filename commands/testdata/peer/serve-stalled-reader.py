"""The reader of the output has stopped for good: the lines that were not written and the
bytes that were not read are both reported.
"""
from serving import *

process, _ = serve("listen", "-t", "25", "unix-seqpacket:./s")
peer = connect("s", SEQPACKET)
peer.setblocking(False)
sent, last = 0, time.monotonic()
while time.monotonic() - last < 0.5:
    try:
        peer.send(b"x" * 10_000)
        sent, last = sent + 1, time.monotonic()
    except BlockingIOError:
        time.sleep(0.01)
process.terminate()
same(process.wait(timeout=25), 1)
out, err = process.stdout.read(), process.stderr.read().decode()
print(f"sent {sent}, {out.count(bytes([10]))} lines read; {err}")
assert "connection 1: " in err and " bytes" in err, err
