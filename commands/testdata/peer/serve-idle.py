"""With 2,000 idle connections a busy one is served as if it were alone; they cost little,
and each is still heard.
"""
from serving import *

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
IDLE = min(2000, hard - 100)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE + 50), hard))
process, _ = serve("listen", "-t", "50", "--drain", "20", "./s")
busy = connect("s")

def work_hard(rounds):
    for i in range(rounds):
        busy.send(b"%d" % i)
        same(line(process)["message"], str(i))
work_hard(500)
alone, before = memory(process), opened(process)
idle = []
for i in range(IDLE):
    idle.append(connect("s"))
    if i % 4 == 0:
        busy.send(b"meanwhile")
        same(line(process)["message"], "meanwhile")
until(lambda: opened(process) == before + IDLE, "they are not accepted")
work_hard(500)
crowded = memory(process)
print(f"{IDLE} idle connections: {crowded} MiB of resident memory, {alone} without them")
assert crowded - alone < 250, (alone, crowded) # 128 KiB each
for peer in idle[::50]:
    peer.send(b"awake")
    same(line(process)["message"], "awake")
process.terminate()
same(finish(process), (0, [], ""))
