# What fdmsg --save leaves in a directory. For ../peer/save-*.
import stat

from contents import *
from handed import connected, until
from fdmsgjq import bad

def saved(fds, directory, *args, **options):
    """What fdmsg recv says of saving FDS in DIRECTORY: an entry of .fds each. Its exit code and
    standard error say whether all are saved."""
    code, lines, err = received(fds, "--save", directory, *args, **options)
    same(len(lines), 1)
    entries = lines[0]["fds"]
    same(len(entries), len(fds))
    for entry in entries:
        check(entry)
    told(code, err, "recv: message 1: ", entries)
    return entries

def told(code, err, where, entries):
    """The exit code is 0 if all ENTRIES are saved; otherwise it is 1, and a line on standard
    error names the first that is not and counts the others."""
    unsaved = [i for i, entry in enumerate(entries) if "saved" not in entry]
    if not unsaved:
        return same((code, err), (0, ""))
    same((code, err.count("\n")), (1, 1))
    assert err.startswith(f"fdmsg: {where}descriptor {unsaved[0]}: "), err
    same(f"(and {len(unsaved) - 1} more)" in err, len(unsaved) > 1)
    same(" more)" in err, len(unsaved) > 1)
    first = entries[unsaved[0]]
    assert first.get("content_error", "save: ") in err, (first, err)

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
