# Empty arrays are printed, so that a jq filter needs no guard; seq counts the lines, and
# time increases.
#
# Needs: jq

set -e
printf 'content\n' >file.txt
mkfifo received
fdmsg listen -t 25 -n 3 "$WORK/s" >received &
exec 3<received
# one after the other: what comes over different connections has no order
for args in '-m plain' file.txt '-m directory .'
do
	fdmsg send --wait 10 "$WORK/s" $args >>sent
	read -r -t 20 line <&3
	printf '%s\n' "$line" >>lines
done
wait $!

[ "$(jq -r '.fds[].content' lines)" = $'content\n\nnull' ]
[ "$(jq -c '[.flags, (.control | length), (.fds | length)]' lines)" = $'[[],0,0]\n[[],1,1]\n[[],1,1]' ]
[ "$(jq -c '.seq' lines)" = $'1\n2\n3' ]
[ "$(jq -c '.seq' sent)" = $'1\n1\n1' ]
jq -se 'map(.time) | . == sort and . == unique' lines
jq -e '.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{9}Z$")' lines sent
jq -se 'map(.conn) | length == (unique | length)' lines

# numbers, texts and truth values are what they are called
jq -se '.[1].fds[0] | (.fd | type) == "number" and (.uid | type) == "number" and (.gid | type) == "number"
	and (.size | type) == "number" and (.offset | type) == "number" and (.links | type) == "number"
	and (.inode | type) == "string" and (.device | type) == "string" and (.mode | type) == "string"
	and (.flags | type) == "array"' lines
jq -se '.[0] | (.peer.pid | type) == "number" and (.conn | type) == "number" and has("from") == false
	and has("truncated") == false and has("control_truncated") == false and has("message_base64") == false' lines

# a lone NUL byte that carries descriptors is what came, and is printed as such
jq -se '.[1] | .message == "\u0000" and .size == 1' lines
jq -se '.[1] | .size == 1' sent
