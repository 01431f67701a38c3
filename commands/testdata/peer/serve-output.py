"""The output of a server that is flooded by peers: when its reader stops for a while,
nothing is lost and little is held in memory; when the reader closes or the file may not
grow, standard error says how many lines were not written.
"""
import fcntl, re
from serving import *

class Sender(threading.Thread):
    """Sends a number each, padded, until it fails or is told to stop."""
    def __init__(self, name):
        super().__init__(daemon=True)
        self.label, self.sent, self.enough, self.failed = name, 0, False, None
        self.peer = connect("s", SEQPACKET)

    def run(self):
        try:
            while not self.enough:
                self.peer.send(b"%d %d " % (self.label, self.sent) + b"x" * 3000)
                self.sent += 1
        except OSError as e:
            self.failed = e.errno or e

def flood(**options):
    process, _ = serve("listen", "-t", "50", "--drain", "20", "unix-seqpacket:./s", **options)
    if process.stdout:
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    senders = [Sender(i) for i in range(3)] # all of them, before the first may end it
    for sender in senders:
        sender.start()
    return process, senders

def stuck(senders):
    """Waits until nobody gets on sending, and returns how much has been sent."""
    def quiet():
        before = sum(s.sent for s in senders)
        time.sleep(0.2) # there is nothing to wait for but that nothing happens
        return before and sum(s.sent for s in senders) == before and before
    return until(quiet, "the senders are never slowed down")

def read(process, lines, more):
    for _ in range(more):
        lines.append(line(process))

# The reader stops twice, in the middle of a line.
process, senders = flood()
lines, sent = [], []
for round in range(2):
    read(process, lines, 200)
    start_of_line = process.stdout.read(10)
    sent.append(stuck(senders))
    lines.append(json.loads(start_of_line + process.stdout.readline()))
held, most = sent[-1] - len(lines), memory(process, "VmHWM")
for sender in senders:
    sender.enough = True
while len(lines) < sum(s.sent for s in senders) or any(s.is_alive() for s in senders):
    read(process, lines, 1)
process.terminate()
code, rest, err = finish(process)
same((code, rest, err), (0, [], ""))
same([l["seq"] for l in lines], list(range(1, len(lines) + 1)))
for sender in senders:
    same([int(l["message"].split()[1]) for l in lines if l["message"].startswith(f"{sender.label} ")], list(range(sender.sent)))
print(f"{held} messages held while nobody read, {most} MiB of memory at most")
assert held < 5000 and most < 250, (held, most)

def lost(err, why):
    assert len(err.splitlines()) == 1, err
    return int(re.fullmatch(rf"fdmsg: listen: standard output: write: {why}: ([0-9]+) lines? (was|were) not written", err.strip())[1])

def cut_off(senders):
    """Waits until all are refused, and returns how much has been sent."""
    for sender in senders:
        sender.join(20)
        same((sender.is_alive(), sender.failed in (errno.EPIPE, errno.ECONNRESET) or sender.failed), (False, True))
    assert not os.path.exists("s"), "the file is left"
    return sum(s.sent for s in senders)

# The reader closes while all wait for it.
process, senders = flood()
total = stuck(senders)
process.stdout.close()
err = process.stderr.read().decode()
same(process.wait(timeout=20), -signal.SIGPIPE)
n = lost(err, "broken pipe")
assert 300 < n < total, (n, total) # a megabyte was waiting behind what is in the pipe
cut_off(senders)

# A full disk.
with open("/dev/full", "w") as full:
    process, senders = flood(stdout=full)
    code, _, err = finish(process)
same(code, 1)
n, sent = lost(err, "no space left on device"), cut_off(senders)
assert 1 <= n <= sent, (n, sent)

# A file that may not grow beyond some bytes: what fits is there.
LIMIT = 100_000
process, senders = flood(stdout=open("lines", "wb"), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)))
code, _, err = finish(process)
same((code, os.path.getsize("lines")), (1, LIMIT))
with open("lines", "rb") as file:
    *whole, _ = file.read().split(b"\n")
same([json.loads(l)["seq"] for l in whole], list(range(1, len(whole) + 1)))
n, sent = lost(err, "file too large"), cut_off(senders)
assert 1 <= n <= sent - len(whole), (n, sent, len(whole))

# One message at a time: all but one.
process, _ = serve("listen", "-t", "25", "unix-seqpacket:./s", stdout=open("lines", "wb"), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)))
with connect("s", SEQPACKET) as peer:
    written = 0
    while True:
        peer.send(b"x" * 2000)
        until(lambda: os.path.getsize("lines") > written or process.poll() is not None, "nothing is written")
        with open("lines", "rb") as file:
            if not file.read().endswith(b"\n"):
                break # the last line is cut
        written = os.path.getsize("lines")
    code, _, err = finish(process)
same((code, lost(err, "file too large")), (1, 1))
