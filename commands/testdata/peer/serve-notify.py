"""The service manager is told when the sockets are bound and when the end begins:
sd_notify(3). COMMAND cannot tell it by accident.
"""
from serving import *

os.mkfifo("fifo")
path, abstract = f"{work}/notify", f"fdmsg-notify-{os.getpid()}"
for name, address in (path, path), (f"@{abstract}", f"\0{abstract}"):
    with socket.socket(socket.AF_UNIX, DGRAM) as manager:
        manager.settimeout(20)
        manager.bind(address)
        process = start("listen", "-t", "25", "--drain", "20", "./s", "--", "sh", "-c", 'echo "${NOTIFY_SOCKET-none}"; exec cat fifo',
            env={**os.environ, "NOTIFY_SOCKET": name})
        same(manager.recv(100), b"READY=1")
        with connect("s") as peer: # which is there by now
            peer.send(b"x")
            same(process.stdout.readline(), b"none\n")
            process.terminate()
            same(manager.recv(100), b"STOPPING=1")
            same(process.poll(), None)
            open("fifo", "w").close()
            same(finish(process), (0, [], ""))
        manager.setblocking(False)
        try:
            raise AssertionError(manager.recv(100))
        except BlockingIOError:
            pass

# The server also serves if the service manager cannot be reached.
for name in f"{work}/nobody", "relative", "@fdmsg-nobody-there":
    process, _ = serve("listen", "-t", "25", "-n", "1", "./s", env={**os.environ, "NOTIFY_SOCKET": name})
    with connect("s") as peer:
        peer.send(b"x")
        code, lines, err = finish(process)
    same((code, [l["message"] for l in lines]), (0, ["x"]))
    report = err.splitlines()
    assert 1 <= len(report) <= 2 and all(l.startswith("fdmsg: listen: NOTIFY_SOCKET: ") and name in l for l in report), err
# Nobody waits for it.
same(fdmsg("listen", "-t", "0.1", "./s", env={**os.environ, "NOTIFY_SOCKET": ""}), (0, [], ""))
