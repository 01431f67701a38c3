"""The names of saved files: the number of the message, the position in it, and a harmless
form of the descriptor's own name. No existing file is touched.
"""
from saved import *

os.mkdir("dir")
def make(name):
    with open(b"dir/" + name, "wb") as file:
        file.write(b"contents of " + name)
    return os.open(b"dir/" + name, os.O_RDONLY)

NAMES = {
    b"plain": "plain", b"with space": "with space", b"..x": "x", b".hidden": "hidden", b"...": "", b".. ": " ", b"-": "-", b"-rf": "-rf", b"~": "~", b"*": "*",
    b"a\nb": "a_b", b"tab\there": "tab_here", b"\x1b[31mred": "_[31mred", b"del\x7f": "del_", b"c1\xc2\x9b": "c1_", b"sep\xe2\x80\xa8": "sep_",
    b"rtl\xe2\x80\xaeexe": "rtl_exe", b"\xff\xfe": "__", b"caf\xc3\xa9": "café", b"\xc3": "_", b"x (deleted)": "x (deleted)", b"a.1": "a.1", b"back\\slash": "back\\slash",
    b"x" * 255: "x" * 200, "ä".encode() * 127: "ä" * 100, b"y" + "ä".encode() * 127: "y" + "ä" * 99, b"." * 200 + b"end": "end", "🙂".encode() * 63: "🙂" * 50,
}
fds = [make(name) for name in NAMES]
os.mkdir("in")
for i, (entry, (name, safe)) in enumerate(zip(saved(fds, "in"), NAMES.items())):
    same(base(entry), f"1-{i}" + (f"-{safe}" if safe else ""))
    same(entry["saved"], f"{os.getcwd()}/in/{base(entry)}")
    same(slurp(entry["saved"]), b"contents of " + name)
    assert not any(key.startswith("content") for key in entry), entry
same(len(os.listdir("in")), len(NAMES))

# Deleted ones, and one that is called as the kernel calls those.
gone, looks = make(b"gone"), make(b"looks (deleted)")
os.unlink("dir/gone")
os.unlink("dir/looks (deleted)")
same([base(entry) for entry in saved([gone, looks], "in")], ["1-0-gone", "1-1-looks (deleted)"])
same([slurp("in/1-0-gone"), slurp("in/1-1-looks (deleted)")], [b"contents of gone", b"contents of looks (deleted)"])

# Names of memfds may hold any bytes.
os.mkdir("memfds")
for name, safe in ("plain", "plain"), ("", ""), ("../../escape", "_.._escape"), ("/etc/passwd", "_etc_passwd"), ("a/b", "a_b"), (".", ""), ("..", ""), ("m" * 249, "m" * 200), ("x (deleted)", "x (deleted)"):
    fd = os.memfd_create(name)
    os.write(fd, b"memory")
    entry, = saved([fd], "memfds")
    assert base(entry) in (f"1-0-{safe}" if safe else "1-0", f"1-0-{safe.lstrip('_')}"), (name, entry["saved"])
    same(slurp(entry["saved"]), b"memory")
    os.unlink(entry["saved"])
    os.close(fd)
same(os.listdir("memfds"), [])

# Nothing is overwritten: not the files of other runs in one directory, nor files,
# directories and symbolic links that somebody has put there.
os.mkdir("same")
plain = make(b"plain")
same([base(saved([plain], "same")[0]) for _ in range(12)], ["1-0-plain"] + [f"1-0-plain.{i}" for i in range(1, 12)])
os.mkdir("planted")
with open("victim", "w") as file:
    file.write("untouched")
os.symlink("../victim", "planted/1-0-plain")
os.symlink("nowhere", "planted/1-0-plain.1")
os.symlink("/etc", "planted/1-0-plain.2")
os.mkdir("planted/1-0-plain.3")
os.link("victim", "planted/1-0-plain.4")
os.mkfifo("planted/1-0-plain.5")
same(base(saved([plain], "planted")[0]), "1-0-plain.6")
same(slurp("victim"), b"untouched")
same(sorted(os.listdir("planted")), ["1-0-plain"] + [f"1-0-plain.{i}" for i in range(1, 7)])

# The same descriptor, and different ones of one name, in one message.
os.mkdir("one")
same([base(entry) for entry in saved([plain] * 3 + fds[:1], "one")], [f"1-{i}-plain" for i in range(4)])

# Several runs at once in one directory share nothing.
os.mkdir("shared")
procs = []
for i in range(8):
    with open(f"dir/plain", "w") as file:
        file.write(f"{i}")
    fd = os.open("dir/plain", os.O_RDONLY)
    os.unlink("dir/plain")
    procs.append(start("open", f"fd:{fd}", "--save", "shared", fds=[fd]))
entries = [finish(process)[1][0]["fds"][0] for process in procs]
same(sorted(base(entry) for entry in entries), ["1-0-plain"] + [f"1-0-plain.{i}" for i in range(1, 8)])
same([slurp(entry["saved"]) for entry in entries], [b"%d" % i for i in range(8)])

# DIR with unusual bytes in its name; the line is still one line of JSON.
for name in b"new\nline", b"\xff", b"-dash", "ü".encode():
    os.mkdir(name)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        socket.send_fds(ours, [b"x"], [plain])
        process = start("recv", "-t", "20", "-n", "1", "--save", name, "-", stdin=theirs)
        code, (line,), err = finish(process)
    same((code, err, os.listdir(name)), (0, "", [b"1-0-plain"]))
