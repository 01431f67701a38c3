# All -m and -M make one message, in the order given and with nothing between them; -M - is
# standard input.
#
# Needs: jq

set -e
printf 'from\0a file' >file.bin
# check WANT ARG ...: the message that ARG ... make, over each type of socket
check() {
	want=$1
	shift
	for scheme in unix unix-dgram unix-seqpacket
	do
		fdmsg recv -t 20 -n 1 "$scheme:./s" >line &
		printf 'standard input' | fdmsg send --wait 10 "$scheme:./s" "$@" >sent
		wait $!
		[ "$(jq .message line)" = "$want" ] || { cat line; exit 1; }
		[ "$(jq .size line)" = "$(jq .size sent)" ] || exit 1
	done
}
check '"abc"' -m a -m b -m c
check '"afrom\u0000a fileb"' -m a -M file.bin -m b
check '"from\u0000a filefrom\u0000a file"' -M file.bin -M file.bin
check '"a standard input."' -m 'a ' -M - -m .
check '"standard input"' -M -
check '"ab"' -m a -m '' --message b
check '"ab"' -m a --message-file /dev/null -m b
check '"standard input"' -M /dev/stdin
check '"abfile"' -m a -mb -mfile . file.bin

# an empty -M makes an empty message, as -m '' does
fdmsg recv -t 20 -n 1 unix-dgram:./s >line &
fdmsg send -q --wait 10 unix-dgram:./s -M - </dev/null
wait $!
[ "$(jq -c '[.message, .size]' line)" = '["",0]' ]

# standard input as message and a file as descriptor; a file as standard input as descriptor
fdmsg recv -t 20 -n 1 ./s >line &
printf x | fdmsg send -q --wait 10 ./s -M - file.bin
wait $!
jq -e '.message == "x" and .fds[0].content == "from\u0000a file"' line
fdmsg recv -t 20 -n 1 ./s >line &
fdmsg send -q --wait 10 ./s -m y - <file.bin
wait $!
jq -e '.message == "y" and .fds[0].content == "from\u0000a file"' line
