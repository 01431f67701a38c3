# What fdmsg prints of the contents that it reads from descriptors. For ../peer/content-*.
import atexit, base64, ctypes, fcntl, json, os, platform, select, signal, socket, struct, subprocess, sys, threading, time

from fdmsg import *

KEYS = {"content", "content_base64", "content_size", "content_truncated", "content_error"}

def contents(fds, *args, **options):
    """What fdmsg recv prints of the contents of FDS: a dictionary each."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [b"x"], fds)
        return fields(fdmsg("recv", "-t", "20", "-n", "1", *args, "-", stdin=theirs, **options), len(fds))

def opened(names, *args, **options):
    """What fdmsg open prints of the contents of what NAMES name."""
    return fields(fdmsg("open", *args, *names, **options), len(names))

def fields(result, count):
    code, lines, err = result
    same((code, err, len(lines)), (0, "", 1))
    same(len(lines[0]["fds"]), count)
    got = [{key: value for key, value in fd.items() if key.startswith("content")} for fd in lines[0]["fds"]]
    for one in got:
        assert set(one) <= KEYS, one
        assert not {"content", "content_base64"} <= set(one), one
        same("content_size" in one, "content" in one or "content_base64" in one)
        if "content_size" in one:
            same(one["content_size"], len(data(one)))
    return got

def data(got):
    """The bytes in an entry; none, if it has no content."""
    if "content_base64" in got:
        return base64.b64decode(got["content_base64"], validate=True)
    return got.get("content", "").encode()

def holds(data, **more):
    """The entry of what holds DATA, all of it if MORE does not say otherwise."""
    try:
        return {"content": data.decode(), "content_size": len(data), **more}
    except UnicodeDecodeError:
        return {"content_base64": base64.b64encode(data).decode(), "content_size": len(data), **more}

def file(data, flags=os.O_RDONLY, name="file"):
    """A file of its own that holds DATA, opened with FLAGS."""
    path = f"{name}{time.monotonic_ns()}"
    with open(path, "wb") as f:
        f.write(data)
    return os.open(path, flags)

def pipe(data=b"", close=True, flags=0):
    """A pipe that holds DATA: its read end, and its write end unless CLOSE."""
    r, w = os.pipe2(os.O_CLOEXEC | flags)
    if data:
        same(os.write(w, data), len(data))
    if close:
        os.close(w)
        return r
    return r, w

def background(script, *args, fds=(), **options):
    """Runs a Python script in a process of its own, which ends with the test at the
    latest; returns when it has written its first line."""
    prelude = f"import ctypes, os, signal; ctypes.CDLL(None).prctl(1, signal.SIGKILL); os.getppid() == {os.getpid()} or os._exit(1)\n"
    process = subprocess.Popen([sys.executable, "-c", prelude + script, *map(str, args)], pass_fds=fds, stdout=subprocess.PIPE, **options)
    atexit.register(end, process)
    assert process.stdout.readline() == b"ready\n", f"{script} did not start"
    return process

def end(process):
    process.kill()
    process.wait()
    process.stdout.close()

def not_run(what, error):
    """What cannot be made here is not tested here."""
    print(f"not run: {what}: {error}")

class Rival:
    """Lets another reader be faster than fdmsg: whenever fdmsg is about to read from what FD
    is, after it has waited for that, TAKE is called first. seccomp_unotify(2).

    COUNT is how often it was called."""

    # AUDIT_ARCH_..., and of read, pread64, readv, preadv, preadv2, splice, tee; by
    # machine and word size
    NUMBERS = {
        ("x86_64", 8): (0xC000003E, [0, 17, 19, 295, 327, 275, 276]),
        ("x86_64", 4): (0x40000003, [3, 180, 145, 333, 378, 313, 315]),
        ("aarch64", 8): (0xC00000B7, [63, 67, 65, 69, 286, 76, 77]),
    }
    RECEIVE, SEND, CONTINUE = 0xC0502100, 0xC0182101, 1 # struct seccomp_notif, seccomp_notif_resp

    def __init__(self, fd, take):
        self.inode, self.take, self.count = self.identify(fd), take, 0
        self.ours, self.theirs = socket.socketpair()
        self.machine, numbers = self.NUMBERS[platform.machine(), int(os.environ["FDMSG_WORD"])]
        # struct sock_filter: load the number; notify if it is one of them; allow.
        n = len(numbers)
        code = [(0x20, 0, 0, 0)] + [(0x15, n - i, 0, number) for i, number in enumerate(numbers)] + [(6, 0, 0, 0x7FFF0000), (6, 0, 0, 0x7FC00000)]
        self.code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
        self.program = ctypes.create_string_buffer(struct.pack("HP", len(code), ctypes.addressof(self.code)))
        self.libc = ctypes.CDLL(None, use_errno=True)

    @staticmethod
    def identify(fd):
        st = os.stat(fd)
        return st.st_dev, st.st_ino

    @staticmethod
    def possible():
        """Why there can be no rival, or None."""
        if (platform.machine(), int(os.environ["FDMSG_WORD"])) not in Rival.NUMBERS:
            return "system calls of another machine"
        with open("/dev/null") as null:
            rival = Rival(null.fileno(), None)
            try:
                rival.around(lambda: subprocess.run(["true"], preexec_fn=rival.enter, check=True))
            except (OSError, subprocess.SubprocessError) as error:
                return error

    def enter(self):
        """In the new process."""
        seccomp = {"x86_64": 317, "aarch64": 277}[platform.machine()]
        self.libc.prctl(38, 1, 0, 0, 0) # PR_SET_NO_NEW_PRIVS
        listener = self.libc.syscall(seccomp, 1, 8, self.program) # SET_MODE_FILTER, NEW_LISTENER
        if listener < 0:
            raise OSError(ctypes.get_errno(), "seccomp")
        socket.send_fds(self.theirs, [b"x"], [listener])

    def around(self, run):
        """What RUN, which starts one process and waits for it, returns."""
        thread = threading.Thread(target=self.serve, daemon=True)
        thread.start()
        try:
            return run()
        finally:
            self.theirs.close() # to end the thread if no process was started
            thread.join(20)

    def serve(self):
        """Runs until nobody uses the filter any more."""
        _, listeners, _, _ = socket.recv_fds(self.ours, 1, 1)
        if not listeners:
            return
        listener, = listeners
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while True:
            (_, event), = poll.poll()
            if not event & select.POLLIN:
                break
            call = bytearray(80)
            try:
                fcntl.ioctl(listener, self.RECEIVE, call)
                cookie, pid, _, _, machine, _, fd = struct.unpack_from("QIIiIQQ", call)
                # of splice and tee, too, the first argument is what is read
                try:
                    mine = machine == self.machine and self.identify(f"/proc/{pid}/fd/{fd & 0xFFFFFFFF}") == self.inode
                except OSError:
                    mine = False
                if mine:
                    self.take()
                    self.count += 1
                fcntl.ioctl(listener, self.SEND, bytearray(struct.pack("QqiI", cookie, 0, 0, self.CONTINUE)))
            except FileNotFoundError:
                pass # a signal interrupted the call, which comes again
        os.close(listener)

def contents_with_rival(rival, fds, *args):
    """contents(fds, *args) with RIVAL around."""
    return rival.around(lambda: contents(fds, *args, preexec_fn=rival.enter))
