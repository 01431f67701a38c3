"""call sends a message and receives the answer on the same socket, for every kind of
socket, with descriptors in both directions.

Needs: jq
"""
import os, socket, sys, threading
from fdmsgjq import *

work = os.environ["WORK"]
for name in "question", "answer":
    with open(name, "w") as file:
        file.write(f"contents of {name}\n")
STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
INET, INET6, UNIX = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX
answer = os.open("answer", os.O_RDONLY)

def serving(family, kind, where, talk):
    "A server for one peer in the background; the thread, and its address."
    sock = socket.socket(family, kind)
    sock.settimeout(20)
    sock.bind(where)
    if kind != DGRAM:
        sock.listen()
    bound = sock.getsockname()
    def run():
        with sock:
            if kind == DGRAM:
                talk(sock)
            else:
                with sock.accept()[0] as peer:
                    peer.settimeout(20)
                    talk(peer)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, bound

seen = []
def echo(sock):
    data, fds, _, sender = socket.recv_fds(sock, 1000, 5)
    seen.append((data, [os.read(fd, 100) for fd in fds], sender))
    for fd in fds:
        os.close(fd)
    reply = [b"you said ", data]
    control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, answer.to_bytes(4, sys.byteorder))] if fds else []
    sock.sendmsg(reply, control, 0, *([sender] if sender else []))

schemes = {"unix": (UNIX, STREAM), "unix-seqpacket": (UNIX, SEQPACKET), "unix-dgram": (UNIX, DGRAM), "tcp": (INET, STREAM), "udp": (INET, DGRAM), "tcp6": (INET6, STREAM), "udp6": (INET6, DGRAM)}
for scheme, (family, kind) in schemes.items():
    where = {UNIX: f"{work}/s", INET: ("127.0.0.1", 0), INET6: ("::1", 0)}[family]
    thread, bound = serving(family, kind, where, echo)
    to = f"{scheme}:{bound}" if family == UNIX else f"{scheme}:127.0.0.1:{bound[1]}" if family == INET else f"{scheme}:[::1]:{bound[1]}"
    fds = ["question"] if family == UNIX else []
    # only what is received is printed
    good(fdmsg("call", "-t", "20", to, "-m", "hello ", "-m", "there", *fds),
        'length == 1 and (.[0] | .type == "message" and .seq == 1 and .message == "you said hello there" and .size == 20 and [.fds[].content] == $contents)',
        contents=["contents of answer\n"] if fds else [])
    thread.join(20)
    data, contents, sender = seen.pop()
    same((data, contents), (b"hello there", [b"contents of question\n"] if fds else []))
    if scheme == "unix-dgram":
        assert sender, "the server could not have answered"
    if family == UNIX:
        os.unlink(where)

# With --from, a datagram server answers to that name; its file is gone afterwards.
thread, _ = serving(UNIX, DGRAM, f"{work}/s", echo)
good(fdmsg("call", "-t", "20", f"unix-dgram:{work}/s", "--from", f"unix-dgram:{work}/me", "-m", "hello"), f'.[0] | .message == "you said hello" and .from == "unix-dgram:{work}/s"')
thread.join(20)
same(seen.pop()[2], f"{work}/me")
assert not os.path.exists("me")
os.unlink("s")

# An empty question, an empty answer.
def empty(sock):
    data, _, _, sender = sock.recvmsg(100)
    sock.sendmsg([data], [], 0, *([sender] if sender else []))
for scheme, kind in ("unix-seqpacket", SEQPACKET), ("unix-dgram", DGRAM):
    thread, _ = serving(UNIX, kind, f"{work}/s", empty)
    good(fdmsg("call", "-t", "20", f"{scheme}:{work}/s", "-m", ""), 'length == 1 and .[0].message == "" and .[0].size == 0')
    thread.join(20)
    os.unlink("s")

# -n 2; -n 0 until it ends.
def two(sock):
    sock.recv(100)
    sock.send(b"one")
    try:
        sock.send(b"two")
    except BrokenPipeError:
        pass  # one was enough
for args, want in (["-n", "2"], ["one", "two"]), (["-n", "0"], ["one", "two"]), (["-n", "1"], ["one"]), ([], ["one"]):
    thread, _ = serving(UNIX, SEQPACKET, f"{work}/s", two)
    good(fdmsg("call", "-t", "20", *args, f"unix-seqpacket:{work}/s", "-m", "x"), 'map(.message) == $want and map(.seq) == [range(1; 1 + ($want | length))]', want=want)
    thread.join(20)
    os.unlink("s")
# ... and too few
thread, _ = serving(UNIX, SEQPACKET, f"{work}/s", two)
jq(bad(fdmsg("call", "-t", "20", "-n", "3", f"unix-seqpacket:{work}/s", "-m", "x"), 3, f"unix-seqpacket:{work}/s"), 'map(.message) == ["one", "two"]')
thread.join(20)
os.unlink("s")

# fd:N and -: connected ones; an unconnected datagram socket with --to.
ours, theirs = socket.socketpair(UNIX, SEQPACKET)
ours.send(b"answer")
good(fdmsg("call", "-t", "20", "-", "-m", "question", stdin=theirs), '.[0].message == "answer"')
good(fdmsg("send", "-t", "20", "-", "-m", "still open", stdin=theirs), 'length == 1')
same([ours.recv(100), ours.recv(100)], [b"question", b"still open"])
thread, bound = serving(INET, DGRAM, ("127.0.0.1", 0), echo)
with socket.socket(INET, DGRAM) as sock:
    good(fdmsg("call", "-t", "20", f"fd:{sock.fileno()}", "--to", f"udp:127.0.0.1:{bound[1]}", "-m", "over UDP", fds=[sock.fileno()]),
        f'.[0] | .message == "you said over UDP" and .from == "udp:127.0.0.1:{bound[1]}"')
thread.join(20)
thread, _ = serving(UNIX, DGRAM, f"{work}/s", echo)
with socket.socket(UNIX, DGRAM) as sock:
    sock.bind(f"{work}/mine")
    good(fdmsg("call", "-t", "20", f"fd:{sock.fileno()}", "--to", f"unix-dgram:{work}/s", "-m", "x", "question", fds=[sock.fileno()]), '.[0] | .message == "you said x" and .fds[0].content == "contents of answer\\n"')
    thread.join(20)
    assert os.path.exists("mine"), "removed what is not its own"
os.unlink("s")

# --wait until the server is there.
process = start("call", "-t", "20", "--wait", "20", f"unix-seqpacket:{work}/s", "-m", "early", "-o", "SO_PASSCRED")
thread, _ = serving(UNIX, SEQPACKET, f"{work}/s", echo)
good(finish(process), '.[0] | .message == "you said early" and .control[0].type == "SCM_CREDENTIALS" and .control[0].pid == $pid', pid=os.getpid())
thread.join(20)
