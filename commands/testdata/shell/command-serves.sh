# With listen, a server that hands out descriptors is one line of shell, and so is its client.
#
# Needs: jq

set -eu
mkdir srv
seq 3 >srv/x
seq 50000 >srv/large
mkfifo ready
fdmsg listen ./s -t 25 --ready-fd 3 3>ready -- sh -c 'p=$FDMSG_MESSAGE; case $p in
	*..*) fdmsg send -q fd:$FDMSG_CONN -m no;;
	srv/*) fdmsg send -q fd:$FDMSG_CONN -m ok "r:$p";;
	*) fdmsg send -q fd:$FDMSG_CONN -m no;; esac' &
server=$!
read -r address <ready
[ "$(fdmsg call -t 20 ./s -m srv/x --stdin 0 -- wc -l)" = 3 ]
[ "$(fdmsg call -t 20 ./s -m srv/large --stdin 0 -- wc -l)" = 50000 ]
[ "$(fdmsg call -t 20 ./s -m srv/x -- sh -c 'echo $FDMSG_MESSAGE $LISTEN_FDS; tail -n 1 <&3')" = "$(printf 'ok 1\n3')" ]
fdmsg call -t 20 ./s -m srv/../secret >line
jq -e '.message == "no" and .fds == []' line
fdmsg call -t 20 ./s -m srv/x --stdin 0 -- cat >/dev/null
# what COMMAND says there is no descriptor for
code=0
fdmsg call -t 20 ./s -m elsewhere --stdin 0 -- cat 2>err || code=$?
[ $code = 1 ]
grep -q 'stdin 0' err
# a dialog: a connection is served until it ends
fdmsg open connect:./s -- sh -ec '
	fdmsg call -t 20 fd:3 -m srv/x --stdin 0 -- cat
	fdmsg call -t 20 fd:3 -m no | jq -r .message
	fdmsg call -t 20 fd:3 -m srv/x --stdin 0 -- cat' >dialog
[ "$(tr '\n' ' ' <dialog)" = '1 2 3 no 1 2 3 ' ]
kill $server
wait $server
[ ! -e s ]
