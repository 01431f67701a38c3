// Command fdmsg does from a shell what sendmsg(2) and recvmsg(2) can do: it
// sends and receives messages and, over Unix sockets, open file descriptors.
package main

import (
	"os"

	"fdmsg/commands"
)

func main() { os.Exit(commands.Main(os.Args)) }
