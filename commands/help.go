package commands

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

// printTopHelp prints what fdmsg --help shows.
func printTopHelp(w io.Writer) error {
	var b strings.Builder
	b.WriteString("Usage: fdmsg COMMAND ...\n\n" + topHelp + "\nCommands:\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, sub := range subcommands {
		fmt.Fprintf(t, "  %s\t%s\n", sub.name, firstSentence(sub.summary))
	}
	t.Flush()
	b.WriteString("\nfdmsg COMMAND --help tells more; fdmsg --version prints the version.\n" +
		"Run through a link named fdmsg-COMMAND, it is that command.\n\n" + exitHelp)
	_, err := io.WriteString(w, b.String())
	return err
}

func firstSentence(s string) string {
	first, _, _ := strings.Cut(s, "; ")
	return strings.TrimSuffix(first, ".")
}

// printHelp prints what fdmsg COMMAND --help shows: kong's help between the usage
// line, as kong does not know of COMMAND, and the sections about values. These
// also describe the arguments, for which kong would print a list of names.
func (sub *subcommand) printHelp(options kong.HelpOptions, kctx *kong.Context) error {
	if _, err := fmt.Fprintf(kctx.Stdout, "Usage: fdmsg %s %s\n", sub.name, sub.synopsis); err != nil {
		return err
	}
	kctx.Model.Positional = nil
	if err := kong.DefaultHelpPrinter(options, kctx); err != nil {
		return err
	}
	_, err := io.WriteString(kctx.Stdout, "\n"+sub.help)
	return err
}

// formatHelp adds its default to the help of a flag.
func formatHelp(v *kong.Value) string {
	if !v.HasDefault {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " (default: " + v.Default + ")."
}

const topHelp = `Send and receive messages with sendmsg(2) and recvmsg(2), and pass open file
descriptors between processes over Unix sockets. What comes in goes out as one
JSON object a line.
`

const addressHelp = `ADDRESS:
  unix:PATH  unix:@NAME         a Unix stream socket: a file, or a name in the
                                abstract namespace; @ alone: the kernel picks
  unix-dgram:  unix-seqpacket:  the other two types of Unix sockets, alike
  PATH  @NAME                   unix:, when it contains a / or begins with @
  unix-hex:HEX  ...             a name in hexadecimal; 00 first: abstract
  tcp:HOST:PORT  udp:HOST:PORT  also tcp4 tcp6 udp4 udp6; empty HOST: every
                                address to bind to, loopback to connect to;
                                port 0: the kernel picks
  fd:N  -                       a socket that fdmsg inherited; - is fd:0
  systemd:  systemd:NAME        the sockets that a service manager passed, by name
  sockaddr-hex:HEX              any struct sockaddr; only --to takes it
`

const descriptorHelp = `DESCRIPTOR:
  PATH  r:PATH                  opened for reading, directories too
  w:PATH  rw:PATH  a:PATH       for writing, both, appending; created if need be,
                                never truncated
  fd:N  -                       one that fdmsg inherited; - is standard input
  opath:PATH                    its place in the file system alone: O_PATH
  memfd:PATH  memfd:-           a sealed copy in memory of a file or standard input
  connect:ADDRESS               a socket that is connected there
  listen:ADDRESS                a socket that listens there
  pid:PID:FD                    descriptor FD of process PID
  pidfd:PID                     a process
`

const controlHelp = `LEVEL:TYPE:DATA of --control are names or numbers and
  int=N u8= u16= u32= u64=      numbers in the machine's byte order
  be16= be32=                   or in that of the network
  hex= base64= text=            bytes; all of these may be joined by commas
or the fields of a type that is known: SOL_SOCKET:SCM_RIGHTS:fds=3+4,
SOL_SOCKET:SCM_CREDENTIALS:pid=1,uid=0,gid=0, IPPROTO_IP:IP_TTL:ttl=3.
`

const optionHelp = `--option takes what setsockopt(2) does: a number, with K, M or G; on, off or
nothing for a switch; seconds, a time span, the name of a device; for all others
bytes, as in SO_TXTIME=int=11,u32=0 or IPPROTO_TCP:13=hex=7265.
`

const valueHelp = `SIZE takes K, M, G (powers of 1024). DURATION is in seconds, fractions allowed,
or has a unit: ms, s, m, h.
`

const exitHelp = `Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the peer ended first, 124 timed
out, 126 and 127 COMMAND cannot be run or is not found, 128+N ended by signal N.
`
