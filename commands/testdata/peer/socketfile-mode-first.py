"""The mode is 0600 from the first instant, even while fdmsg is still in bind(2).

Needs: strace
"""
import os, stat, time
from fdmsg import *

os.umask(0)
held = ["strace", "-f", "-qq", "-o", "trace", "-e", "inject=bind:delay_exit=300000"]

def in_bind():
    "Whether the thread that is in bind has done nothing since, as strace has it."
    with open("trace") as trace:
        lines = trace.read().splitlines()
    at = max((i for i, line in enumerate(lines) if " bind(" in line or "<... bind resumed" in line), default=None)
    return at is not None and not any(line.split()[0] == lines[at].split()[0] for line in lines[at + 1:])

def modes_seen(scheme):
    """The modes that the file has from its first moment on, and whether it was
    looked at before bind was over."""
    process = subprocess.Popen([*held, "fdmsg", "listen", "-t", "0.5", f"{scheme}:./s"], stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    modes, early = [], False
    while process.poll() is None and time.monotonic() < deadline:
        try:
            mode = stat.S_IMODE(os.stat("s").st_mode)
        except FileNotFoundError:
            continue
        if not modes:
            early = in_bind()
        if mode not in modes:
            modes.append(mode)
    same(process.wait(timeout=20), 0)
    return modes, early

for scheme in "unix", "unix-dgram", "unix-seqpacket":
    for attempt in range(5):  # a busy machine may have missed the moment
        modes, early = modes_seen(scheme)
        same(modes, [0o600])
        if early:
            break
    else:
        raise AssertionError("bind was always over before the file was looked at")
