# Time stamps of messages, as the kernel makes them.
import socket, time

SO_TIMESTAMPING, RX_SOFTWARE, SOFTWARE = 37, 8, 16

def stamping():
    """Makes the kernel stamp what arrives; returns the socket that keeps it doing so.

    A socket that asks for time stamps only makes the kernel begin with them: a message
    that comes in the next moments may have none."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(20)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, RX_SOFTWARE | SOFTWARE)
    deadline = time.monotonic() + 20
    while True:
        sock.sendto(b"x", sock.getsockname())
        if sock.recvmsg(10, 100)[1]:
            return sock
        assert time.monotonic() < deadline, "no message has a time stamp"
