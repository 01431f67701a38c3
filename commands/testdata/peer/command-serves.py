"""COMMAND has the message in every form, and the line on standard input."""
from handed import *
import base64

with open("file", "w") as file:
    file.write("contents\n")
with open("megabyte", "wb") as file:
    file.write(bytes(range(256)) * 4096)
small, large = os.open("file", os.O_RDONLY), os.open("megabyte", os.O_RDONLY)
os.lseek(small, 3, os.SEEK_SET)

server, _ = serve("listen", "-t", "25", "unix-seqpacket:./s", "--", *HANDED, "0", "FDMSG_MESSAGE_FD")
text, _ = serve("listen", "-t", "25", "unix-seqpacket:./t", "--", *HANDED, "0")
def served(process, path, data, fds):
    with connected(path) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        socket.send_fds(peer, [data], fds) if fds else peer.send(data)
        got = json.loads(process.stdout.readline())
    lines = bytes.fromhex(got["read"]["0"]).decode()
    assert lines.endswith("\n") and lines.count("\n") == 1, lines[:1000]
    return got, json.loads(lines)

seq = 0
for data in b"\xff", b"a\0b", b"\0\0", bytes(range(256)), b"\0" * 1000, b"x" * (128 * 1024 + 1), b"\xfe" * 150_000:
    for fds in [], [small] * 12:
        got, line = served(server, "s", data, fds)
        same(got["read"]["FDMSG_MESSAGE_FD"], data.hex())
        assert "FDMSG_MESSAGE" not in got["env"]
        same(sorted(map(int, got["fds"])), list(range(3 + len(fds) + 2))) # the message, and the connection
        same({got["env"]["FDMSG_MESSAGE_FD"], got["env"]["FDMSG_CONN"]}, {str(3 + len(fds)), str(4 + len(fds))})
        same(line["message"].encode() if "message" in line else base64.b64decode(line["message_base64"]), data)
        seq += 1
        same((line["type"], line["seq"], line["size"], line["conn"], line["peer"]["pid"]), ("message", seq, len(data), seq, os.getpid()))
        same([fd["content"] for fd in line["fds"]], ["contents\n"] * len(fds))
for data in b"text", b"", b"\xc3\xa4\n$x `y`", b"\0", b"x" * 100_000:
    if data == b"":
        with connected("t") as peer: # an empty message, which send_fds would make one byte of
            peer.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, small.to_bytes(4, sys.byteorder))])
            got = json.loads(text.stdout.readline())
    else:
        got, line = served(text, "t", data, [small])
        same(line["message"], data.decode())
    same(got["env"]["FDMSG_MESSAGE"], data.decode().strip("\0"))
    assert "FDMSG_MESSAGE_FD" not in got["env"]
same(os.lseek(small, 0, os.SEEK_CUR), 3)

# A line of several megabytes.
got, line = served(text, "t", b"large", [large] * 4)
same([base64.b64decode(fd["content_base64"]) == bytes(range(256)) * 4096 for fd in line["fds"]], [True] * 4)

for process in server, text:
    process.terminate()
    same(finish(process), (0, [], ""))
