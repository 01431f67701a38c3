"""listen runs one COMMAND at a time for each connection, at most --max-children in all, and
leaves no zombies.
"""
from handed import *

# COMMAND says on FIFOs when it begins, and ends when it is told to.
BEGINS = 'echo "$FDMSG_MESSAGE $FDMSG_CONN" >begun; read -r word <"go-${FDMSG_MESSAGE%% *}"; echo "$FDMSG_MESSAGE" >>ended; exit "${FDMSG_MESSAGE##* }"'
os.mkfifo("begun")
begun, unread = os.open("begun", os.O_RDWR), []
open("ended", "w").close()
CONNECTIONS, MESSAGES = 5, 3

def begins():
    if not unread:
        assert select.select([begun], [], [], 20)[0], "no COMMAND begins"
        unread.extend(os.read(begun, 4096).decode().splitlines())
    return unread.pop(0).split()[0]

def go(name):
    with open(f"go-{name}", "w") as file:
        file.write("go\n")

def ended():
    with open("ended") as file:
        return [line.split()[0] for line in file]

server, _ = serve("listen", "-t", "40", "--max-children", "2", "--events", "--output", "log", "unix-seqpacket:./s", "--", "sh", "-c", BEGINS)
peers = [connected("s") for _ in range(CONNECTIONS)]
names = [[f"{i}.{j}" for j in range(MESSAGES)] for i in range(CONNECTIONS)]
for name in sum(names, []):
    os.mkfifo(f"go-{name}")
for i, peer in enumerate(peers):
    for name in names[i]:
        peer.send(f"{name} 0".encode())

# Two run, and however many others wait, none begins until one ends.
running, order = [], []
for count in range(CONNECTIONS * MESSAGES):
    while len(running) < min(2, CONNECTIONS * MESSAGES - count):
        running.append(begins())
        order.append(running[-1])
    assert len({name.split(".")[0] for name in running}) == len(running), f"two of one connection: {running}"
    # a third one would be a child, or have begun
    there = children(server.pid)
    assert len(there) <= 2, there
    assert not unread and not select.select([begun], [], [], 0.02)[0], "a third one"
    name = running.pop(count % len(running))
    go(name)
    until(lambda: name in ended())
for i in range(CONNECTIONS):
    same([name for name in order if name.startswith(f"{i}.")], names[i])
until(lambda: not children(server.pid))
for peer in peers:
    peer.close()

# Every COMMAND has its line: of which message, and how it ended.
until(lambda: len(events("log", "close")) == CONNECTIONS)
server.terminate()
same(finish(server), (0, [], ""))
lines = events("log")
same([line["seq"] for line in lines], list(range(1, len(lines) + 1)))
messages = {line["seq"]: line for line in lines if line["type"] == "message"}
exits = [line for line in lines if line["type"] == "exit"]
same(len({line["pid"] for line in exits}), CONNECTIONS * MESSAGES)
same(sorted(messages[line["message_seq"]]["message"] for line in exits), sorted(f"{name} 0" for name in sum(names, [])))
for line in exits:
    same((line["exit_code"], line["conn"], "signal" in line), (0, messages[line["message_seq"]]["conn"], False))
    assert line["seq"] > line["message_seq"]
same(lines[0]["type"], "listening")
same((lines[-1]["type"], lines[-1]["messages"], lines[-1]["connections"], lines[-1]["reason"]), ("end", CONNECTIONS * MESSAGES, CONNECTIONS, "SIGTERM"))

# Below the limit, all connections are served at once.
server, _ = serve("listen", "-t", "40", "unix-seqpacket:./s", "--", "sh", "-c", BEGINS)
peers = [connected("s") for _ in range(20)]
for i, peer in enumerate(peers):
    os.mkfifo(f"go-all{i}")
    peer.send(b"all%d 0" % i)
same({begins() for _ in range(20)}, {f"all{i}" for i in range(20)})
same(len(children(server.pid)), 20)
for i in range(20):
    go(f"all{i}")
until(lambda: not children(server.pid))
server.terminate()
same(finish(server), (0, [], ""))

# Exit codes and signals. When the exit line comes, there is no zombie left.
server, _ = serve("listen", "-t", "40", "-n", "8", "--events", "--output", "codes", "unix-seqpacket:./s", "--", "sh", "-c", "eval \"$FDMSG_MESSAGE\"")
with connected("s") as peer:
    for i, (script, want) in enumerate([("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", "SIGTERM"), ("kill -KILL $$", "SIGKILL"),
            ("kill -USR1 $$", "SIGUSR1"), ("kill -ABRT $$", "SIGABRT"), ("kill -HUP $$", "SIGHUP")]):
        peer.send(script.encode())
        line = until(lambda: events("codes", "exit")[i:])[0]
        same((line.get("exit_code"), line.get("signal")), (want, None) if isinstance(want, int) else (None, want))
        assert state_of(line["pid"]) is None, state_of(line["pid"])
same(finish(server), (0, [], ""))

# -n N: the run ends when the COMMANDs of N messages have ended, however long they take.
server, _ = serve("listen", "-t", "40", "-n", "2", "unix-seqpacket:./s", "--", "sh", "-c", BEGINS)
peers = [connected("s") for _ in range(2)]
for i, peer in enumerate(peers):
    os.mkfifo(f"go-last{i}")
    peer.send(b"last%d 9" % i)
same({begins(), begins()}, {"last0", "last1"})
until(lambda: not os.path.exists("s")) # nobody can connect any more
pids = children(server.pid)
try: # for longer than children have when a signal ends the run
    server.wait(timeout=2.5)
    raise SystemExit("gone before its COMMANDs")
except subprocess.TimeoutExpired:
    same(children(server.pid).keys(), pids.keys())
go("last1")
go("last0")
same(finish(server), (0, [], ""))

# Wrong usage.
for args in ["--max-children", "0", "./s", "--", "true"], ["--max-children", "2", "./s"], ["--max-children", "-1", "./s", "--", "true"], ["--events", "./s", "--", "true"]:
    code, lines, err = fdmsg("listen", *args)
    same((code, lines), (2, []))
    assert err.startswith("fdmsg: listen: "), err
