"""When a signal ends listen, all COMMANDs are gone two seconds later: none is started for
the messages that wait, with two seconds of its own.
"""
from handed import *

server, _ = serve("listen", "-t", "40", "--max-children", "1", "unix-seqpacket:./s", "--", sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begins', flush=True); time.sleep(60)", preexec_fn=defaults)
peers = [connected("s") for _ in range(8)]
for peer in peers:
    peer.send(b"x")
same(server.stdout.readline(), b"begins\n")
server.terminate()
began = time.monotonic()
server.communicate(timeout=30)
assert time.monotonic() - began < 8, f"it took {time.monotonic() - began} seconds to end"
