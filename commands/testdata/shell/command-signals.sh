# COMMAND has the signal dispositions and the limit on open files that fdmsg was
# started with.

# start COMMAND ...: COMMAND prints the same by itself and as COMMAND of fdmsg
start() {
	"$@" >want || exit
	fdmsg send -q --wait 10 "$WORK/s" -m x &
	fdmsg recv -t 20 "$WORK/s" -- "$@" >got || exit
	wait $! || exit
	cmp want got || { cat want got; exit 1; }
}
start grep -E 'Sig(Blk|Cgt|Ign)' /proc/self/status
start bash -c 'ulimit -Sn; ulimit -Hn'

# Ignored signals stay ignored.
trap '' HUP INT
start grep SigIgn /proc/self/status
grep -q 'SigIgn:.*3$' want || exit

# A low limit that fdmsg itself may have raised, and one that stands.
ulimit -Sn 77
start bash -c 'ulimit -Sn; ulimit -Hn'
