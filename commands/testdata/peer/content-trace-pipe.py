"""trace_pipe has neither an end nor an offset: it is read as a pipe is. It belongs to a
tracing instance of our own, so that nobody else is disturbed.

Needs: unshare
"""
from contents import *
from machine import in_namespaces, skip

in_namespaces("-m")
os.mkdir("tracing")
if subprocess.run(["mount", "-t", "tracefs", "tracefs", "tracing"], stderr=subprocess.DEVNULL).returncode:
    skip("not permitted: to mount tracefs")
instance = f"tracing/instances/fdmsg-{os.getpid()}"
try:
    os.mkdir(instance)
except OSError as error:
    skip(f"trace_pipe: {error}")
atexit.register(os.rmdir, instance)
with open(f"{instance}/trace_pipe", "rb") as trace:
    args = ["--content", "all", "--content-timeout", "0.3"]
    same(contents([trace.fileno()]), [{}])
    same(contents([trace.fileno()], *args), [{"content_error": "timed out"}])
    assert os.get_blocking(trace.fileno())
    # It has no offset: it is read as a pipe is.
    with open(f"{instance}/trace_marker", "wb", buffering=0) as marker:
        marker.write(b"traced\n")
    got, = contents([trace.fileno()], *args)
    assert "traced" in got.get("content", ""), got
    same(got["content_error"], "timed out")
