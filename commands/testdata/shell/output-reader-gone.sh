# listen and recv notice that the reader of their output has closed it, although they have
# nothing to write, and end.
#
# Needs: python3

mkfifo code.fifo

# ends READER COMMAND ...: a pipeline whose READER ends with the first line is over, although
# COMMAND still has a peer that says nothing. It would wait for an hour.
ends() {
	reader=$1
	shift
	{
		timeout -s KILL 20 "$@" 2>err
		echo $? >code.fifo
	} | $reader >first &
	pipeline=$!
	# a peer that stays connected until the end
	coproc peer { exec python3 -m connecting s ready; }
	read -r -t 20 <&"${peer[0]}" || { echo "no peer"; exit 1; }
	read -r code <code.fifo
	wait $pipeline || { echo "$reader found nothing"; exit 1; }
	[ -n "$(cat first)" ] || exit
	exec {peer[1]}>&-
	wait
	echo "$reader: $*: $code"
	cat err
}
ends 'head -1' fdmsg listen "$WORK/s" -t 1h
[ "$code" = 0 ] && [ ! -s err ] || exit
[ ! -e s ] || { echo "the file is left"; exit 1; }
ends 'grep -m1 ready' fdmsg listen "$WORK/s" -t 1h
[ "$code" = 0 ] && [ ! -s err ] || exit
ends 'head -1' fdmsg recv -n 0 "$WORK/s" -t 1h
[ "$code" != 137 ] || { echo "recv did not notice"; exit 1; }
