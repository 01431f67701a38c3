# On a stream an empty buffer would receive nothing for ever: there --size 0 is wrong
# usage, not an endless output of empty lines. Messages with boundaries can be received
# without their data.
#
# Needs: jq

for command in recv listen
do
	fdmsg send -q --wait 5 ./s -m hello &
	fdmsg $command -t 1 --size 0 ./s 2>err | head -c 10000 >lines
	code=${PIPESTATUS[0]}
	[ ! -s lines ] || { echo "$command: lines without end:"; head -2 lines; exit 1; }
	[ $code = 2 ] && grep -- '--size' err || { echo "$command: exit code $code"; exit 1; }
	kill $!
	wait $!
done
fdmsg send -q --wait 10 unix-seqpacket:./s -m hello /dev/null &
fdmsg recv -t 20 --size 0 -n 1 unix-seqpacket:./s >line || exit
wait $! || exit
jq -e '.message == "" and .size == 0 and .truncated and (.fds | length) == 1' line
