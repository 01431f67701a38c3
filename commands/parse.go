package commands

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// errHelpShown says that the help was asked for and has been printed.
var errHelpShown = errors.New("help shown")

// commandArgs is implemented by the commands that take -- COMMAND.
type commandArgs interface{ setCommand([]string) }

// sourceOrder is implemented by commands with flags whose order among each
// other matters: it is told the name of every flag given, in order.
type sourceOrder interface{ setFlagOrder([]string) }

// validator is implemented by commands with rules that the grammar cannot
// express.
type validator interface{ validate() error }

// parse parses the arguments of one subcommand. Only its own grammar is built.
func parse(sub *subcommand, args []string) (command, error) {
	cmd := sub.new()
	hint := "fdmsg " + sub.name + " --help"
	g := grammarOf(cmd)
	flags, positionals, rest, err := split(g.app.Flags, args, sub.cut)
	if err != nil {
		return nil, usage(err, hint)
	}
	order, err := g.apply(append(append(flags, "--"), positionals...))
	if err != nil {
		return nil, usage(err, cmp.Or(nameHint(err), hint))
	}
	if slices.Contains(order, helpFlag) {
		return nil, cmp.Or(printHelp(os.Stdout, sub, g.app.Flags), errHelpShown)
	}
	if err := g.check(); err != nil {
		return nil, usage(err, hint)
	}
	if c, ok := cmd.(sourceOrder); ok {
		c.setFlagOrder(order)
	}
	if c, ok := cmd.(commandArgs); ok && rest != nil {
		if len(rest) == 0 {
			return nil, usagef("", "no COMMAND after --")
		}
		c.setCommand(rest)
	}
	if c, ok := cmd.(validator); ok {
		if err := c.validate(); err != nil {
			return nil, err
		}
	}
	return cmd, nil
}

// split sorts args into flags, each in the form --name=value, positional
// arguments, and, if cut, what comes after the first -- that is not the value
// of a flag; rest is nil where there is none. That way values may begin with a
// hyphen, flags may stand between arguments, and what COMMAND is given is not
// looked at.
func split(known []*kong.Flag, args []string, cut bool) (flags, positionals, rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--" && cut:
			return flags, positionals, args, nil
		case arg == "--":
			return flags, append(positionals, args...), nil, nil
		case strings.HasPrefix(arg, "--"):
			name, _, hasValue := strings.Cut(arg[2:], "=")
			if f := findFlag(known, name, 0); f != nil && takesValue(f) && !hasValue {
				if len(args) == 0 {
					return nil, nil, nil, missingValue(f)
				}
				arg += "=" + args[0]
				args = args[1:]
			}
			flags = append(flags, arg)
		case len(arg) > 1 && arg[0] == '-':
			if flags, args, err = splitShort(known, flags, arg[1:], args); err != nil {
				return nil, nil, nil, err
			}
		default:
			positionals = append(positionals, arg)
		}
	}
	return flags, positionals, nil, nil
}

func missingValue(f *kong.Flag) error {
	return fmt.Errorf("--%s: no %s given", f.Name, f.PlaceHolder)
}

// splitShort appends the short flags of one argument in their long form; the
// last may have its value in the same argument or in the next.
func splitShort(known []*kong.Flag, flags []string, shorts string, args []string) (newFlags, newArgs []string, err error) {
	for i, short := range shorts {
		f := findFlag(known, "", short)
		if f == nil {
			return append(flags, "-"+shorts[i:]), args, nil // for kong to complain about
		}
		if !takesValue(f) {
			flags = append(flags, "--"+f.Name)
			continue
		}
		value := shorts[i+len(string(short)):]
		if value == "" {
			if len(args) == 0 {
				return nil, nil, missingValue(f)
			}
			value, args = args[0], args[1:]
		}
		return append(flags, "--"+f.Name+"="+value), args, nil
	}
	return flags, args, nil
}

func findFlag(known []*kong.Flag, name string, short rune) *kong.Flag {
	for _, f := range known {
		if name != "" && f.Name == name || short != 0 && f.Short == short {
			return f
		}
	}
	return nil
}

func takesValue(f *kong.Flag) bool { return !f.IsBool() }

// topLevel handles a command line that names no subcommand.
func topLevel(args []string) int {
	if len(args) == 0 {
		return report("", usagef("fdmsg --help", "no command: %s", subcommandNames()))
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
	return report("", usagef("fdmsg --help", "unknown command %q: %s", name, subcommandNames()))
}

func subcommandNames() string {
	names := make([]string, len(subcommands))
	for i, sub := range subcommands {
		names[i] = sub.name
	}
	return strings.Join(names, ", ")
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
