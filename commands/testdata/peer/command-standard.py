"""--stdin I and --stdout I make descriptor I the standard input or output of COMMAND as
well.

Needs: jq
"""
from handed import *
from fdmsgjq import bad
import fdmsgjq

with open("in", "w") as file:
    file.write("1\n2\n3\n")

def recv(names, *args):
    process, _ = serve("recv", "-t", "20", *args[:-1], "./s", "--", "sh", "-c", args[-1])
    same(fdmsg("send", "-q", "-t", "20", "./s", "-m", "x", *names), (0, [], ""))
    return process

def call(names, *args):
    server, _ = serve("listen", "-t", "20", "-n", "1", "./s", "--", "sh", "-c", 'fdmsg send -q fd:$FDMSG_CONN -m x "$@"', "sh", *names)
    process = start("call", "-t", "20", "./s", "-m", "x", *args[:-1], "--", "sh", "-c", args[-1])
    same(finish(server), (0, [], ""))
    return process

def open_(names, *args):
    return start("open", *args[:-1], *names, "--", "sh", "-c", args[-1])

def listen(names, *args):
    process, _ = serve("listen", "-t", "20", "-n", "1", *args[:-1], "./s", "--", "sh", "-c", args[-1])
    same(fdmsg("send", "-q", "-t", "20", "./s", "-m", "x", *names), (0, [], ""))
    return process

def text(process):
    out, err = process.communicate(timeout=30)
    return process.returncode, out.decode(), err.decode()

def slurp(path):
    with open(path) as file:
        return file.read()

for run in recv, call, open_, listen:
    same(text(run(["in"], "--stdin", "0", "wc -l")), (0, "3\n", ""))
    # as well: the descriptor is at its place, too
    same(text(run(["/dev/null", "in"], "--stdin", "1", "test /dev/fd/0 -ef /dev/fd/4 && cat <&4")), (0, "1\n2\n3\n", ""))
    same(text(run(["in", "w:out"], "--stdin", "0", "--stdout", "1", "tac; echo $LISTEN_FDS; echo extra >&4")), (0, "", ""))
    same(slurp("out"), "3\n2\n1\n2\nextra\n")
    os.unlink("out")
    # one for both
    same(text(run(["rw:both"], "--stdin", "0", "--stdout", "0", "echo written; cat; echo to standard error >&2")), (0, "", "to standard error\n"))
    same(slurp("both"), "written\n")
    os.unlink("both")
    # of 250 the last
    same(text(run(["/dev/null"] * 249 + ["in"], "--stdin", "249", "wc -l; echo $LISTEN_FDS")), (0, "3\n250\n", ""))

# An index that there is no descriptor for: COMMAND is not run.
for run in recv, call, open_:
    for args, names in (["--stdin", "1"], ["in"]), (["--stdout", "7"], ["in", "in"]), (["--stdin", "0", "--stdout", "1"], ["in"]):
        bad(fdmsgjq.finish(run(names, *args, "touch ran")), 1, args[-2], args[-1], str(len(names)))
bad(fdmsgjq.finish(recv([], "--stdin", "0", "touch ran")), 1, "--stdin 0", "0 in all")

# To listen, that is one message's affair: the next one is served. The end tells of it.
process, _ = serve("listen", "-t", "20", "-n", "2", "--stdin", "1", "./s", "--", "cat")
same(fdmsg("send", "-q", "-t", "20", "./s", "-m", "x", "/dev/null"), (0, [], ""))
same(fdmsg("send", "-q", "-t", "20", "./s", "-m", "x", "/dev/null", "in"), (0, [], ""))
code, out, err = text(process)
same(out, "1\n2\n3\n")
same(process.returncode, 1)
assert err.startswith("fdmsg: listen: ") and "--stdin 1" in err and err.count("\n") == 2, err
assert err.endswith("\nfdmsg: listen: messages for which COMMAND was not run: 1\n"), err
assert not os.path.exists("ran")

# Wrong usage.
for command, rest in ("recv", ["./s"]), ("call", ["./s", "-m", "x"]), ("listen", ["./s"]), ("open", ["in"]):
    for args in ["--stdin", "0"], ["--stdout", "0"], ["--fdname", "a"]:
        bad(fdmsgjq.fdmsg(command, *args, *rest), 2, "COMMAND")
    for args in ["--stdin", "-1"], ["--stdout", "x"], ["--fdname", "a::b"], ["--fdname", "a\nb"], ["--fdname", "a" * 256], ["--stdin", "999999999999"]:
        bad(fdmsgjq.fdmsg(command, *args, *rest, "--", "true"), 2)
assert not os.path.exists("s")
