# dialogs PROTOCOL: a server on the stream socket PROTOCOL that speaks it with one client, in
# an awkward way: byte by byte, or several messages at once. For ../script/frame-dialogs.
import json, os, socket, struct, sys
which = sys.argv[1]
server = socket.socket(socket.AF_UNIX)
server.bind(which)
server.listen()
c, _ = server.accept()
received, fds = b"", []

def until(found):
    """The next message, which ends where FOUND says, once FOUND finds an end."""
    global received
    while not (end := found(received)):
        data, more, _, _ = socket.recv_fds(c, 65536, 10)
        if not data:
            raise SystemExit
        received += data
        fds.extend(more)
    message, received = received[:end], received[end:]
    return message

def slowly(data):
    for byte in data:
        c.send(bytes([byte]))

def varlink():
    request = json.loads(until(lambda b: b.find(b"\0") + 1)[:-1])
    if request["method"] == "org.example.Open":
        path = request["parameters"]["path"]
        slowly(b'{"parameters"')
        with open(path) as file:
            socket.send_fds(c, [b':{"fd":0'], [file.fileno()])
        slowly(b'}}\0')
    else: # each with a descriptor of its own, which the first must not take from the second
        for continues in b"true", b"false":
            with open("file") as file:
                socket.send_fds(c, [b'{"continues":%s}\0' % continues], [file.fileno()])

def value(data):
    try:
        return json.JSONDecoder().raw_decode(data.decode())[1]
    except ValueError:
        return 0

def rpc():
    request = json.loads(until(value))
    result = [request["method"]] + [os.read(fd, 100).decode() for fd in fds]
    fds.clear()
    slowly(json.dumps(dict(jsonrpc="2.0", id=request["id"], result=result)).encode())

def lengths():
    size, = struct.unpack(">I", until(lambda b: 4 * (len(b) >= 4)))
    data = until(lambda b: size * (len(b) >= size)) if size else b""
    slowly(struct.pack(">I", size)[:3])
    c.sendall(struct.pack(">I", size)[3:] + data)

while True:
    dict(varlink=varlink, rpc=rpc, lengths=lengths)[which]()
