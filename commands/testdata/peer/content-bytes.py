"""Whatever bytes are in a file come out of Python's json and of jq unchanged, and the line
contains nothing that a terminal or a line-based reader would act on.

Needs: jq
"""
import random, unicodedata
from contents import *

def opened_raw(fds, *args):
    "The line of fdmsg open, as bytes."
    out, err = (process := start("open", *args, *(f"fd:{fd}" for fd in fds), fds=fds)).communicate(timeout=30)
    same((process.returncode, err), (0, b""))
    same(out.count(b"\n"), 1)
    return out

def jq(line, filter):
    return subprocess.run(["jq", "-j", filter], input=line, capture_output=True, check=True, timeout=30).stdout

texts = [
    b"", b"\0", b"\0\0text\0", b"\n", b"\r\n", b"no newline", b"\\", b'"', b'\\"\\u0000\\', b"</script>", b"/",
    bytes(range(0x20)), b"\x7f", b"\x1b[31mred\x1b[0m\x07\x08", b"\x1b]0;title\x07",
    "\u0080\u0085\u009b31m\u009f".encode(), "\u2028\u2029".encode(), "a\u2028".encode(), "\ufeffBOM".encode(),
    "\ufffd\ufffe\uffff".encode(), "\U0001f600\U0010ffff\U00010000".encode(), "e\u0301\u200b\u202e\u2066".encode(),
    "é€🙂".encode() * 1000, b"x" * 65535 + "é".encode(), # across what one read takes
]
others = [
    bytes(range(256)), b"\x80", b"\xff\xfe", b"\xc3", b"\xe2\x80", b"\xf0\x9f\x99", b"ends in a part \xe2\x82", b"\xc0\x80", b"\xe0\x80\xaf",
    b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xc3(", b"a\xe2\x28\xa1", b"text\0\xffmore",
    b"x" * 65535 + b"\xe9", random.Random(1).randbytes(100_000),
]
def is_text(b):
    try:
        return b.decode() is not None
    except UnicodeDecodeError:
        return False
same({is_text(b) for b in texts}, {True})
same({is_text(b) for b in others}, {False})

fds = [file(b) for b in texts + others]
line = opened_raw(fds)
# Python
got = json.loads(line)["fds"]
same([("content" in one, "content_base64" in one) for one in got], [(True, False)] * len(texts) + [(False, True)] * len(others))
for one, want in zip(got, texts + others):
    same(data(one), want)
    same(one["content_size"], len(want))
# jq, which ends strings at no NUL, and knows nothing about bytes that are no text
for i, want in enumerate(texts):
    same(jq(line, f".fds[{i}].content"), want)
for i, want in enumerate(others, len(texts)):
    same(base64.b64decode(jq(line, f".fds[{i}].content_base64"), validate=True), want)
# The line: UTF-8 without control characters and line ends of any kind.
odd = {c for c in line.decode()[:-1] if unicodedata.category(c) in ("Cc", "Zl", "Zp")}
same(odd, set())

# At every limit, a text is cut at a whole character; what is no text before the
# cut either, or not only because of it, is there to the byte.
text = "aé€🙂\0\u2028\u0301z".encode()
for limit in range(len(text) + 1):
    want = text[:limit].decode(errors="ignore").encode()
    assert limit - len(want) < 4
    more = {"content_truncated": True} if limit < len(text) else {}
    same(contents([file(text)], "--content-limit", str(limit)), [holds(want, **more)])
for whole, limit in (b"\xffab\xe2\x82\xac", 4), (b"ab\xe2\x28\xe2\x82\xac", 5), (b"abc\x80\x80\x80\x80", 5), (b"ab\xff\xff", 3), (b"\xe2\x82\xff\xff", 3):
    cut = whole[:limit]
    same(contents([file(whole)], "--content-limit", str(limit)), [{"content_base64": base64.b64encode(cut).decode(), "content_size": limit, "content_truncated": True}])
# A file that ends in the middle of a character was not cut: nothing is taken away.
same(contents([file(b"ab\xe2\x82")], "--content-limit", "4"), [holds(b"ab\xe2\x82")])
# By the total, too.
same(contents([file(b"ab"), file("é€".encode())], "--content-total", "6"), [holds(b"ab"), holds("é".encode(), content_truncated=True)])

# A pipe whose writer is still there: as text or in base64, nothing is missing.
for part in b"all\0of\x1bit", "é€".encode()[:4]:
    r, w = pipe(part, close=False)
    got, = contents([r], "--content", "all", "--content-timeout", "0.2")
    same((data(got), got["content_error"]), (part, "timed out"))
