// Package commands is the command line of fdmsg: one file a subcommand, and
// what they share.
//
// What goes where: standard output carries records, one JSON object a line, and
// the help that was asked for; nothing else. Errors and warnings are lines on
// standard error that begin with "fdmsg:", lower case, without a full stop; see
// errors.go for their form and for the exit codes.
package commands

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// A command is a struct that kong fills from the flags and arguments of one
// subcommand. Its AfterApply method checks them.
type command interface {
	// Run does the work. It returns when everything that it opened is closed and
	// every line is written.
	Run(ctx context.Context) error
	// timeout returns how long Run may take, 0 for no limit.
	timeout() time.Duration
	// heedsSignals reports whether Run must be told of a signal to clean up.
	// Otherwise the signal ends the process at once.
	heedsSignals() bool
}

// A subcommand is a row of the table below.
type subcommand struct {
	name     string
	synopsis string // flags, arguments
	summary  string
	help     string // after the flags
	cut      bool   // takes -- COMMAND
	new      func() command
}

// subcommands are all there are, in the order of the help.
var subcommands = []subcommand{
	{"send", "[flags] ADDRESS [DESCRIPTOR ...]", "Send one message, with open descriptors if given.", sendHelp, false, func() command { return &sendCommand{} }},
	{"recv", "[flags] ADDRESS [-- COMMAND [ARG ...]]", "Take one peer, print a line for each message of its, and end; or become COMMAND with the descriptors of the first.", recvHelp, true, func() command { return &recvCommand{} }},
	{"call", "[flags] ADDRESS [DESCRIPTOR ...] [-- COMMAND [ARG ...]]", "Send one message and print the answer that comes on the same socket; or become COMMAND with the descriptors of the answer.", callHelp, true, func() command { return &callCommand{} }},
	{"listen", "[flags] ADDRESS ... [-- COMMAND [ARG ...]]", "Serve any number of peers, and print a line for each message, or run COMMAND for it, until told to stop.", listenHelp, true, func() command { return &listenCommand{} }},
	{"open", "[flags] DESCRIPTOR ... [-- COMMAND [ARG ...]]", "Open descriptors, and print what they are and what is in them; or become COMMAND with them.", openHelp, true, func() command { return &openCommand{} }},
}

// Main runs the command line argv, argv[0] being the name that the program was
// run by, and returns its exit code. A death by a signal does not return.
func Main(argv []string) int {
	if len(argv) > 3 && argv[0] == childName {
		return childMain(argv[1], argv[2], argv[3:])
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

// selectSubcommand finds the subcommand that argv names, by its first argument
// or by the link that the program was run through (fdmsg-send). sub is nil
// where it names none; args are then all arguments.
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
