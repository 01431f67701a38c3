"""Flags of listen that contradict each other or have no effect: exit code 2 and a line that
names them, before anything is bound.
"""
from serving import *

def wrong(*args, names):
    code, lines, err = fdmsg("listen", "-t", "25", *args)
    same((args, code, lines), (args, 2, []))
    report = err.splitlines()
    assert 1 <= len(report) <= 2 and report[0].startswith("fdmsg: listen: "), err
    assert len(report) == 1 or report[1].startswith("fdmsg: hint: "), err
    assert all(name in report[0] for name in names), (names, err)
    assert not os.path.exists("s"), args

# For TCP and UDP it is unknown who the peers are.
for flag in "--allow-uid", "--allow-gid":
    for address in "tcp:127.0.0.1:0", "tcp6:[::1]:0", "udp:127.0.0.1:0":
        wrong(flag, "0", address, names=[flag, address])
        wrong(flag, "0", "./s", address, names=[flag, address])
    for name in "no-such-name-here", "", "4294967296", "-1", "0x0", "root\n":
        wrong(f"{flag}={name}", "./s", names=[flag, "unknown"])
    wrong(flag, "0", flag, "no-such-name-here", "./s", names=[flag, "no-such-name-here"])
with socket.socket() as tcp:
    tcp.bind(("127.0.0.1", 0))
    tcp.listen()
    code, lines, err = fdmsg("listen", "-t", "25", "--allow-uid", "0", f"fd:{tcp.fileno()}", fds=[tcp.fileno()])
    same((code, lines, "--allow-uid" in err), (2, [], True))

# There is no file.
for address in "@name", "unix-dgram:@name", "tcp:127.0.0.1:0":
    wrong("--mode", "0600", address, names=["--mode", address])
for mode in "0888", "rw", "01777", "-1", "":
    wrong(f"--mode={mode}", "./s", names=["--mode"])

# Not open, not there, not a number.
wrong("--ready-fd", "77", "./s", names=["--ready-fd", "77", "not open"])
wrong("--ready-fd", "-1", "./s", names=["--ready-fd"])
for flag in "--backlog", "--max-connections", "--max-children":
    for value in "-1", "x", "", "1.5", "1K", "99999999999":
        wrong(f"{flag}={value}", "./s", names=[flag])
for flag in "--drain", "--idle-timeout":
    for value in "-1", "soon", "", "1d", "1:30":
        wrong(f"{flag}={value}", "./s", names=[flag])
for value in "some", "", "PASS":
    wrong(f"--fds={value}", "./s", names=["--fds"])
wrong("--max-children", "2", "./s", names=["--max-children", "COMMAND"])
wrong("--max-children", "0", "./s", "--", "true", names=["--max-children"])
wrong("--events", "./s", "--", "true", names=["--events"])
wrong("-F", "MSG_PEEK", "./s", names=["MSG_PEEK"])

# What cannot be told before: one of several is in use. The others are given back.
with socket.socket(socket.AF_UNIX, DGRAM) as taken:
    taken.bind("taken")
    code, lines, err = fdmsg("listen", "-t", "25", "./s", "unix-seqpacket:./q", "./taken")
    same((code, lines, os.listdir()), (1, [], os.listdir()))
    assert f"unix:{work}/taken: " in err and "in use" in err, err
    assert not os.path.exists("s") and not os.path.exists("q")
# Whoever waits for it has gone, or it is not for writing.
r, w = os.pipe()
os.close(r)
with open(os.devnull) as null:
    for fd in w, null.fileno():
        code, lines, err = fdmsg("listen", "-t", "25", "--ready-fd", str(fd), "./s", fds=[fd])
        same((code, lines, "--ready-fd" in err, os.path.exists("s")), (1, [], True, False))
