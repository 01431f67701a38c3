# The exit code of recv is that of its COMMAND, or the signal that ended COMMAND ends recv.

set -u
for code in 0 1 3 77 124 255
do
	fdmsg recv -t 20 "$WORK/s" -- bash -c "exit $code" &
	fdmsg send -q --wait 10 "$WORK/s" -m x
	wait $!
	got=$?
	[ $got = $code ] || { echo "exit code $got, not $code"; exit 1; }
done
for signal in TERM KILL
do
	fdmsg recv -t 20 "$WORK/s" -- bash -c "kill -$signal \$\$" &
	fdmsg send -q --wait 10 "$WORK/s" -m x
	wait $! 2>/dev/null
	got=$?
	[ $got = $((128 + $(kill -l $signal))) ] || { echo "exit code $got after SIG$signal"; exit 1; }
done
