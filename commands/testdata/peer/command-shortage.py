"""While RLIMIT_NPROC lets no process start, COMMAND waits, and it runs as soon as one can."""
from handed import *
from machine import skip
import resource, shutil

# Root's processes are not counted, so somebody else is needed.
USER = 40_000 + os.getpid() % 20_000
if os.geteuid() != 0:
    skip("only root can become another user")
def drop():
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)

# The directory that fdmsg is in may be root's alone; by way of a descriptor that does not matter.
program = os.open(shutil.which("fdmsg"), os.O_RDONLY)
options = dict(executable=f"/proc/self/fd/{program}", preexec_fn=drop)
try:
    subprocess.run(["fdmsg", "--help"], pass_fds=[program], check=True, stdout=subprocess.DEVNULL, **options)
except (OSError, subprocess.SubprocessError) as e:
    skip(f"not as another user: {e}")

# The abstract namespace asks for no permissions.
name = f"fdmsg-shortage-{os.getpid()}"
server, _ = serve("listen", "-t", "25", f"unix-seqpacket:@{name}", "--", "sh", "-c", "echo $FDMSG_MESSAGE", fds=[program], **options)
peers = [connected("\0" + name) for _ in range(4)]
for _ in range(3): # so that fdmsg has the threads that it needs
    for peer in peers:
        peer.send(b"warm-up")
    same([server.stdout.readline() for _ in peers], [b"warm-up\n"] * 4)
until(lambda: not children(server.pid))

def limit(processes):
    """Sets fdmsg's limit, as the user that it runs as: root itself is not always permitted to."""
    child = os.fork()
    if child == 0:
        try:
            drop()
            most = resource.prlimit(server.pid, resource.RLIMIT_NPROC)[1]
            resource.prlimit(server.pid, resource.RLIMIT_NPROC, (most if processes is None else processes, most))
            os._exit(0)
        finally:
            os._exit(1)
    same(os.waitpid(child, 0)[1], 0)

limit(1)
peers[0].send(b"one")
peers[1].send(b"two")
# It tries again and again, which nothing shows but time.
assert not select.select([server.stdout], [], [], 0.4)[0], server.stdout.readline()
same(server.poll(), None)
limit(None)
same({server.stdout.readline(), server.stdout.readline()}, {b"one\n", b"two\n"})

# The end of the run ends the waiting; what COMMAND was not run for is told.
limit(1)
peers[2].send(b"three")
assert not select.select([server.stdout], [], [], 0.2)[0], server.stdout.readline()
server.terminate()
out, err = server.communicate(timeout=20)
same(out, b"")
assert err.startswith(b"fdmsg: listen: connection 3: message ") and b"start COMMAND" in err and err.count(b"\n") == 2, err
same(server.returncode, 1)
