# Runs fdmsg, for 30 seconds at most. For the programs in ../peer.
import atexit, json, os, shutil, signal, subprocess

# The tests may run under nohup or in the background of a script, but not with the signals
# ignored that are ignored there.
for number in signal.SIGHUP, signal.SIGINT:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

def start(command, *args, fds=(), **options):
    """Starts fdmsg in the background. Should the test fail, it is killed."""
    usual = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if command == "listen": # built with the race detector if the test is
        usual["executable"] = shutil.which("fdmsg.race")
    process = subprocess.Popen(["fdmsg", command, *args], pass_fds=fds, **{**usual, **options})
    atexit.register(process.kill)
    return process

def serve(command, *args, fds=(), **options):
    """Starts fdmsg in the background; once it is bound: the process, its addresses."""
    r, w = os.pipe()
    process = start(command, "--ready-fd", str(w), *args, fds=(w, *fds), **options)
    os.close(w)
    with open(r) as ready:
        text = ready.read()
    assert text.endswith("\n"), (text, finish(process))
    return process, text.split()

def finish(process):
    """Waits for the end: exit code (-N: by signal N), lines, standard error."""
    out, err = process.communicate(timeout=30)
    lines = (out or b"").split(b"\n")
    assert lines.pop() == b"", out
    return process.returncode, [json.loads(line) for line in lines], (err or b"").decode()

def fdmsg(command, *args, **options):
    """Runs fdmsg to its end: exit code, lines, standard error."""
    return finish(start(command, *args, **options))

def same(got, want):
    assert got == want, f"\n got {got!r}\nwant {want!r}"
