"""A DIR that is a FIFO is not a directory, and fdmsg does not wait for it.

Needs: jq
"""
from saved import *
import fdmsgjq
os.mkfifo("fifo")
for command, rest in ("recv", ["./s"]), ("open", ["/dev/null"]):
    bad(fdmsgjq.fdmsg(command, "-t", "3", "--save", "fifo", *rest), 1, "fifo", "not a directory")
