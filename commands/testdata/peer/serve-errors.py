"""An error of one peer is told, on standard error and with --events in a line, and ends
nothing for the others.
"""
import re
from serving import *

INET, UDP = socket.AF_INET, socket.SOCK_DGRAM
reset = struct.pack("ii", 1, 0) # SO_LINGER: close with a reset

def port(address):
    return "127.0.0.1", int(address.rpartition(":")[2])

def errors(lines):
    return [l["error"] for l in lines if l["type"] == "error"]

def told(code, lines, err, *patterns):
    """It ended well, and each error was told in both places."""
    same(code, 0)
    warned(err, *patterns)
    same(len(errors(lines)), len(patterns))
    for pattern in patterns:
        assert any(re.fullmatch(pattern, e) for e in errors(lines)), (pattern, errors(lines))

# Peers that leave before the answer to their datagram: COMMAND waits until they have.
answer = "read x <gone; fdmsg send -q fd:$FDMSG_CONN --to $FDMSG_FROM -m answer"
os.mkfifo("gone")
process, (first, second) = serve("listen", "-t", "25", "-o", "IP_RECVERR", "--events", "--output", "log", "udp:127.0.0.1:0", "udp:127.0.0.1:0",
    "--", "sh", "-c", answer)
left = []
for _ in range(6):
    with socket.socket(INET, UDP) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.sendto(b"question", port(first))
        left.append(peer.getsockname()[1])
    with open("gone", "w") as fifo:
        fifo.write("\n")
    until(lambda: open("log").read().count('"type":"error"') == len(left), "the error is not told")
for address in first, second:
    with socket.socket(INET, UDP) as peer:
        peer.settimeout(20)
        peer.sendto(b"question", port(address))
        with open("gone", "w") as fifo:
            fifo.write("\n")
        same(peer.recv(100), b"answer")
process.terminate()
code, _, err = finish(process)
with open("log") as log:
    told(code, [json.loads(l) for l in log], err, *(f"{first}: receive: .*connection refused: sent to udp:127.0.0.1:{p}" for p in left))

# Peers that connect and reset before they are accepted: an option is refused for them.
process, (address, other) = serve("listen", "-t", "25", "-n", "2", "-o", "SO_TIMESTAMPING=TX_SOFTWARE+SOFTWARE+OPT_ID", "--events", "tcp:127.0.0.1:0", "tcp:127.0.0.1:0")
stop(process)
for _ in range(4):
    with socket.create_connection(port(address)) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
process.send_signal(signal.SIGCONT)
for a in address, other:
    with socket.create_connection(port(a)) as peer:
        peer.send(b"x")
code, lines, err = finish(process)
same(sorted(l["local"] for l in lines if l["type"] == "message"), sorted([address, other]))
told(code, lines, err, *[f"{address}: set SO_TIMESTAMPING: invalid argument"] * 4)

# Inherited connections: a reset, and a frame that is none. With nothing else to serve, they
# are what the run ends with.
def inherited():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    return peer, ours

def by_reset(peer):
    peer.close()

def by_frame(peer):
    peer.send(b"\xff\xff\xff\xff")

for end, why in (by_reset, "connection reset"), (by_frame, "4294967295"):
    peer, ours = inherited()
    with peer, ours:
        n = ours.fileno()
        process, addresses = serve("listen", "-t", "25", "-n", "1", "--frame", "u32be", "--events", f"fd:{n}", "./s", fds=[n])
        end(peer)
        until(lambda: json.loads(process.stdout.readline())["type"] == "error", "the error is not told")
        with connect("s") as other:
            other.send(b"\0\0\0\1x")
            code, lines, err = finish(process)
        same((code, [l["message"] for l in lines if l["type"] == "message"]), (0, ["x"]))
        warned(err, f".*receive: .*{why}.*")
    peer, ours = inherited()
    with peer, ours:
        n = ours.fileno()
        end(peer)
        code, lines, err = fdmsg("listen", "-t", "25", "--frame", "u32be", f"fd:{n}", fds=[n])
        same((code, lines), (1, []))
        warned(err, f".*receive: .*{why}.*")
