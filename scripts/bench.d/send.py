"""What one would write in Python instead of fdmsg send: send.py PATH MESSAGE FILE."""

import socket
import sys

path, message, file = sys.argv[1:]
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s, open(file, "rb") as f:
    s.connect(path)
    socket.send_fds(s, [message.encode()], [f.fileno()])
