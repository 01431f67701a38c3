# A socket file has mode 0600, whatever the umask, unless --mode says otherwise.

# mode WANT UMASK FLAG ...: the mode of the file that a listener makes
mode() {
	want=$1 umask=$2
	shift 2
	for scheme in unix unix-dgram unix-seqpacket
	do
		(umask "$umask"; exec fdmsg listen -t 20 --ready-fd 3 "$@" "$scheme:./s" 3>ready) &
		cat ready >/dev/null
		got=$(stat -c %a s)
		kill $! && wait $! || exit
		[ "$got" = "$want" ] || { echo "$scheme, umask $umask, $*: mode $got, not $want"; exit 1; }
	done
}
mkfifo ready
mode 600 022
mode 600 000
mode 600 077
mode 600 777
mode 666 022 --mode 0666
mode 666 077 --mode 666
mode 777 077 --mode 0777
mode 0 022 --mode 0
mode 660 777 --mode 0660

# so is that of send --listen and recv
(umask 0; exec fdmsg send --listen -t 20 --ready-fd 3 ./s -m x 3>ready) >sent &
cat ready >/dev/null
[ "$(stat -c %a s)" = 600 ] || exit
fdmsg recv -q --connect ./s && wait $! || exit
(umask 0; exec fdmsg recv -t 20 --mode 0640 --ready-fd 3 ./s 3>ready) >line &
cat ready >/dev/null
[ "$(stat -c %a s)" = 640 ] || exit
fdmsg send -q ./s -m x && wait $!
