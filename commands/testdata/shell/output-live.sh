# In a pipeline each line appears as soon as its message has come: here the sender goes on
# only when the reader behind tee has seen the line before.
#
# Needs: jq, socat

printf 'content\n' >file.txt
mkfifo lines
fdmsg listen -t 25 "$WORK/s" > >(exec tee -i log >lines) &
listener=$!
exec 3<lines
for i in 1 2 3 4 5
do
	fdmsg send -q --wait 10 "$WORK/s" -m "message $i" file.txt || exit
	read -r -t 20 line <&3 || { echo "no line for message $i"; exit 1; }
	[ "$(jq -r .message <<<"$line")" = "message $i" ] || exit
	[ "$(wc -l <log)" = $i ] || exit
done

# recv prints its lines at once as well, while the peer stays connected
mkfifo more
fdmsg recv -t 25 -n 0 "$WORK/r" >more &
exec 4<more
exec 5> >(exec socat -u STDIN UNIX-CONNECT:"$WORK/r",retry=100,interval=0.1)
for i in 1 2 3
do
	echo "message $i" >&5
	read -r -t 20 line <&4 || { echo "no line for message $i"; exit 1; }
	[ "$(jq -r .message <<<"$line")" = "message $i" ] || exit
done
exec 5>&-
wait $! || exit

# and when it is told to stop, all of them are in the log
kill $listener
wait $listener || exit
[ "$(cat <&3)" = '' ] && [ "$(wc -l <log)" = 5 ]
