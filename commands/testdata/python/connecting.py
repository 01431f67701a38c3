# connecting PATH [TEXT ...]: connects to a stream socket as soon as it is there, sends each
# TEXT, prints a line, and keeps the connection until standard input ends.
import socket, sys, time

path, *texts = sys.argv[1:]
deadline = time.monotonic() + 20
while True:
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(path)
        break
    except OSError:
        peer.close()
        assert time.monotonic() < deadline, "nobody listens"
for text in texts:
    peer.send(text.encode())
print("connected", flush=True)
sys.stdin.read()
