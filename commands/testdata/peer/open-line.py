"""fdmsg open opens what a DESCRIPTOR names, and prints what it is and what is in it.

Needs: jq
"""
import os, socket, subprocess
from fdmsgjq import *

work = os.environ["WORK"]
os.chdir(work)
with open("log", "w") as log:
    log.write("one\ntwo\n")

good(fdmsg("open", "log", "opath:log", "memfd:log", "w:new"), '''.[0] | .type == "opened" and .seq == 1 and (.time | length) == 30
    and [.fds[].type] == ["file", "file", "memfd", "file"] and [.fds[].access] == ["r", "none", "rw", "w"]
    and .fds[0].content == "one\\ntwo\\n" and .fds[2].content == "one\\ntwo\\n" and .fds[2].memfd.name == "log"
    and (.fds[0].filesystem | length) > 0 and .fds[0].mount == .fds[3].mount and .fds[1].content_error == "not open for reading"''')
good(fdmsg("open", "log", "--content", "none"), '.[0].fds[0] | has("content") | not')
good(fdmsg("open", "log", "--content-limit", "5"), '.[0].fds[0] | .content == "one\\nt" and .content_truncated')
same(fdmsg("open", "-q", "log"), (0, "", ""))

# Standard input, as it is and as a copy.
with open("log") as log:
    good(fdmsg("open", "-", stdin=log), '.[0].fds[0] | .fd == 0 and .content == "one\\ntwo\\n"')
with open("log") as log:
    good(fdmsg("open", "memfd:-", stdin=log), '.[0].fds[0] | .type == "memfd" and .content == "one\\ntwo\\n"')
bad(fdmsg("open", "-", "memfd:-"), 2, "standard input is claimed 2 times")

# Sockets: the file of the listening one stays.
good(fdmsg("open", "listen:unix:./s", "connect:./s", "--content", "all"), '.[0].fds | map(.socket.state) == ["listen", "connected"] and .[0].socket.queued == 1')
assert os.path.exists("s")

# A deleted log of another process.
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=open("gone", "w+"))
child.stdout = None
os.write(os.open("gone", os.O_WRONLY), b"what was logged")
os.remove("gone")
good(fdmsg("open", f"pid:{child.pid}:1", f"pidfd:{child.pid}"), '.[0].fds | .[0].deleted and .[0].path == $path and .[0].content_error == "not open for reading" or .[0].content == "what was logged"', path=work + "/gone")
good(fdmsg("open", f"pidfd:{child.pid}"), '.[0].fds[0].pidfd | .pid == $pid and .command == "cat" and .exited == false', pid=child.pid)
child.stdin.close()
child.wait()
bad(fdmsg("open", f"pid:{child.pid}:1"), 1, f"pid:{child.pid}:1", "no such process")

bad(fdmsg("open"), 2, "DESCRIPTOR")
bad(fdmsg("open", "nothing"), 1, "nothing", "no such file or directory")
bad(fdmsg("open", "connect:./nobody"), 1, "connect", "no such file or directory")
bad(fdmsg("open", "pid:1"), 2, "pid:PID:FD")
bad(fdmsg("open", "nonsense:1"), 2, "unknown scheme")
bad(fdmsg("open", "log", "--", "nosuchcommand"), 127, "nosuchcommand")
