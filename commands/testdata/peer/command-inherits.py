"""COMMAND of listen inherits nothing else: not what fdmsg itself inherited, nor the
listening socket that was among it.
"""
from handed import *

# numbers below, among and above those of COMMAND's descriptors
inherited = [os.open("/dev/null", os.O_RDONLY) for _ in range(3)] + [fcntl.fcntl(0, fcntl.F_DUPFD, 60), fcntl.fcntl(0, fcntl.F_DUPFD, 300)]
listener = socket.socket(socket.AF_UNIX, SEQPACKET)
listener.bind("s")
listener.listen()
process = start("listen", "-t", "20", "-n", "1", f"fd:{listener.fileno()}", "--", *HANDED, fds=[*inherited, listener.fileno()])
with connected("s") as peer:
    socket.send_fds(peer, [b"text"], [0, 0])
code, (got,), err = finish(process)
same((code, err), (0, ""))
same(sorted(map(int, got["fds"])), [0, 1, 2, 3, 4, 5]) # the two, and FDMSG_CONN
