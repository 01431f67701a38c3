"""COMMAND that cannot be executed, and messages for which it is not run.

Needs: jq
"""
from handed import *
from fdmsgjq import bad
import fdmsgjq

with open("plain", "w") as file:
    file.write("no program\n")
with open("broken", "w") as file:
    file.write("#!/no/such/interpreter\n")
os.chmod("broken", 0o755)
with open("script", "w") as file: # without #!, which a shell runs
    file.write('echo "$1 $LISTEN_FDS $((LISTEN_PID == $$))"\n')
os.chmod("script", 0o755)
os.mkdir("dir")

# Noticed before anything is bound, connected, opened or saved: even where that could
# not be done.
for command, rest in ("listen", ["./nowhere/s"]), ("recv", ["./nowhere/s"]), ("call", ["./nowhere/s", "-m", "x"]), ("open", ["w:made"]):
    for more in [], ["--output", "out"], ["--save", "nowhere"]:
        for name in "no-such-command", "./missing", "":
            bad(fdmsgjq.fdmsg(command, *more, *rest, "--", name), 127, name)
        for name in "./plain", "./dir":
            bad(fdmsgjq.fdmsg(command, *more, *rest, "--", name), 126, name)
assert not os.path.exists("made") and not os.path.exists("out")

# Found only when COMMAND is executed, so that it fails only this message, with an exit code
# of COMMAND's.
server, _ = serve("listen", "-t", "25", "--events", "--output", "log", "unix-seqpacket:./s", "--", "./broken")
with connected("s") as peer:
    for _ in range(2):
        peer.send(b"x")
    same([line["exit_code"] for line in until(lambda: len(events("log", "exit")) == 2 and events("log", "exit"))], [126, 126])
server.terminate()
code, lines, err = finish(server)
same((code, lines, err.count("broken")), (0, [], 2))
assert all(line.startswith("fdmsg: ") for line in err.splitlines()), err
process = start("open", "plain", "--", "./broken")
bad(fdmsgjq.finish(process), 126, "broken")

# A script without an interpreter's name.
server, _ = serve("listen", "-t", "25", "-n", "1", "unix-seqpacket:./s", "--", "./script", "word")
with connected("s") as peer:
    socket.send_fds(peer, [b"x"], [0, 0])
out, err = server.communicate(timeout=30)
same((server.returncode, out, err), (0, b"word 2 1\n", b""))

# COMMAND is removed between two messages.
with open("goes", "w") as file:
    file.write("#!/bin/sh\nrm goes\n")
os.chmod("goes", 0o755)
server, _ = serve("listen", "-t", "25", "-n", "2", "unix-seqpacket:./s", "--", "./goes")
with connected("s") as peer:
    peer.send(b"x")
    until(lambda: not os.path.exists("goes"))
    peer.send(b"x")
code, lines, err = finish(server)
assert err.startswith("fdmsg: ") and "goes" in err and err.count("\n") == 1, err

# Descriptors or bytes that were cut off: COMMAND would be told half the truth.
null = os.open("/dev/null", os.O_RDONLY)
for args, data, fds in (["--control-size", "24"], b"x", [null] * 5), (["--control-size", "0"], b"x", [null]), (["--size", "3"], b"four", [null]):
    server, _ = serve("listen", "-t", "25", "--events", "--output", "cut", *args, "unix-seqpacket:./s", "--", "sh", "-c", "echo $FDMSG_MESSAGE $LISTEN_FDS")
    with connected("s") as peer:
        socket.send_fds(peer, [data], fds)
        peer.send(b"ok") # the connection goes on
        same(server.stdout.readline(), b"ok 0\n")
    until(lambda: events("cut", "close"))
    server.terminate()
    out, err = server.communicate(timeout=30)
    same((server.returncode, out), (1, b""))
    assert err.startswith(b"fdmsg: listen: connection 1: message ") and err.count(b"\n") == 2, err
    assert err.endswith(b"\nfdmsg: listen: messages for which COMMAND was not run: 1\n"), err
    (cut, whole), (error,) = events("cut", "message"), events("cut", "error")
    assert cut.get("control_truncated") or cut.get("truncated"), cut
    assert error["conn"] == 1 and error["error"] in err.decode(), error
    same([line["message_seq"] for line in events("cut", "exit")], [whole["seq"]])
    os.unlink("cut")
    for command, more in ("recv", []), ("call", ["-m", "x"]):
        ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
        with ours, theirs:
            socket.send_fds(ours, [data], fds)
            bad(fdmsgjq.fdmsg(command, "-t", "20", *args, *more, "-", "--", "touch", "ran", stdin=theirs), 1, "truncated" if "control" in args[0] else "")
assert not os.path.exists("ran")

# The peer closes while COMMAND runs: only the answer fails.
server, _ = serve("listen", "-t", "25", "--events", "--output", "gone", "unix-seqpacket:./s", "--", "sh", "-c",
    'echo begins; read word <go; fdmsg send -q fd:$FDMSG_CONN -m late 2>/dev/null; echo "answered $?"')
os.mkfifo("go")
peer = connected("s")
peer.send(b"x")
same(server.stdout.readline(), b"begins\n")
peer.close()
with open("go", "w") as go:
    go.write("go\n")
same(server.stdout.readline(), b"answered 1\n")
until(lambda: events("gone", "close"))
with connected("s") as peer:
    peer.send(b"x")
    same(server.stdout.readline(), b"begins\n")
    with open("go", "w") as go:
        go.write("go\n")
    same(peer.recv(100), b"late")
    same(server.stdout.readline(), b"answered 0\n")
server.terminate()
same(finish(server), (0, [], ""))
