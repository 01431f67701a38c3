# COMMAND of every subcommand runs in the state in which fdmsg was started: signals, limits,
# directory, umask.

fail() {
	echo "$*"
	exit 1
}
# same DESCRIPTION COMMAND ...: COMMAND prints the same by itself and as COMMAND of fdmsg
same() {
	what=$1
	shift
	"$@" >want || fail "$what: $* fails"
	fdmsg open -t 20 /dev/null -- "$@" >got
	check open $?
	fdmsg send -q --wait 10 "$WORK/s" -m x &
	fdmsg recv -t 20 "$WORK/s" -- "$@" >got
	check recv $?
	fdmsg send -q --wait 10 "$WORK/s" -m x &
	fdmsg listen -n 1 -t 20 "$WORK/s" -- "$@" >got
	check listen $?
	fdmsg listen -n 1 -t 20 "$WORK/s" -- sh -c 'fdmsg send -q fd:$FDMSG_CONN -m x' &
	fdmsg call --wait 10 -t 20 "$WORK/s" -m x -- "$@" >got
	check call $?
}
check() {
	[ $2 = 0 ] || fail "$what: $1: exit code $2"
	cmp want got || { diff want got; fail "$what: $1"; }
	wait
}
# sed catches no signals itself
state=(sed -n -E '/^(Sig(Blk|Cgt|Ign)|Umask|Groups|Seccomp|NoNewPrivs|Cap|Cpus_allowed):/p' /proc/self/status)
same 'as usual' "${state[@]}"
grep -q '^SigCgt:.*00000000$' want || fail "no test: $(cat want)"
same limits bash -c 'ulimit -a; ulimit -Ha; pwd; nice; readlink /proc/$$/exe; cut -d " " -f 6 /proc/$$/stat'
(
	trap '' HUP INT
	umask 027
	same 'SIGHUP and SIGINT ignored' "${state[@]}"
	grep -q '^SigIgn:.*3$' want && grep -q '^Umask:.*0027' want || fail "no test: $(cat want)"
) || exit
(
	ulimit -Sn 77
	same 'few descriptors' bash -c 'ulimit -Sn; ulimit -Hn'
) || exit
(
	ulimit -n 64
	same 'few descriptors at all' bash -c 'ulimit -Sn; ulimit -Hn'
) || exit
nohup fdmsg open /dev/null -- cat /proc/self/status 2>/dev/null | grep -q 'SigIgn:.*1$' || fail nohup
