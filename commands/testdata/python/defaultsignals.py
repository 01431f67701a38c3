# defaultsignals COMMAND ...: runs COMMAND with the default actions of the signals that a
# shell without job control ignores in its background jobs, and of SIGPIPE, which Python
# ignores.
import os, signal, sys

for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE:
    signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
