// Package commands is the command line of fdmsg.
//
// Each subcommand is a struct in a file of its own, whose flags are fields with tags for
// kong. Kong fills the struct, calls its AfterApply method to check it, and then its Run
// method. Flags of several commands are structs that the commands embed, in files whose
// names end in flags.go.
//
// A command line goes through parse.go, which sets up kong; commandline.go, which separates
// what kong cannot separate; the rules of the flags, in rules.go; and Run.
//
// Standard output has only lines, one JSON object each, and help that was asked for. Errors
// and warnings are lines on standard error that begin with "fdmsg:", in lower case and
// without a full stop: errors.go has their form and the exit codes, hints.go the hints.
//
// # What kong, the Go runtime and the kernel do that shaped it
//
// Kong passes strings through JSON, which replaces bytes that are not UTF-8, as file names
// may have them: parse.go gives kong a mapper that takes a value as it is. Errors of usage
// make kong exit with 80; here they are errors, and the exit code is 2. Kong imports os/user,
// which needs CGO_ENABLED=0 for a static binary.
//
// A Go process dies of a write to a broken standard output unless it is notified of SIGPIPE.
// Ignoring the signal instead would be inherited by COMMAND: see signals.go. Being notified
// of any signal makes the runtime start two threads, which fdmsg send does without if it
// has nothing to clean up.
//
// With SO_PASSRIGHTS off at the receiver (--fds refuse), the kernel fails the whole sendmsg(2)
// of the sender with EPERM. Accepted sockets inherit the option.
package commands

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"fdmsg/commands/internal/spawn"

	"github.com/alecthomas/kong"
)

// A command is a struct that kong fills from the flags and arguments of one
// subcommand. Its AfterApply method checks them.
type command interface {
	// Run does the work. When it returns, everything that it opened is closed, and
	// every line is written.
	Run(ctx context.Context) error
	// timeout returns how long Run may take, or 0 for no limit.
	timeout() time.Duration
	// heedsSignals reports whether Run must clean up after a signal. Otherwise the
	// signal ends the process at once.
	heedsSignals() bool
}

// A subcommand is a row of the table below.
type subcommand struct {
	name     string
	synopsis string // its flags and arguments, for the usage line
	summary  string // its first sentence is also in the list of commands
	sections []string
	example  string
	timeout  string // help of --timeout, timeoutHelp if empty
	cut      bool   // whether -- COMMAND may follow
	new      func() command
}

// subcommands lists all subcommands, in the order of the help.
var subcommands = []subcommand{
	{
		name:     "send",
		synopsis: "[flags] ADDRESS [DESCRIPTOR ...]",
		summary:  "Send one message, with open descriptors if given.",
		sections: []string{sendNotes, frameHelp, addressHelp, descriptorHelp, controlHelp, optionHelp, valueHelp},
		example:  sendExample,
		new:      func() command { return &sendCommand{} },
	},
	{
		name:     "recv",
		synopsis: "[flags] ADDRESS [-- COMMAND [ARG ...]]",
		summary:  "Receive from one peer, and print one line per message. With COMMAND, receive one message and become COMMAND, which gets the descriptors.",
		sections: []string{recvNotes, frameHelp, addressHelp, optionHelp, valueHelp},
		example:  recvExample,
		cut:      true,
		new:      func() command { return &recvCommand{} },
	},
	{
		name:     "call",
		synopsis: "[flags] ADDRESS [DESCRIPTOR ...] [-- COMMAND [ARG ...]]",
		summary:  "Send one message, and print the answer from the same socket. With COMMAND, become COMMAND, which gets the descriptors of the answer.",
		sections: []string{callNotes, frameHelp, addressHelp, descriptorHelp, controlHelp, optionHelp, valueHelp},
		example:  callExample,
		cut:      true,
		new:      func() command { return &callCommand{} },
	},
	{
		name:     "listen",
		synopsis: "[flags] ADDRESS ... [-- COMMAND [ARG ...]]",
		summary:  "Serve any number of peers until told to stop. Print one line per message, or run COMMAND for each message.",
		sections: []string{listenNotes, frameHelp, addressHelp, optionHelp, valueHelp},
		example:  listenExample,
		timeout:  listenTimeoutHelp,
		cut:      true,
		new:      func() command { return &listenCommand{} },
	},
	{
		name:     "open",
		synopsis: "[flags] DESCRIPTOR ... [-- COMMAND [ARG ...]]",
		summary:  "Open descriptors, and print what they are and what they contain. With COMMAND, become COMMAND, which gets the descriptors.",
		sections: []string{openNotes, descriptorHelp, addressHelp, valueHelp},
		example:  openExample,
		cut:      true,
		new:      func() command { return &openCommand{} },
	},
}

// Main runs the command line argv, where argv[0] is the name that the program was
// run by, and returns its exit code. It does not return if a signal ends the
// process.
func Main(argv []string) int {
	if spawn.IsChild(argv) {
		return report("listen", spawn.BecomeChild(argv))
	}
	sub, args := selectSubcommand(argv)
	if sub == nil {
		return topLevel(args)
	}
	return run(sub, args)
}

func run(sub *subcommand, args []string) int {
	cmd := sub.new()
	kctx, err := parse(sub, cmd, args)
	if err == nil {
		err = runCommand(kctx, cmd)
	}
	return report(sub.name, err)
}

func runCommand(kctx *kong.Context, cmd command) error {
	ctx := context.Background()
	if cmd.heedsSignals() {
		var stop func()
		ctx, stop = withSignals(ctx)
		defer stop()
	}
	if d := cmd.timeout(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, errTimeout)
		defer cancel()
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	err := kctx.Run()
	if err != nil {
		surviveWrites()
	}
	return err
}

// selectSubcommand returns the subcommand that argv names, with its first argument
// or with the name of the link that the program was run through (fdmsg-send), and
// the arguments of the subcommand. If argv names none, sub is nil and args are all
// arguments.
func selectSubcommand(argv []string) (sub *subcommand, args []string) {
	if len(argv) == 0 {
		return nil, nil
	}
	if name, ok := strings.CutPrefix(filepath.Base(argv[0]), "fdmsg-"); ok {
		if sub := findSubcommand(name); sub != nil {
			return sub, argv[1:]
		}
	}
	if len(argv) > 1 {
		if sub := findSubcommand(argv[1]); sub != nil {
			return sub, argv[2:]
		}
	}
	return nil, argv[1:]
}

func findSubcommand(name string) *subcommand {
	for i := range subcommands {
		if subcommands[i].name == name {
			return &subcommands[i]
		}
	}
	return nil
}
