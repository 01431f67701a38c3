# Sockets that a shell opened: bash's /dev/tcp, and one that socat accepted.
#
# Needs: jq, socat

set -e
printf 'content\n' >file.txt
mkfifo ready received
fdmsg listen -t 25 -n 2 --ready-fd 3 tcp:127.0.0.1:0 >received 3>ready &
listener=$!
exec 5<received
address=$(cat ready)
exec 4<>"/dev/tcp/127.0.0.1/${address##*:}"
fdmsg send -q fd:4 -m 'from bash'
read -r -t 20 line <&5
printf '%s\n' "$line" >lines
jq -e --arg address "$address" '.message == "from bash" and .local == $address' lines
fdmsg send -q - -m 'and again' <&4
exec 4>&-
cat <&5 >>lines
wait $listener
jq -se 'map(.message) == ["from bash", "and again"] and .[0].conn == .[1].conn' lines

# With nofork, socat gives fdmsg the socket itself, so that descriptors pass.
cat >one.sh <<'EOF'
exec fdmsg recv -t 20 -n 1 fd:5 >line
EOF
socat UNIX-LISTEN:socat.sock,unlink-early EXEC:'bash one.sh',nofork,fdin=5,fdout=5 &
fdmsg send -q --wait 10 ./socat.sock -m 'with a file' file.txt
wait $!
jq -e '.message == "with a file" and .fds[0].content == "content\n"' line
