"""Programs that listen, and the messages that are sent to them."""

import contextlib
import ctypes
import json
import mmap
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time

from child import LIMIT, Child, Failure, cpu

HERE = os.path.dirname(os.path.abspath(__file__))
MiB = 1 << 20


class Receiver:
    """A program that listens, as a user would start it; its lines go to a file."""

    def __init__(self, bench, program, kind):
        self.bench = bench
        self.path = bench.new_name("lines")
        path = bench.in_data("socket")
        address = {"seqpacket": f"unix-seqpacket:{path}", "stream": f"unix:{path}", "udp": "udp:127.0.0.1:0"}[kind]
        ready, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        rcvbuf = 8 * MiB if kind == "udp" else 0
        if program == "fdmsg":
            argv = [bench.fdmsg, "listen", address, "--ready-fd", str(write_end)]
            argv += ["--frame", "line"] if kind == "stream" else []
            argv += ["-o", f"SO_RCVBUF={rcvbuf}"] if rcvbuf else []
        else:
            python = [sys.executable, os.path.join(HERE, "listen.py")]
            argv = [bench.in_built("listen")] if program == "C" else python
            argv += [address, str(write_end), str(rcvbuf)]
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        with open(self.path, "wb") as lines:
            self.child = Child(argv, stdin=subprocess.DEVNULL, stdout=lines, pass_fds=[write_end])
        os.close(write_end)
        if not select.select([ready], [], [], LIMIT)[0]:
            raise Failure(f"{program} does not listen after {LIMIT} s")
        self.address = os.read(ready, 4096).decode().strip()
        os.close(ready)
        if not self.address:
            raise Failure(f"{program} does not listen")
        self.pid = self.child.process.pid

    def count_sockets(self):
        count = 0
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                count += os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:")
        return count

    def hold(self, n):
        """Makes n idle connections, and returns who holds them."""
        before = self.count_sockets()
        clients = Sender(self.bench, self.address, n, 0)
        clients.ready()
        end = time.monotonic() + LIMIT
        while self.count_sockets() < before + n:
            if time.monotonic() > end:
                raise Failure(f"not all of {n} connections are accepted after {LIMIT} s")
            time.sleep(0.02)  # what another process has open cannot be waited for
        return clients

    def wait_for(self, total, longest=32 << 10):
        """Waits until the line of message number total is in the file, whole."""
        end = time.monotonic() + LIMIT
        with open(self.path, "rb") as lines:
            while True:
                size = os.fstat(lines.fileno()).st_size
                tail = os.pread(lines.fileno(), longest, max(size - longest, 0))
                last = tail[tail.rfind(b"\n", 0, -1) + 1 :]
                number = re.match(rb'\{"type": ?"message", ?"seq": ?(\d+),', last)
                if number and last.endswith(b"\n") and int(number[1]) == total:
                    return
                if time.monotonic() > end:
                    raise Failure(f"{total} messages were sent, and the last line is {last[:40]!r}")
                time.sleep(0.001)  # nothing is told of a file sooner and cheaper

    def socket(self):
        """A copy of its UDP socket."""
        port = int(self.address.rpartition(":")[2])
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                if not os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:"):
                    continue
                fd = pidfd_getfd(self.child.pidfd, int(name))
            except OSError:  # closed just now
                continue
            s = socket.socket(fileno=fd)
            if s.family == socket.AF_INET and s.getsockname()[1] == port:
                return s
            s.close()
        raise Failure("the receiver has no UDP socket")

    def stop(self):
        self.child.process.terminate()
        code, usage = self.child.wait()
        if code not in (0, -signal.SIGTERM):
            raise Failure(f"{self.child.name} failed: {code}")
        os.unlink(self.path)
        return usage


