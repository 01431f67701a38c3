# A signal ends send and recv by its default action, so that a shell sees 128+N; a signal
# that was ignored when fdmsg started stays ignored, as under nohup.
#
# Needs: python3

mkfifo ready
fail() {
	echo "$*"
	exit 1
}

# ended SIGNAL WANT COMMAND ...: what a shell says when COMMAND gets SIGNAL
ended() {
	signal=$1 want=$2 command=$3
	shift 3
	# the shell makes its background jobs ignore SIGINT
	python3 -m defaultsignals fdmsg "$command" --ready-fd 3 -t 20 "$@" 3>ready >out &
	cat ready >/dev/null
	kill -$signal $!
	wait $! 2>/dev/null
	got=$?
	[ $got = $want ] || fail "$command: $got after SIG$signal, not $want"
	[ ! -s out ] || fail "$command wrote: $(cat out)"
	[ ! -e s ] || fail "$command left its file after SIG$signal"
}
for name in unix unix-seqpacket
do
	ended INT 130 recv $name:./s
	ended TERM 143 recv $name:./s
	ended HUP 129 recv $name:./s
	ended INT 130 send --listen $name:./s -m x
	ended TERM 143 send --listen $name:./s -m x
	ended HUP 129 send --listen $name:./s -m x
	ended INT 130 listen $name:./s
	ended TERM 0 listen $name:./s
	ended HUP 0 listen $name:./s
done

# ignored SIGNAL COMMAND ...: a server that ignores SIGNAL still serves after it
ignored() {
	signal=$1
	shift
	(trap '' $signal; exec fdmsg "$@" --ready-fd 3 -t 20 ./s 3>ready >out) &
	cat ready >/dev/null
	kill -$signal $!
	fdmsg send -q --wait 5 ./s -m 'still there' || fail "$*: gone after an ignored SIG$signal"
	wait $! || fail "$*: $? after an ignored SIG$signal"
	grep -q 'still there' out || fail "$*: no line after an ignored SIG$signal"
}
for signal in HUP INT
do
	ignored $signal listen -n 1
	ignored $signal recv
done

nohup fdmsg listen -n 1 --ready-fd 3 -t 20 ./s 3>ready >out 2>/dev/null &
cat ready >/dev/null
kill -HUP $!
fdmsg send -q --wait 5 ./s -m 'under nohup' || fail "nohup: gone after SIGHUP"
wait $! || fail "nohup: $?"
grep -q 'under nohup' out
