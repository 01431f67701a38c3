package commands

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// parse parses the arguments of one subcommand into cmd. Kong does not see the other
// subcommands: to build them would take longer than sending a message.
func parse(sub *subcommand, cmd command, args []string) (*kong.Context, error) {
	line := &commandLine{}
	parser, err := kong.New(cmd,
		kong.Name("fdmsg "+sub.name),
		kong.Description(sub.summary),
		kong.KindMapper(reflect.String, kong.MapperFunc(decodeString)),
		kong.NoDefaultHelp(), // CommonFlags has a flag for it, in a group
		kong.Help(sub.printHelp),
		kong.ConfigureHelp(kong.HelpOptions{NoAppSummary: true}),
		kong.ValueFormatter(formatHelp),
		kong.Vars{"timeout": cmp.Or(sub.timeout, timeoutHelp)},
		kong.Bind(line),
	)
	if err != nil {
		return nil, err
	}
	if err := line.sort(parser.Model.Flags, args, sub.cut); err != nil {
		return nil, sub.usageError(err)
	}
	kctx, err := parser.Parse(line.kongArgs())
	return kctx, sub.usageError(err)
}

// usageError turns an error of kong into one of wrong usage. An error that a hook of the
// command has returned remains as it is; kong marks it with another exit code.
func (sub *subcommand) usageError(err error) error {
	if e, ok := errors.AsType[*kong.ParseError](err); ok && e.ExitCode() == exitFailed {
		return err
	}
	if _, ok := errors.AsType[*exitError](err); ok {
		return err
	}
	return usage(err, cmp.Or(nameHint(err), "fdmsg "+sub.name+" --help lists the flags"))
}

// decodeString takes a value as it is. Kong's own mapper passes it through JSON, which
// replaces the bytes of a file name that are not UTF-8.
func decodeString(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	target.SetString(token.String())
	return nil
}

// topLevel handles a command line that names no subcommand.
func topLevel(args []string) int {
	if len(args) == 0 {
		return report("", usagef("fdmsg --help lists the commands", "no command"))
	}
	switch args[0] {
	case "-h", "--help", "help":
		if len(args) > 1 && args[0] == "help" {
			if sub := findSubcommand(args[1]); sub != nil {
				return run(sub, []string{"--help"})
			}
			return unknownCommand(args[1])
		}
		return report("", printTopHelp(os.Stdout))
	case "--version":
		_, err := fmt.Println("fdmsg " + version())
		return report("", err)
	}
	return unknownCommand(args[0])
}

func unknownCommand(name string) int {
	if strings.HasPrefix(name, "-") {
		return report("", usagef("fdmsg --help lists the commands, fdmsg COMMAND --help their flags", "unknown flag %s", name))
	}
	names := make([]string, len(subcommands))
	for i, sub := range subcommands {
		names[i] = sub.name
	}
	return report("", usagef(guess(name, names), "unknown command %q", name))
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
