"""Peers that are killed in the middle of a message, and one that has too many descriptors
in flight.
"""
import shutil
from serving import *

null = os.open("/dev/null", os.O_RDONLY)

def child(run):
    pid = os.fork()
    if not pid:
        status = 1
        try:
            run()
            status = 0
        finally:
            os._exit(status)
    return pid

# Killed in mid-message: what it had sent comes out, and the other is served.
process, _ = serve("listen", "-t", "50", "--events", "./s")
same(line(process)["type"], "listening")
other = connect("s")
same(line(process)["type"], "open")
before = opened(process)
def endless():
    with connect("s") as peer:
        socket.send_fds(peer, [b"begin"], [null] * 253)
        peer.settimeout(None)
        peer.sendall(b"x" * (1 << 28))
for _ in range(3):
    pid = child(endless)
    got = line(process)
    same((got["type"], conn := got["conn"]), ("open", conn))
    got = line(process)
    same((got["message"], len(got["fds"]), got["conn"]), ("begin", 253, conn))
    for _ in range(3): # lines for it all would be thousands
        got = line(process)
        same((got["conn"], set(got["message"])), (conn, {"x"}))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    messages = 4
    while (got := line(process))["type"] == "message":
        assert got["conn"] == conn and set(got["message"]) == {"x"}, got
        messages += 1
    same((got["type"], got["conn"], got["messages"], got.get("reason")), ("close", conn, messages, None))
    assert messages < 1000, "it had come to its end"
    other.send(b"other")
    same(line(process)["message"], "other")
until(lambda: opened(process) == before, "descriptors stay open")
process.terminate()
same(finish(process)[::2], (0, ""))
other.close()

# ETOOMANYREFS: a user who is nothing special has more descriptors under way than he
# may have open. fdmsg send waits until some have arrived.
name = f"fdmsg-killed-{os.getpid()}"
process, _ = serve("listen", "-t", "50", f"unix-seqpacket:@{name}")
user = 20_000 + os.getpid() % 40_000 # not that of another test
ids = dict(user=user, group=user, extra_groups=[]) if os.getuid() == 0 else {}
stop(process)
ours, theirs = socket.socketpair()
def many():
    few(50)()
    if ids:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    peer = connect("\0" + name, SEQPACKET)
    sent = 0
    while sent < 1000:
        try:
            socket.send_fds(peer, [b"many"], [null] * 20)
        except OSError as e:
            same(e.errno, errno.ETOOMANYREFS)
            break
        sent += 1
    theirs.send(b"%d" % sent)
    ours.close()
    theirs.recv(1) # stays as long as the test does
pid = child(many)
theirs.close()
sent = int(ours.recv(100))
if sent == 1000:
    print("not run: this user may have any number of descriptors under way")
else:
    # The program may be where only we can get to; a descriptor of it will do.
    program = os.open(shutil.which("fdmsg"), os.O_RDONLY)
    send = lambda *args: start("send", f"unix-seqpacket:@{name}", "-m", "one more", "fd:" + str(null), *args,
        fds=[null, program], executable=f"/proc/self/fd/{program}", preexec_fn=few(50), **ids)
    code, lines, err = finish(send("-t", "0.2"))
    same((code, lines), (124, []))
    patient = send("-t", "30")
    try:
        raise AssertionError(f"not waited: {patient.wait(timeout=0.3)}")
    except subprocess.TimeoutExpired:
        pass
    process.send_signal(signal.SIGCONT)
    code, lines, err = finish(patient)
    same((code, err, lines[0]["type"], len(lines[0]["fds"])), (0, "", "sent", 1))
    got = [line(process) for _ in range(sent + 1)]
    same(sorted((l["message"], len(l["fds"]), l["flags"]) for l in got), [("many", 20, [])] * sent + [("one more", 1, [])])
process.send_signal(signal.SIGCONT)
ours.close()
same(os.waitpid(pid, 0)[1], 0)
process.terminate()
same(finish(process)[::2], (0, ""))
