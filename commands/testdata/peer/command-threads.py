"""Where RLIMIT_NPROC has room for another process but not for the threads that it starts
with, COMMAND is tried again: either it runs, or the exit code says that it did not. A
COMMAND that starts as the time of --drain ends gets the signal for it.
"""
from handed import *
import resource, shutil

USER = 40_000 + os.getpid() % 20_000
program = os.open(shutil.which("fdmsg"), os.O_RDONLY)
name = f"fdmsg-threads-{os.getpid()}"
ran = 0
for limit in range(7, 40):
    if ran == 2:
        break
    log = open(f"log-{limit}", "w")
    os.fchmod(log.fileno(), 0o666)
    def drop():
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
    try:
        server, _ = serve("listen", "-t", "0.5", "--drain", "0.2", "-n", "1", "--events", "--output", f"/proc/self/fd/{log.fileno()}", f"unix-seqpacket:@{name}", "--", "echo", "ran", preexec_fn=drop, fds=[program, log.fileno()], executable=f"/proc/self/fd/{program}")
    except AssertionError:
        continue # too few for fdmsg itself
    with connected("\0" + name) as peer:
        peer.send(b"x")
    out, err = server.communicate(timeout=20)
    ended = [exit.get("signal", exit.get("exit_code")) for exit in events(log.name, "exit")]
    same((limit, ended), (limit, [] if server.returncode else ["SIGTERM"] if ended == ["SIGTERM"] else [0]))
    ran += ended == [0]
    if ended != ["SIGTERM"]:
        same((limit, out), (limit, b"ran\n" if ended else b""))
same(ran, 2)
