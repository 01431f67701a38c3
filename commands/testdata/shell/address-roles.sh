# send --listen and recv --connect: the sender may be the one that listens.
#
# Needs: jq, python3

set -e
printf 'content\n' >file.txt
for address in ./s unix-seqpacket:./s @fdmsg-roles-$$
do
	fdmsg send --listen -t 20 "$address" -m served file.txt >sent &
	fdmsg recv --connect --wait 10 "$address" >line
	wait $!
	jq -e '.type == "sent" and .size == 6 and (.fds | length) == 1' sent
	jq -e '.message == "served" and .fds[0].content == "content\n"' line
	[ ! -e s ]
done

mkfifo ready
fdmsg send --listen -q -t 20 tcp:127.0.0.1:0 --ready-fd 3 -m served 3>ready &
fdmsg recv --connect "$(cat ready)" >line
wait $!
jq -e '.message == "served"' line

# recv --connect is a peer like another: it takes what a Python server sends.
python3 - <<'EOF' &
import socket
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.settimeout(20)
    server.bind("s")
    server.listen()
    peer = server.accept()[0]
    peer.send(b"one")
    peer.send(b"two")
    peer.recv(1)
EOF
fdmsg recv --connect --wait 10 -n 2 unix-seqpacket:./s >lines
wait $!
jq -se 'map(.message) == ["one", "two"]' lines
jq -se --arg from "unix-seqpacket:$WORK/s" 'all(.[]; .from == $from)' lines
