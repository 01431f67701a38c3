"""How call ends: 3 when the peer closes without an answer, 124 at the timeout, 1 when it
cannot be made, 2 for wrong usage; or it becomes COMMAND.

Needs: jq
"""
import os, socket, threading
from fdmsgjq import *

work = os.environ["WORK"]
with open("answer", "w") as file:
    file.write("contents\n")
answer = os.open("answer", os.O_RDONLY)
STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET

# The peer takes the question and closes.
for kind in STREAM, SEQPACKET:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    process = start("call", "-t", "20", "-", "-m", "question", stdin=theirs)
    same(ours.recv(100), b"question")
    ours.close()
    same(bad(finish(process), 3, "fdmsg: call: fd:0: "), "")
    # a peer that has closed cannot be asked
    same(bad(fdmsg("call", "-t", "20", "-", "-m", "question", stdin=theirs), 1, "broken pipe"), "")
    # not even if an answer is already queued
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    ours.send(b"answer")
    ours.shutdown(socket.SHUT_WR)
    good(fdmsg("call", "-t", "20", "-", "-m", "question", stdin=theirs), '.[0].message == "answer"')
    jq(bad(fdmsg("call", "-t", "20", "-n", "1", "-", "-m", "question", stdin=theirs), 3), 'length == 0')

# No answer in time, though the question was sent; and no server in time.
for kind in STREAM, SEQPACKET, DGRAM:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    same(bad(fdmsg("call", "-t", "0.05", "-", "-m", "question", stdin=theirs), 124, "timed out"), "")
    same(ours.recv(100), b"question")
ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
ours.send(b"one")
jq(bad(fdmsg("call", "-t", "0.05", "-n", "2", "-", "-m", "question", stdin=theirs), 124), 'map(.message) == ["one"]')
same(bad(fdmsg("call", "-t", "0.05", "--wait", "20", f"{work}/nobody", "-m", "x"), 124), "")
bad(fdmsg("call", "-t", "20", f"{work}/nobody", "-m", "x"), 1, f"{work}/nobody", "no such file")
bad(fdmsg("call", "-t", "20", f"unix-dgram:{work}/nobody", "-m", "x"), 1, f"{work}/nobody", "no such file")

# Wrong usage: nothing to send; more than one answer for COMMAND; standard input used twice.
bad(fdmsg("call", f"{work}/s"), 2, "nothing to send", hint="-M -")
bad(fdmsg("call", f"{work}/s", "--", "true"), 2, "nothing to send")
bad(fdmsg("call", "-n", "2", f"{work}/s", "-m", "x", "--", "true"), 2, "-n")
bad(fdmsg("call", "-n", "0", f"{work}/s", "-m", "x", "--", "true"), 2, "-n")
bad(fdmsg("call", f"{work}/s", "-M", "-", "-"), 2, "standard input")
bad(fdmsg("call", "-", "-M", "-"), 2, "standard input")
bad(fdmsg("call"), 2, "ADDRESS")

# COMMAND: checked before anything is sent.
ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
bad(fdmsg("call", "-t", "20", "-", "-m", "x", "--", "no-such-command", stdin=theirs), 127, "no-such-command")
bad(fdmsg("call", "-t", "20", "-", "-m", "x", "--", "./answer", stdin=theirs), 126, "answer")
ours.setblocking(False)
try:
    assert False, ours.recv(100)
except BlockingIOError:
    pass

# COMMAND gets the answer and its descriptors, nothing else is printed, and its exit code counts.
for kind in STREAM, SEQPACKET, DGRAM:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    socket.send_fds(ours, [b"the answer"], [answer, answer])
    code, out, err = fdmsg("call", "-t", "20", "-", "-m", "question", "--", "sh", "-c",
        'echo "$FDMSG_MESSAGE $LISTEN_FDS $(( LISTEN_PID == $$ )) $(readlink /proc/self/fd/4)"; exit 7', stdin=theirs)
    same((code, out, err), (7, f"the answer 2 1 {os.path.realpath('answer')}\n", ""))
    same(ours.recv(100), b"question")
ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
ours.send(b"no descriptors")
same(fdmsg("call", "-t", "20", "-", "-m", "x", "answer", "--", "sh", "-c", 'echo "$FDMSG_MESSAGE ${LISTEN_FDS:-0}"; ls /proc/self/fd | wc -l', stdin=theirs)[:2], (0, "no descriptors 0\n4\n"))
# no answer, no COMMAND
process = start("call", "-t", "20", "-", "-m", "x", "--", "touch", f"{work}/started", stdin=theirs)
same(len([ours.recv(100), ours.recv(100)]), 2)
ours.close()
bad(finish(process), 3)
assert not os.path.exists("started")

# -q says nothing; fdmsg-call is call.
ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)
ours.send(b"answer")
same(fdmsg("call", "-q", "-t", "20", "-", "-m", "x", stdin=theirs), (0, "", ""))

# A signal in the wait: its exit code, nothing printed, the name of --from removed.
with socket.socket(socket.AF_UNIX, DGRAM) as server:
    server.settimeout(20)
    server.bind(f"{work}/server")
    process = start("call", "-t", "20", f"unix-dgram:{work}/server", "--from", f"unix-dgram:{work}/me", "-m", "question")
    same(server.recvfrom(100), (b"question", f"{work}/me"))
    process.terminate()
    code, out, err = finish(process)
    same((code, out, os.path.exists("me")), (-15, "", False))
