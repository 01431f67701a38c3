"""COMMAND answers datagrams on FDMSG_CONN, which is the socket itself, to FDMSG_FROM."""
from handed import *

ANSWER = 'echo "$FDMSG_MESSAGE ${FDMSG_FROM-nobody}"; [ -z "$FDMSG_FROM" ] || fdmsg send -q fd:$FDMSG_CONN --to "$FDMSG_FROM" -m "re: $FDMSG_MESSAGE" "$@"'
with open("file", "w") as file:
    file.write("contents\n")

# Unix: file names, names in the abstract namespace, names that are no text; with a
# descriptor in the answer.
server, _ = serve("listen", "-t", "25", "unix-dgram:./s", "--", "sh", "-c", ANSWER, "sh", "file")
for name, shown in (os.getcwd() + "/me", "unix-dgram:" + os.getcwd() + "/me"), (f"\0fdmsg-{os.getpid()}", f"unix-dgram:@fdmsg-{os.getpid()}"), \
        (b"\0\xff\n%d" % os.getpid(), "unix-dgram-hex:" + (b"\0\xff\n%d" % os.getpid()).hex()), ("", None):
    with socket.socket(socket.AF_UNIX, DGRAM) as peer:
        peer.settimeout(20)
        peer.bind(name) # "": the kernel picks a name
        shown = shown or "unix-dgram:@" + peer.getsockname()[1:].decode()
        for i in range(3):
            peer.sendto(b"%d" % i, "./s")
            same(server.stdout.readline().decode(), f"{i} {shown}\n")
            data, fds, _, sender = socket.recv_fds(peer, 100, 5)
            same((data, os.read(fds[0], 100)), (b"re: %d" % i, b"contents\n"))
            assert sender.endswith("/s"), sender
            os.close(fds[0])
# fdmsg call as the client; and a client without a name, which cannot be answered.
same(fdmsg("call", "-t", "20", "unix-dgram:./s", "-m", "hello")[1][0]["message"], "re: hello")
assert server.stdout.readline().startswith(b"hello unix-dgram:@")
with socket.socket(socket.AF_UNIX, DGRAM) as peer:
    peer.sendto(b"x", "./s")
same(server.stdout.readline(), b"x nobody\n")
server.terminate()
same(finish(server), (0, [], ""))

# UDP, IPv6 too where there is one; several peers' datagrams in turn.
for family, host, address in (socket.AF_INET, "127.0.0.1", "udp:127.0.0.1"), (socket.AF_INET6, "::1", "udp:[::1]"):
    try:
        peers = [socket.socket(family, DGRAM) for _ in range(3)]
        for peer in peers:
            peer.settimeout(20)
            peer.bind((host, 0))
    except OSError as e:
        print(f"not run: {address}: {e}")
        continue
    server, (bound,) = serve("listen", "-t", "25", f"{address}:0", "--", "sh", "-c", ANSWER)
    port = int(bound.rpartition(":")[2])
    for i, peer in enumerate(peers):
        peer.sendto(b"%d" % i, (host, port))
    for i, peer in enumerate(peers):
        same(peer.recvfrom(100)[0], b"re: %d" % i)
        same(server.stdout.readline().decode(), f"{i} {address}:{peer.getsockname()[1]}\n")
        peer.close()
    server.terminate()
    same(finish(server), (0, [], ""))

# A connected stream has no FDMSG_FROM: COMMAND answers on the socket itself.
server, (bound,) = serve("listen", "-t", "25", "tcp:127.0.0.1:0", "--", "sh", "-c", 'echo ${FDMSG_FROM-nobody}; fdmsg send -q fd:$FDMSG_CONN -m "re: $FDMSG_MESSAGE"')
same(fdmsg("call", "-t", "20", bound, "-m", "hello")[1][0]["message"], "re: hello")
same(server.stdout.readline(), b"nobody\n")
server.terminate()
same(finish(server), (0, [], ""))

# recv names the sender in its line only: its COMMAND cannot answer.
process, _ = serve("recv", "-t", "20", "unix-dgram:./s", "--", *HANDED)
with socket.socket(socket.AF_UNIX, DGRAM) as peer:
    peer.bind("")
    peer.sendto(b"x", "./s")
code, (got,), err = finish(process)
same((code, err, got["env"], sorted(got["fds"])), (0, "", dict(LISTEN_FDS="0", LISTEN_PID=str(process.pid), FDMSG_MESSAGE="x"), ["0", "1", "2"]))
