"""A reader of the output that does not read: when -n is reached, --timeout or a signal ends
the run, and the line that was not written is reported.
"""
import select, signal
from fdmsg import *

for command, args, number, code in ("recv", ["-t", "1"], None, 124), ("listen", [], signal.SIGTERM, 1), ("listen", [], signal.SIGINT, -signal.SIGINT):
    process = start(command, "-n", "1", *args, "./s")
    # The line of this message is longer than a pipe can hold.
    subprocess.run(["fdmsg", "send", "-q", "--wait", "20", "-M", "-", "./s"], input=b"x" * 150_000, check=True)
    assert select.select([process.stdout], [], [], 20)[0], "no line is written"
    if number:
        process.send_signal(number)
    err = process.stderr.read().decode() # until the process has ended
    same((command, process.wait(20)), (command, code))
    assert "1 line was not written" in err, err
