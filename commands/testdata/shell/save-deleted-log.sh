# A log file that was deleted while a process still writes to it is recovered.
#
# Needs: jq, python3

set -eu
mkfifo number
echo 'logged before' >app.log
python3 -c '
import signal, sys
log = open("app.log", "a")
log.write("logged after\n")
log.flush()
print(log.fileno(), flush=True)
signal.pause()' >number &
logger=$!
trap 'kill $logger' EXIT
read -r fd <number
rm app.log
# The process has its log open for writing only, so fdmsg opens it anew.
fdmsg open "pid:$logger:$fd" --save . >line
jq -e --arg dir "$PWD" '.fds[0] | .deleted and .saved == $dir + "/1-0-app.log" and .saved_size == 27 and (has("content") | not)' line
[ "$(cat 1-0-app.log)" = "$(printf 'logged before\nlogged after')" ]
[ ! -e app.log ]
fdmsg open "pid:$logger:$fd" --save . | jq -e '.fds[0].saved | endswith("/1-0-app.log.1")'
