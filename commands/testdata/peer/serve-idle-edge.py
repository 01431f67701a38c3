"""A message that comes at the very moment at which --idle-timeout ends is either refused or
printed.
"""
from serving import *

process, _ = serve("listen", "-t", "50", "--idle-timeout", "0.05", "unix-seqpacket:./s", stdout=open("lines", "wb"), stderr=subprocess.DEVNULL)
sent = []
def late(name):
    for i in range(40):
        with connect("s", SEQPACKET) as peer:
            time.sleep(0.05 + random.uniform(-0.0005, 0.0015))
            text = f"{name}-{i}"
            try:
                peer.send(text.encode())
                sent.append(text)
            except OSError:
                pass
threads = [threading.Thread(target=late, args=(i,)) for i in range(16)]
for t in threads: t.start()
for t in threads: t.join()
process.terminate()
same(finish(process)[0], 0)
with open("lines") as file:
    got = {json.loads(l)["message"] for l in file}
same(set(sent) - got, set())
