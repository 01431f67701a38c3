"""File names, like messages, may hold any bytes: they are printed as they are or as
path_base64, and accepted as they are.
"""
import base64, os, re
from fdmsg import *

work = os.fsencode(os.environ["WORK"])
for name in b"new\nline", b"\x1b[31mred", "C1\u009b \u2028".encode(), "Grüße 漢字".encode(), b"not \xff UTF-8", b"\xe2\x82", b'"quoted\\"', b"-n", b" ", b"deleted (deleted)":
    path = work + b"/" + name
    with open(path, "wb") as file:
        file.write(b"content of " + name)
    server, _ = serve("recv", "-t", "20", "./s")
    # the name as DESCRIPTOR, as it is, and in a text
    sender = start("send", "-t", "20", "./s", "-m", name, b"r:" + path)
    sent, err = sender.communicate(timeout=30)
    same((sender.returncode, err), (0, b""))
    out, err = server.communicate(timeout=30)
    same((server.returncode, err), (0, b""))
    for raw in sent, out:
        same(raw.count(b"\n"), 1)
        found = re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", raw[:-1].decode("utf-8"))
        assert not found, (name, raw, found)
    sent, line = json.loads(sent), json.loads(out)

    def check(values, key, want):
        try:
            want = {key: want.decode()}
        except UnicodeDecodeError:
            want = {key + "_base64": base64.b64encode(want).decode()}
        same({k: values[k] for k in (key, key + "_base64") if k in values}, want)
    check(line, "message", name)
    check(line["fds"][0], "path", path)
    check(line["fds"][0], "content", b"content of " + name)
    check(sent["fds"][0], "path", path)
    assert "deleted" not in line["fds"][0], line

# send prints what it read from a file as what it was given on the command line.
with open("bytes", "wb") as file:
    file.write(bytes(range(256)))
server, _ = serve("recv", "-t", "20", "./s")
same(fdmsg("send", "./s", "-m", b"\xff\xfe", "-M", "bytes")[1][0]["size"], 258)
same(base64.b64decode(finish(server)[1][0]["message_base64"]), b"\xff\xfe" + bytes(range(256)))
