# Relative paths are printed as absolute ones, which can be used from another directory.
#
# Needs: jq

set -e
mkdir -p sub/dir
cd sub
for path in ./s dir/s unix:s unix:dir/s unix-seqpacket:./s unix-dgram:dir/s
do
	plain=${path##*:} scheme=unix
	case $path in *:*) scheme=${path%%:*} ;; esac
	want=$scheme:$WORK/sub/${plain#./}

	mkfifo ready
	fdmsg recv -t 20 --ready-fd 3 "$path" >line 3>ready &
	[ "$(cat ready)" = "$want" ]
	rm ready
	fdmsg send "$path" -m x >sent
	wait $!
	jq -e --arg want "$want" '.local == $want' line
	jq -e --arg want "$want" '.to == $want' sent
done

# so is --from, and what from says
fdmsg recv -t 20 unix-dgram:s >line &
fdmsg send --wait 10 -q unix-dgram:s --from unix-dgram:./me -m x
wait $!
jq -e --arg want "unix-dgram:$WORK/sub/me" '.from == $want' line
