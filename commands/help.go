package commands

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// printHelp prints the output of fdmsg COMMAND --help: a usage line with COMMAND, of which
// kong does not know; kong's help of the flags; the sections; and an example. Kong's list
// of the arguments is left out, since sections describe them.
func (sub *subcommand) printHelp(options kong.HelpOptions, kctx *kong.Context) error {
	if _, err := fmt.Fprintf(kctx.Stdout, "Usage: fdmsg %s %s\n", sub.name, sub.synopsis); err != nil {
		return err
	}
	kctx.Model.Positional = nil
	if err := kong.DefaultHelpPrinter(options, kctx); err != nil {
		return err
	}
	_, err := io.WriteString(kctx.Stdout, "\n"+strings.Join(sub.sections, "\n")+"\nExample:\n"+sub.example)
	return err
}

// formatHelp adds the default of a flag to its help.
func formatHelp(v *kong.Value) string {
	if !v.HasDefault {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " (default: " + v.Default + ")."
}

// printTopHelp prints what fdmsg --help shows.
func printTopHelp(w io.Writer) error {
	var b strings.Builder
	b.WriteString("Usage: fdmsg COMMAND [ARG ...]\n\n" + topHelp + "\nCommands:\n")
	for _, sub := range subcommands {
		first, _, _ := strings.Cut(sub.summary, ". ")
		fmt.Fprintf(&b, "  %-8s%s.\n", sub.name, strings.TrimSuffix(first, "."))
	}
	b.WriteString("\n" + topNotes + "\n" + exitHelp + "\nExample:\n" + topExample)
	_, err := io.WriteString(w, b.String())
	return err
}

const topHelp = `Send and receive messages with sendmsg(2) and recvmsg(2), and pass open file
descriptors between processes over Unix sockets. What is received is printed as
JSON, one object per line.
`

const topNotes = `fdmsg COMMAND --help describes a command, fdmsg --version prints the version.
Run through a link named fdmsg-COMMAND, the program is that command.
`

const exitHelp = `Exit codes:
  0         done
  1         failed
  2         wrong usage
  3         the peer ended first
  124       timed out
  126, 127  COMMAND cannot be run, or is not found
  128+N     ended by signal N
`

const topExample = `  $ fdmsg listen ./s | jq -r '.message, .fds[].content' &
  $ fdmsg send -q --wait 5 ./s -m 'Temperature data' temps.txt
`

const timeoutHelp = "Give up after this long, with exit code 124; 0 means never."

const frameHelp = `Frames:
  chunk         whatever one call sends or receives
  line, nul     message that ends with a newline, or with a NUL byte
  u32be, u32le  message that follows its length, a 32-bit number, the highest
                or the lowest byte first
  json          JSON value
  eof           everything up to the end of the stream
  What marks the end of a message is added when it is sent, and removed when it
  is received.
`

const addressHelp = `ADDRESS:
  unix:PATH, unix:@NAME         Unix stream socket: a file, or a name in the
                                abstract namespace, which the kernel picks if
                                NAME is empty
  unix-dgram:, unix-seqpacket:  the same for the other types of Unix sockets
  PATH, @NAME                   short for unix:, if PATH contains a /
  unix-hex:HEX                  name in hexadecimal, abstract if it begins with
                                00; also unix-dgram-hex:, unix-seqpacket-hex:
  tcp:HOST:PORT, udp:HOST:PORT  also tcp4:, tcp6:, udp4:, udp6:. An empty HOST
                                means every address when binding and loopback
                                when connecting; with port 0, the kernel picks
                                the port
  fd:N, -                       inherited socket; - is fd:0
  systemd:, systemd:NAME        sockets passed by a service manager: all, or
                                those called NAME
  sockaddr-hex:HEX              struct sockaddr of another family, for --to only
`

const descriptorHelp = `DESCRIPTOR:
  PATH, r:PATH                  file or directory, opened for reading
  w:PATH, rw:PATH, a:PATH       opened for writing, for reading and writing, for
                                appending; created if missing, never truncated
  fd:N, -                       inherited descriptor; - is standard input
  opath:PATH                    location in the file system only (O_PATH)
  memfd:PATH, memfd:-           sealed copy in memory of a file, or of standard
                                input
  connect:ADDRESS               socket connected to ADDRESS
  listen:ADDRESS                socket listening on ADDRESS
  pid:PID:FD                    descriptor FD of process PID
  pidfd:PID                     descriptor of process PID
`

const controlHelp = `Control messages:
  LEVEL and TYPE are names or numbers. DATA has the fields of a type that fdmsg
  knows, as in SOL_SOCKET:SCM_RIGHTS:fds=3+4, IPPROTO_IP:IP_TTL:ttl=3 and
  SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0,gid=0; or typed parts joined by commas:
  int= u8= u16= u32= u64=       numbers in the byte order of the machine
  be16= be32=                   numbers in network byte order
  hex= base64= text=            bytes
`

const optionHelp = `Option values:
  A number, with K, M or G for powers of 1024; on, off or nothing, which means
  on, for a switch; a duration; the name of a device; or, for options that take
  a struct, typed parts joined by commas, as in SO_TXTIME=int=11,u32=0. An
  option without a name is written LEVEL:NUMBER, as in IPPROTO_TCP:13=hex=7265.
`

const valueHelp = `Sizes and durations:
  SIZE is a number of bytes, with K, M or G for powers of 1024. DURATION is a
  number of seconds such as 5 or 0.25, or has a unit: 100ms, 5s, 1m30s, 1h.
`
