"""listen with COMMAND, with and without --output: if something could not be saved, the exit code
is 1 and standard error says what.
"""
from saved import *
os.mkdir("in")
with open("file", "w") as file:
    file.write("contents\n")
for extra in [], ["-q"], ["--output", "lines"]:
    server, _ = serve("listen", "-t", "20", "-n", "1", *extra, "--save", "in", "--save-limit", "1", "unix-seqpacket:./s", "--", "true")
    with connected("s") as peer:
        socket.send_fds(peer, [b"x"], [os.open("file", os.O_RDONLY)])
    code, lines, err = finish(server)
    same((code, lines, err.count("\n")), (1, [], 1))
    assert "larger than the limit" in err, err
