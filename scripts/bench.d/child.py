"""Processes that are waited for no longer than they may take, and that are gone when
this one is interrupted."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

LIMIT = 120  # seconds that anything may take


class Failure(Exception):
    """Something that was to be measured did not work."""


def note(text):
    print(f"bench: {text}", file=sys.stderr)


class Child:
    """A process of ours, in a group of its own, so that it can be ended with all that
    it has started."""

    running = []
    starting = False
    interrupted = None

    def __init__(self, argv, **options):
        # An interruption between the start and its being known would leave it behind.
        Child.starting = True
        try:
            self.process = subprocess.Popen(argv, start_new_session=True, **options)
            Child.running.append(self)
        except OSError as e:
            raise Failure(f"{argv[0]}: {e.strerror}") from e
        finally:
            Child.starting = False
            if Child.interrupted:
                interrupt(Child.interrupted, None)
        self.name = os.path.basename(argv[0])
        self.pidfd = os.pidfd_open(self.process.pid)

    def wait(self, limit=LIMIT):
        """Waits for its end, and returns its exit status and the CPU time it took."""
        if not select.select([self.pidfd], [], [], limit)[0]:
            raise Failure(f"{self.name} has not ended after {limit} s")
        _, status, usage = os.wait4(self.process.pid, 0)
        Child.running.remove(self)
        os.close(self.pidfd)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        return self.process.returncode, usage

    def succeed(self, limit=LIMIT):
        code, usage = self.wait(limit)
        if code:
            raise Failure(f"{self.name} failed: {code}")
        return usage

    def ready(self):
        """Waits for the newline that says that it is."""
        if not select.select([self.process.stdout], [], [], LIMIT)[0]:
            raise Failure(f"{self.name} is not ready after {LIMIT} s")
        line = self.process.stdout.readline().decode()
        if not line:
            raise Failure(f"{self.name} failed: {self.wait()[0]}")
        return line.strip()

    @classmethod
    def kill_all(cls):
        for child in cls.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def interrupt(signum, _):
    if Child.starting:
        Child.interrupted = signum
        return
    raise SystemExit(128 + signum)


def run(argv, **options):
    """Runs a command to its end, and returns how long that took, and its CPU time."""
    start = time.perf_counter()
    usage = Child(argv, stdin=subprocess.DEVNULL, **options).succeed()
    return time.perf_counter() - start, cpu(usage)


def cpu(usage):
    return usage.ru_utime + usage.ru_stime
