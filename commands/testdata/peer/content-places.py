"""Files on every file system that can be had here, with a name and without one.

Needs: unshare
"""
from contents import *
from machine import in_namespaces, skip

def everywhere(directory, what):
    content = b"%s\n" % what.encode() * 10_000
    path = f"{directory}/fdmsg-content-{os.getpid()}"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except OSError as error:
        return not_run(what, error)
    try:
        os.write(fd, content)
        again = os.open(path, os.O_RDONLY)
        other = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    finally:
        os.unlink(path)
    fds = [fd, again, other]
    same(contents(fds), [holds(content)] * 3)
    same(contents(fds, "--content", "all", "--content-timeout", "20"), [holds(content)] * 3)
    same([os.lseek(one, 0, os.SEEK_CUR) for one in fds], [len(content), 0, 0])
    os.ftruncate(fd, 0)
    same(contents(fds), [holds(b"")] * 3)
    for one in fds:
        os.close(one)

if "apart" not in sys.argv:
    everywhere(".", "here")
    everywhere("/dev/shm", "shared memory")
    # The others are mounted in a namespace of their own.
    in_namespaces("-m", "-rm")

def mount(kind, *args):
    ran = subprocess.run(["mount", "-t", kind, *args, kind, "mnt"], capture_output=True, text=True)
    if ran.returncode:
        return not_run(kind, ran.stderr)
    everywhere("mnt", kind)
    return True

os.mkdir("mnt")
if not mount("tmpfs"):
    skip("not permitted: to mount a tmpfs")
# An overlay over the tmpfs: what is only below, and what is above.
os.chdir("mnt")
for name in "lower", "upper", "work", "mnt":
    os.mkdir(name)
with open("lower/below", "w") as below:
    below.write("below")
if mount("overlay", "-o", "lowerdir=lower,upperdir=upper,workdir=work"):
    fd = os.open("mnt/below", os.O_RDONLY)
    same(contents([fd]), [holds(b"below")])
    # Written, it is another file: the descriptor from before may show either.
    with open("mnt/below", "w") as above:
        above.write("above")
    got, = contents([fd])
    assert got in (holds(b"below"), holds(b"above")), got
    same(contents([os.open("mnt/below", os.O_RDONLY)]), [holds(b"above")])
    os.remove("mnt/below")
    same(contents([fd]), [got])
