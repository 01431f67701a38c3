# As fdmsg.py, but the output is text, which jq can be asked about.
import json, os, struct, subprocess

from fdmsg import *

# The size of a word of fdmsg and of Python, which may differ.
word, native = int(os.environ["FDMSG_WORD"]), struct.calcsize("P")

def finish(process):
    """Waits for the end: exit code (-N: by signal N), standard output, standard error."""
    out, err = process.communicate(timeout=30)
    assert out == b"" or out.endswith(b"\n"), out
    return process.returncode, (out or b"").decode(), (err or b"").decode()

def fdmsg(command, *args, **options):
    """Runs fdmsg to its end: exit code, standard output, standard error."""
    return finish(start(command, *args, **options))

def lines(out):
    return [json.loads(line) for line in out.splitlines()]

def jq(out, filter, **values):
    """Fails unless FILTER is true of the array of all lines; VALUES are its $variables."""
    args = [arg for name, value in values.items() for arg in ("--argjson", name, json.dumps(value))]
    ran = subprocess.run(["jq", "-se", *args, filter], input=out, capture_output=True, text=True)
    assert ran.returncode == 0, f"\nnot true: {filter}\n  values: {values}\n   lines: {out}{ran.stdout}{ran.stderr}"

def good(result, filter, **values):
    """fdmsg ended with 0 and said nothing on standard error, and FILTER holds."""
    code, out, err = result
    assert (code, err) == (0, ""), result
    jq(out, filter, **values)
    return out

def bad(result, code, *words, hint=None):
    """fdmsg ended with CODE, a line on standard error with all WORDS, and a hint with HINT."""
    got, out, err = result
    report = err.splitlines()
    assert got == code, f"exit code {got}, not {code}: {out}{err}"
    assert report and report[0].startswith("fdmsg: ") and len(report) <= 2, err
    assert not any(line.endswith(".") for line in report), err
    for word in words:
        assert word in report[0], f"no {word!r} in: {err}"
    if hint is not None:
        assert len(report) == 2 and report[1].startswith("fdmsg: hint: ") and hint in report[1], f"no hint {hint!r}: {err}"
    return out

def peek(sock, flags=0):
    """What Python's recvmsg says of the next message, which stays in the queue: data, control messages, flags."""
    import select, socket
    assert select.select([sock], [], [], 20)[0], "nothing came"
    data, control, flags, _ = sock.recvmsg(65536, 65536, socket.MSG_PEEK | flags)
    return data, control, flags

def as_python(out, control, index=0):
    """The line has the bytes of the control messages that Python was given, in that order.

    With another word size than Python's, those whose size goes by that are not compared."""
    import base64
    got, want = [base64.b64decode(entry["data_base64"]) for entry in lines(out)[index]["control"]], [data for _, _, data in control]
    same(len(got), len(want))
    for ours, theirs in zip(got, want):
        if word == native or len(ours) == len(theirs):
            same(ours, theirs)
