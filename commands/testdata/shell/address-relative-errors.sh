# On standard error, too, a relative path is printed as the absolute one, which others can use.
#
# Needs: python3

mkdir sub
cd sub

# says PATTERN COMMAND ...: the error names the absolute address
says() {
	pattern=$1
	shift
	timeout -s KILL 20 "$@" >/dev/null 2>err
	grep -E "^fdmsg: [a-z]+: unix:$WORK/sub/s: .*$pattern" err || { echo "$*:"; cat err; exit 1; }
}
says 'no such file' fdmsg send ./s -m x
says 'timed out' fdmsg recv -t 0.1 ./s
python3 -m connecting s </dev/null >connected &
says . fdmsg recv -t 20 ./s
wait $!
python3 -m connecting s x </dev/null >connected &
says . fdmsg recv -t 20 -n 2 ./s
wait $!
