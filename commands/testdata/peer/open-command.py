"""With COMMAND, fdmsg open becomes it: its descriptors are 3, 4, 5 ... in order."""
import os, socket, threading
from fdmsg import *

work = os.environ["WORK"]
os.chdir(work)
with open("log", "w") as log:
    log.write("one\ntwo\n")

def run(*args, **options):
    process = start("open", *args, **options)
    out, err = process.communicate(timeout=30)
    return process.returncode, out.decode(), err.decode()

same(run("log", "memfd:log", "--", "sh", "-c", 'echo $LISTEN_FDS $((LISTEN_PID == $$)) ${FDMSG_MESSAGE-none}; cat <&3; cat <&4; exit 7'), (7, "2 1 none\none\ntwo\none\ntwo\n", ""))
# The same one twice, and with the number that it had.
r, w = os.pipe()
same(run(f"fd:{w}", f"fd:{w}", "--", "sh", "-c", "echo to3 >&3; echo to4 >&4; ls /proc/self/fd | wc -l", fds=[w]), (0, "6\n", ""))
same(os.read(r, 100), b"to3\nto4\n")

# A connection over which a script speaks with its peer.
with socket.socket(socket.AF_UNIX) as server:
    server.bind("s")
    server.listen()
    def serve():
        peer, _ = server.accept()
        with peer:
            same(peer.recv(100), b"question")
            peer.send(b"answer")
            same(peer.recv(100), b"thanks")
    thread = threading.Thread(target=serve)
    thread.start()
    same(run("connect:./s", "--", "sh", "-c", "fdmsg call -t 20 fd:3 -m question -- sh -c 'echo got $FDMSG_MESSAGE'; fdmsg send -q fd:3 -m thanks"), (0, "got answer\n", ""))
    thread.join()

# A listening socket moves from one process to another, and no client notices.
script = '''
import socket, sys
with socket.socket(fileno=3) as listener:
    print(sys.argv[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(sys.argv[1].encode())
'''
with open("server.py", "w") as file:
    file.write(script)
old = start("open", "listen:tcp:127.0.0.1:0", "--", "python3", "server.py", "old")
same(old.stdout.readline(), b"old\n")
with open(f"/proc/{old.pid}/net/tcp") as table:
    inode = os.stat(f"/proc/{old.pid}/fd/3").st_ino
    port = next(int(line.split()[1].split(":")[1], 16) for line in table if line.split()[9] == str(inode))
answers, ended = [], threading.Event()
def client():
    while not ended.is_set():
        with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
            answers.append(s.recv(10))
thread = threading.Thread(target=client)
thread.start()
new = start("open", f"pid:{old.pid}:3", "--", "python3", "server.py", "new")
same(new.stdout.readline(), b"new\n")
old.kill()
old.wait()
seen = len(answers)
while len(answers) < seen + 20 and thread.is_alive():
    pass
ended.set()
thread.join()
new.kill()
new.wait()
assert set(answers) - {b""} == {b"old", b"new"} and answers.count(b"") <= 1, answers[-30:] # one may die with the old server
