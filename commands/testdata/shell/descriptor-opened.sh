# Opening never makes a terminal the controlling one (O_NOCTTY) and never waits (O_NONBLOCK);
# all buffers are sent by one sendmsg; received descriptors are close-on-exec from the start,
# and are closed.
#
# Needs: jq, strace

set -e
printf 'content\n' >file.txt
printf two >two.txt
strace -f -qq -o recv.trace -e trace=recvmsg,close,close_range -e status=successful fdmsg recv -t 20 "$WORK/s" >line &
strace -f -qq -o send.trace -e trace=openat,sendmsg fdmsg send --wait 15 "$WORK/s" -m one -M two.txt -m three file.txt w:new.txt >sent
wait $!
jq -e '.message == "onetwothree" and (.fds | length) == 2' line

[ "$(grep -c 'sendmsg(.*SCM_RIGHTS' send.trace)" = 1 ]
grep 'sendmsg(.*msg_iov=\[{iov_base="one", iov_len=3}, {iov_base="two", iov_len=3}, {iov_base="three", iov_len=5}\]' send.trace
grep 'openat(.*"file.txt", .*O_NOCTTY' send.trace | grep O_CLOEXEC
grep 'openat(.*"file.txt", .*O_NONBLOCK' send.trace
grep 'openat(.*"new.txt", .*O_NOCTTY' send.trace

# Where another thread comes in between, strace breaks the line of a call in two, and the
# second part may lack the name: recvmsg, as no other call that is traced has control data.
grep 'SCM_RIGHTS.*MSG_CMSG_CLOEXEC' recv.trace
for fd in $(jq '.fds[].fd' line)
do
	sed '1,/SCM_RIGHTS/d' recv.trace | awk -F '[(,) ]+' -v fd=$fd '
		$2 == "close" && $3 == fd || $2 == "close_range" && $3 <= fd && fd <= $4 { closed = 1 }
		END { exit !closed }'
done
