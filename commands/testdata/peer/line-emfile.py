"""When RLIMIT_NOFILE leaves no room for all descriptors, the line says that control data
was truncated; fdmsg goes on, and leaks none.
"""
import os, resource, socket, time
from fdmsg import *

null = os.open("/dev/null", os.O_RDONLY)
few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
process, _ = serve("listen", "-t", "25", "unix-seqpacket:./s", preexec_fn=few)

def count():
    "How many descriptors are open in listen, without the pollers of its own."
    directory, count = f"/proc/{process.pid}/fd", 0
    for fd in os.listdir(directory):
        try:
            count += os.readlink(f"{directory}/{fd}") != "anon_inode:[eventpoll]"
        except FileNotFoundError:
            pass
    return count

with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
    peer.connect("s")
    def send(text, number):
        socket.send_fds(peer, [text], [null] * number)
        return json.loads(process.stdout.readline())
    peer.send(b"warm-up")
    process.stdout.readline()
    before = count()
    for round in range(5):
        line = send(b"too many", 100)
        same((line["message"], line["control_truncated"], line["flags"]), ("too many", True, ["MSG_CTRUNC"]))
        assert 0 < len(line["fds"]) < 40, line["fds"]
        same({fd["path"] for fd in line["fds"]}, {"/dev/null"})
        line = send(b"enough", 2)
        same((line["message"], line["flags"], len(line["fds"])), ("enough", [], 2))
        assert "control_truncated" not in line, line
    deadline = time.monotonic() + 20
    while count() != before:
        assert time.monotonic() < deadline, (before, count())
process.terminate()
same(finish(process), (0, [], ""))
