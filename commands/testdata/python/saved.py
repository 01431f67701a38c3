# What fdmsg --save leaves in a directory. For ../peer/save-*.
import stat

from contents import *
from handed import connected, until
from fdmsgjq import bad

def saved(fds, directory, *args, **options):
    """What fdmsg recv says of saving FDS in DIRECTORY: an entry of .fds each."""
    code, lines, err = received(fds, "--save", directory, *args, **options)
    same((code, err, len(lines)), (0, "", 1))
    same(len(lines[0]["fds"]), len(fds))
    for entry in lines[0]["fds"]:
        check(entry)
    return lines[0]["fds"]

def received(fds, *args, **options):
    """What becomes of fdmsg recv that is sent FDS."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [b"x"], fds)
        return fdmsg("recv", "-t", "20", "-n", "1", *args, "-", stdin=theirs, **options)

def check(entry):
    """An entry that names a file is right about it."""
    same("saved" in entry, "saved_size" in entry)
    if "saved" in entry:
        assert os.path.isabs(entry["saved"]), entry
        st = os.lstat(entry["saved"])
        assert stat.S_ISREG(st.st_mode), entry
        same(entry["saved_size"], st.st_size)

def base(entry):
    """The name of the file in the directory, None if there is none."""
    return os.path.basename(entry["saved"]) if "saved" in entry else None

def slurp(path):
    with open(path, "rb") as file:
        return file.read()

def holes(path):
    """The parts of a file that hold data, as far as the file system says: [(start, end)]."""
    fd, parts, end = os.open(path, os.O_RDONLY), [], 0
    try:
        while True:
            start = os.lseek(fd, end, os.SEEK_DATA)
            end = os.lseek(fd, start, os.SEEK_HOLE)
            parts.append((start, end))
    except OSError: # no more data
        return parts
    finally:
        os.close(fd)
