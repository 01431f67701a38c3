"""SIGTERM while peers send as fast as they can: every message whose send had returned is
printed, in order and once. The same holds for connections that come and go meanwhile and
may not have been accepted yet.
"""
from serving import *

class Sender(threading.Thread):
    """Sends NAME, a number and a newline until that fails; sent is how often it did not."""
    def __init__(self, name, path, kind, comes_and_goes=False):
        super().__init__(daemon=True)
        self.label, self.path, self.kind, self.comes_and_goes = name, path, kind, comes_and_goes
        self.sent, self.ended, self.peer = 0, None, None

    def run(self):
        try:
            while True:
                if self.peer is None:
                    self.peer = socket.socket(socket.AF_UNIX, self.kind)
                    self.peer.connect(self.path)
                message = b"%s %d\n" % (self.label, self.sent)
                same(self.peer.send(message), len(message))
                self.sent += 1
                if self.comes_and_goes:
                    self.peer.close()
                    self.peer = None
        except OSError as e:
            self.ended = e.errno

def round(scheme, kind, number):
    path = f"{work}/s"
    with open("lines", "wb") as out:
        process, _ = serve("listen", "-t", "60", "--drain", "30", "--backlog", "32", f"{scheme}:{path}", stdout=out)
    senders = [Sender(b"%d" % i, path, kind, comes_and_goes=i == 2 and kind != DGRAM) for i in range(3)]
    for sender in senders:
        sender.start()
    total = lambda: sum(sender.sent for sender in senders)
    enough = random.randrange(1, 30_000)
    until(lambda: os.path.getsize("lines") > enough and all(sender.sent for sender in senders), "nothing comes")
    waiting = 0
    if number % 2: # now there is something in the queues for sure
        stop(process)
        with open("lines", "rb") as file:
            written = file.read().count(rb"\n") # each message has one
        until(lambda: total() >= written + 5, "nobody sends")
        waiting = total() - written
    process.terminate()
    process.send_signal(signal.SIGCONT)
    code, _, err = finish(process)
    same((code, err), (0, ""))
    for sender in senders:
        sender.join(20)
        # refused, and not because there was nothing more to send
        assert sender.ended in (errno.EPIPE, errno.ECONNRESET, errno.ECONNREFUSED, errno.ENOENT), sender.ended
    with open("lines") as file:
        lines = [json.loads(l) for l in file]
    same([l["seq"] for l in lines], list(range(1, len(lines) + 1)))
    messages, conns = {}, {}
    for l in lines:
        for message in l["message"].splitlines():
            name, index = message.split()
            messages.setdefault(name, []).append(int(index))
            conns.setdefault(name, set()).add(l.get("conn"))
    for sender in senders:
        name = sender.label.decode()
        got = messages[name]
        if sender.comes_and_goes: # each connection is served on its own
            got = sorted(got)
            same(len(conns[name]), sender.sent)
        else:
            same(len(conns[name]), 1)
        assert got == list(range(sender.sent)), f"{scheme}: sent {sender.sent}, got {len(got)}, wrong from {next((i for i, n in enumerate(got) if n != i), len(got))} on"
    return total(), waiting

rounds = {}
for scheme, kind in KINDS.items():
    sums = [round(scheme, kind, i) for i in range(20)]
    rounds[scheme] = len(sums)
    print(f"20 rounds of {scheme}: {sum(s for s, _ in sums)} messages, {sum(w for _, w in sums)} of them not written yet when half of the signals came")
same(rounds, {"unix": 20, "unix-seqpacket": 20, "unix-dgram": 20})
