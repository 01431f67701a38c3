"""Who may talk to a server: --allow-uid and --allow-gid decide on connections by who
connected, and on datagrams by who sent them; others are refused, counted and reported,
and disturb nobody. And a directory that everybody can write to.
"""
import pwd, grp
from serving import *

uid, gid = os.getuid(), os.getgid()
# Abstract names: another user does not get to the directory of the test.
names = {kind: f"\0fdmsg-access-{os.getpid()}-{kind}" for kind in KINDS.values()}
addresses = [f"{scheme}:@{names[kind][1:]}" for scheme, kind in KINDS.items()]

def say(text, ids=None):
    """Says TEXT over sockets of all kinds, as another user if one is given."""
    child = os.fork()
    if child:
        return same(os.waitpid(child, 0)[1], 0)
    status = 1
    try:
        if ids:
            os.setgroups([])
            os.setresgid(ids[1], ids[1], ids[1])
            os.setresuid(ids[0], ids[0], ids[0])
        for kind, name in names.items():
            peer = connect(name, kind)
            try:
                peer.send(text)
                if kind != DGRAM: # until the server has seen it, either way
                    peer.shutdown(socket.SHUT_WR)
                    peer.recv(1)
            except (BrokenPipeError, ConnectionResetError):
                pass # turned away already
        status = 0
    finally:
        os._exit(status)

def heard(flags, *speakers, fine):
    """FLAGS let through what FINE says of what the speakers say, and nothing else."""
    process, _ = serve("listen", "-t", "25", "--drain", "20", "--events", *flags, *addresses)
    for speaker in speakers:
        say(*speaker)
    process.terminate()
    code, lines, err = finish(process)
    same(code, 0)
    same(sorted(l["message"] for l in lines if l["type"] == "message"), sorted(fine * 3))
    refused = [l for l in lines if l["type"] == "refused"]
    same((flags, len(refused)), (flags, 3 * (len(speakers) - len(fine))))
    warned(err, *[rf"{len(refused)} refused: .*--allow-uid.*"] if refused else [])
    return sorted((l["peer"]["uid"], l["peer"]["gid"]) for l in refused)

u, g, other = f"--allow-uid={uid}", f"--allow-gid={gid}", 54321
heard([], (b"me",), fine=["me"])
for flags in [u], [g], [u, g], [u, f"--allow-gid={other}"], [f"--allow-uid={other}", g], [f"--allow-uid={other}", u], [f"--allow-gid={other}", g]:
    heard(flags, (b"me",), fine=["me"])
for flags in [f"--allow-uid={other}"], [f"--allow-gid={other}"], [f"--allow-uid={other}", f"--allow-uid={other + 1}", f"--allow-gid={other}"]:
    same(heard(flags, (b"me",), fine=[]), [(uid, gid)] * 3)
try:
    heard(["--allow-uid", pwd.getpwuid(uid).pw_name, "--allow-gid", "54321"], (b"by name",), fine=["by name"])
    heard(["--allow-gid", grp.getgrgid(gid).gr_name], (b"by name",), fine=["by name"])
except KeyError:
    print("not run: this user or group has no name")

if uid == 0:
    they, others = (other, other + 1), (other + 2, other + 1)
    speakers = (b"me",), (b"they", they), (b"others", others)
    same(heard([u], *speakers, fine=["me"]), [they] * 3 + [others] * 3)
    heard([f"--allow-uid={other}"], *speakers, fine=["they"])
    heard([f"--allow-gid={other + 1}"], *speakers, fine=["they", "others"])
    heard([u, f"--allow-uid={other + 2}"], *speakers, fine=["me", "others"])
else:
    print("not run: other users, which takes root")

# A datagram from before anybody asked who sends says pid 0 and the overflow uid; that
# is nobody, and not the user of that number.
for late in False, True:
    with socket.socket(socket.AF_UNIX, DGRAM) as bound:
        bound.bind("d")
        with connect("d", DGRAM) as peer:
            peer.send(b"who?")
            if late:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
                peer.send(b"me")
        flags = [f"--allow-uid={n}" for n in (uid, 65534)] + ["--allow-gid=65534"]
        code, lines, err = fdmsg("listen", "-t", "0.3", *flags, f"fd:{bound.fileno()}", fds=[bound.fileno()])
        same((code, [l["message"] for l in lines]), (0, ["me"] if late else []))
        warned(err, "1 refused: .*")
    os.unlink("d")

# Whoever can write to the directory can put another socket there.
def warning(mode, address):
    os.mkdir("shared")
    os.chmod("shared", mode)
    process, _ = serve("listen", "-t", "25", address)
    process.terminate()
    code, lines, err = finish(process)
    same((code, lines), (0, []))
    os.rmdir("shared")
    return err
for scheme in KINDS:
    warned(warning(0o777, f"{scheme}:shared/s"), rf"{scheme}:{work}/shared/s: .*{work}/shared.*")
warned(warning(0o702, f"{work}/shared/s"), ".*/shared.*")
for mode in 0o1777, 0o770, 0o775, 0o700:
    same(warning(mode, "./shared/s"), "")
same(warning(0o777, "@" + names[STREAM][1:]), "")