def pidfd_getfd(pidfd, fd):
    libc = ctypes.CDLL(None, use_errno=True)
    copy = libc.syscall(438, pidfd, fd, 0)
    if copy < 0:
        raise Failure(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
    return copy


class Sender(Child):
    """The load, or idle connections where gather is 0."""

    def __init__(self, bench, address, count, gather, descriptors=0, watch=None):
        watch_fd = watch.fileno() if watch else -1
        argv = [bench.in_built("send"), address, str(count), str(gather), str(descriptors), str(watch_fd)]
        argv.append(bench.in_data("temperatures"))
        passed = [watch_fd] if watch else []
        super().__init__(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=passed)

    def go(self):
        self.process.stdin.write(b"g")
        self.process.stdin.flush()

    def let_go(self):
        self.process.stdin.close()
        self.succeed()


def load(bench, program, kind, count, gather=64, descriptors=0, senders=1, others=0):
    """Messages a second from the first being sent to the last line being in the file,
    and the receiver's CPU time for one in microseconds."""
    receiver = Receiver(bench, program, kind)
    idle = receiver.hold(others) if others else None
    watch = receiver.socket() if kind == "udp" else None
    children = [Sender(bench, receiver.address, count, gather, descriptors, watch) for _ in range(senders)]
    for child in children:
        child.ready()
    start = time.perf_counter()
    for child in children:
        child.go()
    for child in children:
        child.succeed()
    receiver.wait_for(count * senders)
    took = time.perf_counter() - start
    check_lines(receiver.path, count, senders)
    if idle:
        idle.let_go()
    if watch:
        watch.close()
    total = count * senders
    return total / took, cpu(receiver.stop()) / total * 1e6


def check_lines(path, count, senders):
    """Every message of every sender has its line, in order."""
    next_of = {}
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as lines:
        for m in re.finditer(rb'(?:"conn": ?(\d+), ?)?"local": ?"[^\n]*?"message": ?"(\d{10})[^\n]*\n', lines):
            if int(m[2]) != next_of.get(m[1], 0):
                raise Failure(f"the line of message {next_of.get(m[1], 0)} is missing or late")
            next_of[m[1]] = int(m[2]) + 1
    if list(next_of.values()) != [count] * senders:
        raise Failure(f"there are lines of {list(next_of.values())} messages, not {count} from each of {senders}")


def check_agreement(bench, kind, programs):
    """The references write the same lines as fdmsg, or else they have less to do."""
    agreed = None
    for program in programs:
        lines = sample_lines(bench, program, kind)
        agreed = agreed or lines
        for ours, theirs in zip(agreed, lines):
            if ours != theirs:
                raise Failure(f"{program} writes another line: {first_difference(ours, theirs)}")


def first_difference(ours, theirs, where=""):
    pairs = None
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        pairs = ((key, ours[key], theirs[key]) for key in ours)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = zip(range(len(ours)), ours, theirs)
    for key, a, b in pairs or ():
        if a != b:
            return first_difference(a, b, f"{where}.{key}")
    return f"{where or 'all'}: {ours!r:.200} and {theirs!r:.200}"


# What is not simply copied into a line: quotes, controls, no UTF-8.
SAMPLES = [
    b"Temperature data",
    'a "quote", a \\, \t, \x00, \x7f, \x85, \u2028, 1 °C and \U0001f321'.encode(),
    b"no text: \xff\xfe",
    b"\xed\xa0\x80",
    b" " * 64,
]


def sample_lines(bench, program, kind):
    """The lines of some messages, without what differs from run to run."""
    receiver = Receiver(bench, program, kind)
    number = 0
    with connect(receiver.address) as s:
        for number, message in enumerate(SAMPLES, 1):
            s.sendall(message + (b"\n" if kind == "stream" else b""))
            receiver.wait_for(number)
        for files in sample_files(bench) if kind == "seqpacket" else []:
            with contextlib.ExitStack() as stack:
                opened = [stack.enter_context(open(path, mode)) for path, mode in files]
                for f in opened:
                    f.seek(3)
                socket.send_fds(s, [b"files"], [f.fileno() for f in opened])
                number += 1
                receiver.wait_for(number, 8 * MiB)
    with open(receiver.path, "rb") as f:
        lines = [normal(json.loads(line)) for line in f]
    receiver.stop()
    return lines


def connect(address):
    scheme, _, rest = address.partition(":")
    if scheme == "udp":
        s, to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", int(rest.rpartition(":")[2]))
    else:
        s, to = socket.socket(socket.AF_UNIX, TYPES[scheme]), rest
    s.connect(to)
    return s


TYPES = {"unix": socket.SOCK_STREAM, "unix-seqpacket": socket.SOCK_SEQPACKET}


def sample_files(bench):
    contents = {"empty": b"", "binary": bytes(range(256)), "large": "°".encode() * MiB, "text": "{'t': '°C\n'}".encode()}
    for name, content in contents.items():
        if not os.path.exists(bench.in_data(name)):  # its time is in the line
            with open(bench.in_data(name), "wb") as f:
                f.write(content)
    paths = [bench.in_data(name) for name in ("temperatures", *contents)]
    return [[(paths[0], "rb")], [(path, "rb") for path in paths], [(paths[4], "r+b"), (paths[0], "rb")]]


def normal(line):
    del line["time"]
    for key in ("local", "from"):
        if key in line and line[key].startswith("udp:"):
            line[key] = re.sub(r"\d+$", "PORT", line[key])
    numbers = {fd["fd"]: i for i, fd in enumerate(line["fds"])}
    for fd in line["fds"]:
        fd["fd"] = numbers[fd["fd"]]
    for control in line["control"]:
        control["fds"] = [numbers[fd] for fd in control["fds"]]
    return line


def settled_memory(pid):
    """The resident memory of a process in KiB, once it does not change any more."""
    last, end = None, time.monotonic() + 10
    while True:
        with open(f"/proc/{pid}/status") as f:
            memory = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
        if memory == last or time.monotonic() > end:
            return memory
        last = memory
        time.sleep(0.2)
