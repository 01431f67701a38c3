"""How a server ends: also at SIGINT it prints what had been sent, and what is sent later
fails; a second signal does not wait.
"""
from serving import *

path = f"{work}/s"
kinds = [f"{scheme}:./s-{kind}" for scheme, kind in KINDS.items()]
def sends(*texts):
    "Peers of all kinds, each of which has sent all TEXTS."
    peers = [connect(f"s-{kind}", kind) for kind in KINDS.values()]
    for peer in peers:
        for text in texts:
            peer.send(text)
    return peers

# Once a signal has been handled, sending fails; what had been sent before is printed.
for number, code in (signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 0):
    process, _ = serve("listen", "-t", "25", "--drain", "20", *kinds, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    stop(process)
    peers = sends(b"a", b"b")
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    got, lines, err = finish(process)
    same((got, err), (code, ""))
    same(sorted("".join(l["message"] for l in lines)), sorted("ab" * 3))
    for peer in peers:
        try:
            peer.send(b"late")
            raise AssertionError("sent to a server that has ended")
        except OSError as e:
            assert e.errno in (errno.EPIPE, errno.ECONNRESET, errno.ECONNREFUSED), e
    assert not any(os.path.exists(f"s-{kind}") for kind in KINDS.values())

# The second signal, of the same kind or another.
os.mkfifo("fifo")
waits = ["--", "sh", "-c", "echo started; exec cat fifo"]
for second in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
    process, _ = serve("listen", "-t", "25", "--drain", "60", path, *waits, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    with connect(path) as peer:
        peer.send(b"x")
        same(process.stdout.readline(), b"started\n")
        process.terminate()
        until(lambda: not os.path.exists(path), "the first signal does nothing")
        same(process.poll(), None)
        process.send_signal(second)
        same(process.wait(timeout=20), -second)
    open("fifo", "w").close() # COMMAND ends as well
    same(process.stdout.read(), b"")
