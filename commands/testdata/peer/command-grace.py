"""When a signal or --timeout ends listen, the COMMANDs that still run have a second to
finish, then get the signal, and are killed after another second. None is left over.
"""
from handed import *

# what COMMAND does, by the message
SCRIPT = '''
import os, signal, sys, time
what = os.environ["FDMSG_MESSAGE"]
def say(*words): # print must not be interrupted by itself
    os.write(1, (" ".join([what, *words]) + chr(10)).encode())
def handler(number, frame):
    say("got", signal.Signals(number).name)
    if what == "obeys":
        sys.exit(3)
for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
    signal.signal(number, handler)
say("begins")
if what == "quick": # to end by itself in the time that it is given
    # the socket's file goes first
    while os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    sys.exit(5)
while True:
    signal.pause()
'''

def server(name, *args):
    return serve("listen", *args, "--events", "--output", f"log-{name}", f"unix-seqpacket:./{name}", "--", sys.executable, "-c", SCRIPT, name, preexec_fn=defaults)[0]

# All at the same time, as each takes two seconds. The one with --timeout is looked at last.
ways = {"SIGTERM": (["-t", "40"], 0), "SIGHUP": (["-t", "40"], 0), "SIGINT": (["-t", "40"], -signal.SIGINT), "timeout": (["-t", "3"], 0)}
servers, peers = {}, {}
for name, (args, _) in ways.items():
    servers[name] = server(name, *args)
    peers[name] = [connected(name) for _ in range(3)]
    for peer, what in zip(peers[name], [b"obeys", b"ignores", b"quick"]):
        peer.send(what)
pids = {}
for name, process in servers.items():
    same({process.stdout.readline() for _ in range(3)}, {b"obeys begins\n", b"ignores begins\n", b"quick begins\n"})
    pids[name] = children(process.pid)
    same(len(pids[name]), 3)
asked = time.monotonic()
for name, process in servers.items():
    if name != "timeout":
        process.send_signal(getattr(signal, name))

def ended(name, want):
    """What is true when a run has ended that was to end."""
    out, err = servers[name].communicate(timeout=30)
    sent = "SIGTERM" if name == "timeout" else name
    same((servers[name].returncode, err), (want, b""))
    same(sorted(out.decode().splitlines()), [f"ignores got {sent}", f"obeys got {sent}"])
    same([state_of(pid) for pid in pids[name]], [None] * 3)
    messages = {line["seq"]: line["message"] for line in events(f"log-{name}", "message")}
    exits = {messages[line["message_seq"]]: line for line in events(f"log-{name}", "exit")}
    same({what: (line.get("exit_code"), line.get("signal")) for what, line in exits.items()}, {"obeys": (3, None), "ignores": (None, "SIGKILL"), "quick": (5, None)})
    # not too early: quick at once, obeys after a second, ignores after two
    seconds = {what: time.mktime(time.strptime(line["time"][:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + line["time"][19:-1]) for what, line in exits.items()}
    assert 0.5 < seconds["obeys"] - seconds["quick"] and 0.5 < seconds["ignores"] - seconds["obeys"] < 8, seconds
    assert not os.path.exists(name)

for name in "SIGTERM", "SIGHUP", "SIGINT":
    ended(name, ways[name][1])
assert time.monotonic() - asked > 1.9

# A second signal ends fdmsg at once; its exit code is the signal's.
process = server("twice", "-t", "40")
with connected("twice") as peer:
    peer.send(b"obeys")
    same(process.stdout.readline(), b"obeys begins\n")
    (child, _), = children(process.pid).items()
    process.send_signal(signal.SIGTERM)
    until(lambda: not os.path.exists("twice"))
    process.send_signal(signal.SIGTERM)
    same(process.wait(timeout=20), -signal.SIGTERM)
    os.kill(child, signal.SIGTERM)
    same(process.stdout.readline(), b"obeys got SIGTERM\n")
    until(lambda: state_of(child) in (None, "Z"))

# recv, call and open are COMMAND: a signal is COMMAND's.
process, _ = serve("recv", "-t", "40", "unix-seqpacket:./r", "--", sys.executable, "-c", SCRIPT, "", preexec_fn=defaults)
with connected("r") as peer:
    peer.send(b"obeys")
    same(process.stdout.readline(), b"obeys begins\n")
    process.terminate()
    out, err = process.communicate(timeout=30)
    same((process.returncode, out, err), (3, b"obeys got SIGTERM\n", b""))
# --timeout concerns only what comes before COMMAND.
process = start("open", "-t", "0.3", "/dev/null", "--", sys.executable, "-c", "import time; time.sleep(0.6); print('still there')")
same(process.communicate(timeout=30)[0], b"still there\n")

ended("timeout", 0)
