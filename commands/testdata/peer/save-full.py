"""A file that cannot be saved because the file system is full or read-only leaves nothing
behind; the line says so, and the run goes on.

Needs: unshare
"""
from saved import *
from machine import in_namespaces, tmpfs

in_namespaces("-m")
tmpfs("full", "-o", "size=1m")
tmpfs("few", "-o", "nr_inodes=3")
with open("large", "wb") as file:
    file.write(bytes(range(256)) * 8000) # 2 MB
with open("small", "wb") as file:
    file.write(b"small")
with open("holes", "wb") as file:
    file.write(b"x" * 4096)
    file.truncate(100 << 20)
large, small, sparse = (os.open(name, os.O_RDONLY) for name in ("large", "small", "holes"))
memory = os.memfd_create("memory")
os.write(memory, bytes(3 << 20))
with open("full/inside", "wb") as file: # for copies within the file system
    file.write(bytes(300_000))
inside = os.open("full/inside", os.O_RDONLY)

server, _ = serve("listen", "-t", "25", "--save", "full", "--content", "all", "--content-limit", "10", "unix-seqpacket:./s")
with connected("s") as peer:
    for round in range(1, 4):
        socket.send_fds(peer, [b"x"], [large, small, memory, sparse, pipe(b"short"), large])
        entries = json.loads(server.stdout.readline())["fds"]
        for entry in entries:
            check(entry)
        same([base(entry) for entry in entries], [None, f"{round}-1-small", None, f"{round}-3-holes", f"{round}-4", None])
        same([entry.get("content_error") for entry in entries], ["save: no space left on device", None] * 2 + [None, "save: no space left on device"])
        same([entry["content_size"] for entry in entries], [10, 5, 10, 10, 5, 10])
        same(slurp(f"full/{round}-3-holes") == slurp("holes"), True)
        same(sorted(os.listdir("full")), sorted(["inside"] + [f"{i}-{name}" for i in range(1, round + 1) for name in ("1-small", "3-holes", "4")]))
    # there is room for two more, then for none, and then again for one
    fates = []
    for round in range(4, 8):
        socket.send_fds(peer, [b"x"], [inside])
        fates.append("saved" in json.loads(server.stdout.readline())["fds"][0])
    same(fates, [True, True, False, False])
    os.unlink("full/4-0-inside")
    socket.send_fds(peer, [b"x"], [inside])
    same(base(json.loads(server.stdout.readline())["fds"][0]), "8-0-inside")
server.terminate()
code, lines, err = finish(server)
same((code, lines, err.count("\n")), (1, [], 1))
assert err.startswith("fdmsg: listen: message 1: descriptor 0: save: no space left on device"), err
# what was removed takes no room
os.unlink("full/5-0-inside")
os.unlink("full/8-0-inside")
st = os.statvfs("full")
assert st.f_bfree * st.f_frsize > 600_000, st

# No room for one more file, and none for a name.
entries = saved([small] * 4, "few")
same([entry.get("content_error") for entry in entries], [None, None, "save: no space left on device", "save: no space left on device"])

# A file system that is read-only.
if subprocess.run(["mount", "-o", "remount,ro", os.path.abspath("few")], stderr=subprocess.DEVNULL).returncode == 0:
    same(saved([small], "few")[0]["content_error"], "save: read-only file system")

# With -q there is no line to say it.
code, lines, err = received([large, memory, small], "-q", "--save", "full")
same((code, lines), (1, []))
assert err.startswith("fdmsg: recv: ") and "no space left on device" in err and err.count("\n") == 1, err
assert os.path.exists("full/1-2-small")
