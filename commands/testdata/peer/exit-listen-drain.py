"""At SIGTERM and SIGHUP listen still prints what had been sent: queued datagrams,
connections not yet accepted, and messages on accepted ones.
"""
import os, signal, socket
from fdmsg import *

work = os.environ["WORK"]
null = os.open("/dev/null", os.O_RDONLY)

def stop(process):
    process.send_signal(signal.SIGSTOP)
    while os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)[0] == 0:
        pass

def connect(kind, path):
    peer = socket.socket(socket.AF_UNIX, kind)
    peer.connect(path)
    return peer

for number in signal.SIGTERM, signal.SIGHUP:
    process, addresses = serve("listen", "-t", "25", f"{work}/s", f"unix-dgram:{work}/d", f"unix-seqpacket:{work}/q", "tcp:127.0.0.1:0")
    port = int(addresses[3].rsplit(":", 1)[1])
    before = [connect(socket.SOCK_STREAM, f"{work}/s"), connect(socket.SOCK_SEQPACKET, f"{work}/q")]
    for peer in before:
        peer.send(b"hello")
        same(json.loads(process.stdout.readline())["message"], "hello")
    stop(process)

    want = set()
    def send(peer, text):
        socket.send_fds(peer, [text.encode()], [null])
        want.add(text)
    datagram = connect(socket.SOCK_DGRAM, f"{work}/d")
    for i in range(5):
        send(datagram, f"datagram {i}")
        send(before[1], f"accepted {i}")
    send(before[0], "accepted stream")
    queued = []
    for i in range(3):
        queued.append(connect(socket.SOCK_STREAM, f"{work}/s"))
        send(queued[-1], f"queued stream {i}")
        queued.append(connect(socket.SOCK_SEQPACKET, f"{work}/q"))
        send(queued[-1], f"queued seqpacket {i}")
    queued.append(socket.create_connection(("127.0.0.1", port)))
    queued[-1].send(b"queued TCP")
    want.add("queued TCP")
    for peer in queued[:2]:
        peer.close()

    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    # the peers stay connected: nobody waits for what they might send
    code, lines, err = finish(process)
    same((code, err), (0, ""))
    same({line["message"] for line in lines}, want)
    same(len(lines), len(want))
    assert all(len(line["fds"]) == 1 for line in lines if line["message"] != "queued TCP"), lines
    for peer in [datagram, *before, *queued]:
        peer.close()
