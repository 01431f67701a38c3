"""Whatever bytes come, the line is valid JSON in UTF-8, is harmless to a terminal, and
holds them: as text under "message", or as base64 under "message_base64" if they are not
text.

Needs: jq
"""
import base64, os, random, re, socket
from fdmsg import *

random.seed(4)
texts = [bytes([i]) for i in range(256)]
texts += [b"a" + bytes([i]) + b"b" for i in range(256)]
texts += [bytes(range(128)), bytes(range(256))]
texts += [s.encode() for s in (
    "\u0080\u0085\u009b31m\u009f", "\u00a0\u00ad", "a\u2028b\u2029c", "\ufeff", "\ufffd", "\ufffe\uffff", "\U0001f642", "\U0010ffff",
    '"\\/\b\f\n\r\t', "</script>&amp;", "\u202e\u200b", "e\u0301", "\x1b]0;title\x07", "Grüße 漢字")]
texts += [b"\xc0\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\xe2\x28\xa1", b"\x80",
    b"abc\xff", b"\xffabc", "ü".encode()[:1], b"ok \xf0\x9f\x99"]
texts += [random.randbytes(random.randrange(1, 9)) for _ in range(300)]
texts += ["".join(chr(random.choice([random.randrange(0x20), random.randrange(0x7f, 0xa0), random.randrange(0x2020, 0x2030),
    random.randrange(0x10000, 0x110000)])) for _ in range(5)).encode() for _ in range(300)]

process, (address,) = serve("listen", "-t", "25", "-n", str(len(texts)), "unix-seqpacket:./s")
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
    peer.connect("s")
    pid = os.fork()
    if pid == 0:
        for text in texts:
            peer.send(text)
        os._exit(0)
    out, err = process.communicate(timeout=30)
same((process.returncode, err, os.waitpid(pid, 0)[1]), (0, b"", 0))

raw = out.decode("utf-8").split("\n")
same(raw.pop(), "")
same(len(raw), len(texts))
for text, line in zip(texts, raw):
    found = re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line)
    assert not found, (text, line, found)
    line = json.loads(line)
    try:
        want = {"message": text.decode()}
    except UnicodeDecodeError:
        want = {"message_base64": base64.b64encode(text).decode()}
    same({key: line[key] for key in line if key.startswith("message")}, want)
    same(line["size"], len(text))

# jq finds it valid, too.
subprocess.run(["jq", "-e", "."], input=out, stdout=subprocess.DEVNULL, check=True)
