"""What fdmsg did not create it does not touch: neither what is at the path when it starts,
nor what has replaced its socket when it ends.
"""
import os, signal, socket
from fdmsg import *

path = f"{os.environ['WORK']}/s"

def leave_stale(name):
    socket.socket(socket.AF_UNIX).bind(name)

def make_file():
    with open(path, "w") as file:
        file.write("foreign")

leave_stale("stale")
with open("file", "w") as file:
    file.write("not a socket")
foreign = {
    "file": make_file,
    "empty file": lambda: open(path, "w").close(),
    "directory": lambda: os.mkdir(path),
    "FIFO": lambda: os.mkfifo(path),
    "dangling link": lambda: os.symlink("nowhere", path),
    "link to a file": lambda: os.symlink("file", path),
    "link to a stale socket": lambda: os.symlink("stale", path),
}
for what, make in foreign.items():
    make()
    before = os.lstat(path)
    for command in ["listen"], ["recv"], ["send", "--listen", "-m", "x"]:
        for scheme in "unix", "unix-seqpacket", "unix-dgram":
            if scheme == "unix-dgram" and command[0] == "send":
                continue
            code, lines, err = fdmsg(command[0], "-t", "20", f"{scheme}:{path}", *command[1:])
            same((what, code, lines), (what, 1, []))
            assert err.startswith(f"fdmsg: {command[0]}: {scheme}:{path}: "), err
            after = os.lstat(path)
            same((after.st_ino, after.st_mode, after.st_size, after.st_mtime_ns), (before.st_ino, before.st_mode, before.st_size, before.st_mtime_ns))
    if what == "directory":
        os.rmdir(path)
    else:
        os.unlink(path)
    assert not os.path.exists("nowhere")

# Its file was replaced by another socket, a file, or moved away.
for number in signal.SIGTERM, signal.SIGINT:
    for make in (lambda: leave_stale(path)), make_file:
        process, _ = serve("listen", "-t", "20", path)
        os.rename(path, "moved")
        make()
        before = os.lstat(path)
        process.send_signal(number)
        same(finish(process)[0], 0 if number == signal.SIGTERM else -number)
        same(os.lstat(path).st_ino, before.st_ino)
        assert os.path.exists("moved"), "the moved file is not at the path that was bound"
        os.unlink("moved")
        os.unlink(path)

# Gone already: no error.
process, _ = serve("listen", "-t", "20", path)
os.unlink(path)
process.terminate()
same(finish(process), (0, [], ""))
