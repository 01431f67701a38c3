# Abstract names have no file, are printed as they were written, and are accepted again.
#
# Needs: jq

set -e
printf 'content\n' >file.txt
name=@fdmsg-test-$$
for scheme in unix unix-dgram unix-seqpacket
do
	mkfifo received
	fdmsg listen -t 25 -n 3 "$scheme:$name" >received &
	exec 3<received
	fdmsg send --wait 10 "$scheme:$name" -m first file.txt >sent
	jq -e --arg to "$scheme:$name" '.to == $to' sent

	# the address as listen prints it
	fdmsg send -q "$(jq -r .to sent)" -m second
	read -r -t 20 line <&3
	printf '%s\n' "$line" >lines
	address=$(jq -r .local lines)
	[ "$address" = "$scheme:$name" ]
	fdmsg send -q "$address" -m third
	cat <&3 >>lines
	wait $!
	rm received
	jq -se 'sort_by(.message) | map(.message) == ["first", "second", "third"] and .[0].fds[0].content == "content\n"' lines
done

# @NAME alone is unix:@NAME. A name may hold anything that prints.
name="@fdmsg test/$$ ünï:x"
fdmsg recv -t 25 "$name" >lines &
fdmsg send -q --wait 10 "unix:$name" -m short
wait $!
jq -e --arg name "$name" '.message == "short" and .local == "unix:\($name)"' lines
[ -z "$(ls | grep fdmsg-test || true)" ]
