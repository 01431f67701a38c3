"""The line of fdmsg send where it cannot simply be written: into a full pipe, beyond the
file size limit, and with no standard error to report to.
"""
import glob, os, resource, signal, socket
from fdmsg import *

ours, theirs = socket.socketpair()

def full_pipe():
    r, w = os.pipe()
    os.set_blocking(w, False)
    try:
        while True:
            os.write(w, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(w, True)
    return r, w

def writing(pid):
    """A thread of the process is in a call whose first argument is standard output."""
    for path in glob.glob(f"/proc/{pid}/task/*/syscall"):
        try:
            with open(path) as f:
                if f.read().split()[1:2] == ["0x1"]:
                    return True
        except OSError:
            pass
    return False

# A slow reader is waited for.
r, w = full_pipe()
process = start("send", "-t", "20", "-", "-m", "x", stdin=theirs, stdout=w)
os.close(w)
while not writing(process.pid):
    assert process.poll() is None
with open(r, "rb") as reader:
    line = reader.read().lstrip(b"x")
same((process.wait(timeout=20), json.loads(line)["size"], ours.recv(10)), (0, 1, b"x"))

# A reader that reads nothing is not waited for once a signal has come.
r, w = full_pipe()
process = start("send", "-t", "20", "-", "-m", "x", stdin=theirs, stdout=w)
while not writing(process.pid):
    assert process.poll() is None
process.send_signal(signal.SIGINT)
code, _, err = finish(process)
same((code, err), (1, "fdmsg: send: standard output: write: the reader of the output does not read: 1 line was not written\n"))
os.close(r), os.close(w)

# ulimit -f
with open("limited", "wb") as limited:
    code, _, err = fdmsg("send", "-t", "20", "-", "-m", "x", stdin=theirs, stdout=limited,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)))
same((code, err), (1, "fdmsg: send: standard output: write: file too large: 1 line was not written\n"))
same(os.path.getsize("limited"), 10)

# The exit code says that it failed even if standard error is closed.
r, w = os.pipe()
os.close(r)
same(fdmsg("send", "-t", "20", os.environ["WORK"] + "/nobody", "-m", "x", stderr=w)[0], 1)
