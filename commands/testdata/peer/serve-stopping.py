"""STOPPING=1 is sent however quickly the end comes."""
from serving import *

with socket.socket(socket.AF_UNIX, DGRAM) as manager:
    manager.bind("manager")
    manager.settimeout(20)
    for _ in range(30):
        process, _ = serve("listen", "-t", "25", "./s", env={**os.environ, "NOTIFY_SOCKET": f"{work}/manager"})
        same(manager.recv(100), b"READY=1")
        process.terminate()
        same(finish(process), (0, [], ""))
        manager.setblocking(False) # the process has ended
        same(manager.recv(100), b"STOPPING=1")
        manager.settimeout(20)
