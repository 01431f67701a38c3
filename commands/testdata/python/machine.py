# What a test needs of the machine that runs it.
import os, subprocess, sys

def skip(why):
    """Ends the program: it cannot run here, and WHY is told as the reason."""
    print(why)
    raise SystemExit(77)

def in_namespaces(*flags):
    """Runs the program once more in namespaces of its own, which the first of FLAGS that
    unshare(1) is permitted to use makes, and ends with its exit code. Returns in there."""
    if "apart" in sys.argv:
        return
    for flag in flags:
        if subprocess.run(["unshare", flag, "true"], stderr=subprocess.DEVNULL).returncode == 0:
            raise SystemExit(subprocess.run(["unshare", flag, sys.executable, sys.argv[0], "apart"], timeout=60).returncode)
    skip("not permitted: unshare " + " or ".join(flags))

def tmpfs(path, *options):
    """Mounts a tmpfs at PATH, a new directory, or skips the program."""
    os.mkdir(path)
    if subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", path], stderr=subprocess.DEVNULL).returncode:
        skip("not permitted: to mount a tmpfs")
