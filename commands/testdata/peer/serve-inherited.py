"""Sockets passed by a service manager: all of them, or those with a given name. At the end
they are merely closed: others who share them go on.
"""
from serving import *

stream, datagrams = socket.socket(socket.AF_UNIX, STREAM), socket.socket(socket.AF_UNIX, DGRAM)
same((stream.fileno(), datagrams.fileno()), (3, 4)) # where sd_listen_fds(3) has them
stream.bind(f"{work}/stream")
stream.listen()
datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
datagrams.bind(f"{work}/datagrams")
for s in stream, datagrams:
    s.settimeout(20)
names = [f"unix:{work}/stream", f"unix-dgram:{work}/datagrams"]
os.environ.update(LISTEN_FDS="2", LISTEN_FDNAMES="connections:messages")

def activated(*args):
    return serve("listen", "-t", "25", *args, fds=[3, 4], preexec_fn=lambda: os.putenv("LISTEN_PID", str(os.getpid())))

def failed(*args, env={}, **options):
    code, lines, err = fdmsg("listen", "-t", "25", *args, fds=[3, 4], env={**os.environ, **env} if env else None, **options)
    same((code, lines), (1, []))
    return err

me = lambda: os.putenv("LISTEN_PID", str(os.getpid()))
assert "systemd:other: " in (err := failed("systemd:other", preexec_fn=me)) and "connections:messages" in err, err
assert "LISTEN_PID" in failed("systemd:")
assert "LISTEN_PID" in failed("systemd:", env={"LISTEN_PID": str(os.getpid())}) # that is another process

# More are said to be passed than are open: known at once, and nothing is allocated for them.
def passed(count):
    def prepare():
        me()
        os.putenv("LISTEN_FDS", count)
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    return prepare
for count in "3", "100000000", str((1 << 31) - 1), str((1 << 63) - 1), "9" * 30:
    for address in "systemd:", "systemd:messages", "systemd:other":
        err = failed(address, preexec_fn=passed(count))
        assert err.startswith(f"fdmsg: listen: {address}: fewer descriptors were passed") and f"{count}; fd:5: descriptor not open\n" in err, err
for count in "", "0", "-1", "x", "1e3", " 2":
    assert "no sockets were passed" in failed("systemd:", preexec_fn=passed(count))

# By name, and all.
process, addresses = activated("systemd:messages", "-n", "1")
same(addresses, names[1:])
with connect("datagrams", DGRAM) as peer:
    peer.send(b"by name")
code, lines, err = finish(process)
same((code, err, [(l["message"], l["local"], l["peer"]["pid"]) for l in lines]), (0, "", [("by name", names[1], os.getpid())]))

process, addresses = activated("systemd:")
same(addresses, names)
before = connect("stream")
before.send(b"connected")
same(line(process)["message"], "connected")
datagram = connect("datagrams", DGRAM)
datagram.send(b"datagram")
same(line(process)["message"], "datagram")

# What is queued at the signal: messages come out; connections go to fdmsg or to us.
stop(process)
before.send(b"connected still")
datagram.send(b"datagram still")
queued = [connect("stream") for _ in range(5)]
for i, peer in enumerate(queued):
    peer.send(b"queued %d" % i)
process.terminate()
process.send_signal(signal.SIGCONT)
code, lines, err = finish(process)
same((code, err), (0, ""))
got = [l["message"] for l in lines]
assert {"connected still", "datagram still"} <= set(got), got
last = connect("stream")
last.send(b"last")
while "last" not in got:
    with stream.accept()[0] as peer:
        peer.settimeout(20)
        got.append(peer.recv(100).decode())
same(sorted(got), sorted(["connected still", "datagram still", "last", *(f"queued {i}" for i in range(5))]))

# Nor is a datagram socket shut, nor a file removed.
datagram.send(b"to the other")
same(datagrams.recv(100), b"to the other")
assert os.path.exists("stream") and os.path.exists("datagrams")
same([os.get_blocking(s) for s in (3, 4)], [False, False]) # as Python has them
