package commands

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
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
	var kctx *kong.Context
	if err = line.sort(parser.Model.Flags, args, sub.cut); err == nil {
		err = line.checkArguments(parser.Model.Positional)
	}
	if err == nil {
		kctx, err = parser.Parse(line.kongArgs())
	}
	return kctx, sub.usageError(err, line)
}

// usageError turns an error of kong into one of wrong usage. An error that a hook of the
// command has returned remains as it is; kong marks it with another exit code.
func (sub *subcommand) usageError(err error, line *commandLine) error {
	parse, ok := errors.AsType[*kong.ParseError](err)
	hook := ok && parse.ExitCode() == exitFailed
	exit, ok := errors.AsType[*exitError](err)
	isUsage := ok && exit.code == exitUsage
	switch {
	case err == nil, (hook || ok) && !isUsage:
		return err
	case sub.cut && line.hasProgram():
		return usage(err, "put -- before COMMAND")
	case isUsage:
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
			return unknownCommand(args[1:])
		}
		return report("", printTopHelp(os.Stdout))
	case "--version":
		_, err := fmt.Println("fdmsg " + version())
		return report("", err)
	}
	return unknownCommand(args)
}

// unknownCommand reports that args, which do not begin with a command, are wrong usage.
func unknownCommand(args []string) int {
	name := args[0]
	names := make([]string, len(subcommands))
	for i, sub := range subcommands {
		names[i] = sub.name
	}
	isFlag := strings.HasPrefix(name, "-")
	what, hint := fmt.Sprintf("unknown command %q", name), guess(name, names)
	if isFlag {
		what, hint = "unknown flag "+name, "fdmsg --help lists the commands, fdmsg COMMAND --help their flags"
	}
	command := slices.IndexFunc(args, func(arg string) bool { return slices.Contains(names, arg) })
	switch {
	case isFlag && command > 0:
		hint = "flags go after the command: fdmsg " + args[command] + " " + strings.Join(args[:command], " ")
	case name == "version", name == "-V", name == "-v":
		hint = "fdmsg --version prints the version"
	}
	return report("", usagef(hint, "%s", what))
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
