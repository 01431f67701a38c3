package commands

import (
	"fmt"
	"slices"
	"strings"

	"fdmsg/commands/internal/spawn"

	"github.com/alecthomas/kong"
)

// A commandLine holds the arguments of a subcommand, sorted before kong parses them. Kong
// would read a value that begins with a hyphen as a flag and the arguments of COMMAND as
// those of fdmsg, and it does not tell the order of -m and -M.
type commandLine struct {
	flags     []string // each in the form --name=value
	arguments []string
	command   []string // COMMAND, nil if there is none
	given     []string // names of the flags, in order
}

// kongArgs returns the arguments for kong. After --, kong takes everything as an argument.
func (l *commandLine) kongArgs() []string {
	return slices.Concat(l.flags, []string{"--"}, l.arguments)
}

// sort separates args into flags, arguments and COMMAND. If cut is true, the first -- that
// is not the value of a flag begins COMMAND; otherwise it ends the flags.
func (l *commandLine) sort(known []*kong.Flag, args []string, cut bool) (err error) {
	for len(args) > 0 && err == nil {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--" && cut:
			l.command = args
			return nil
		case arg == "--":
			l.arguments = append(l.arguments, args...)
			return nil
		case strings.HasPrefix(arg, "--"):
			args, err = l.long(known, arg[2:], args)
		case strings.HasPrefix(arg, "-") && arg != "-":
			args, err = l.short(known, arg[1:], args)
		default:
			l.arguments = append(l.arguments, arg)
		}
	}
	return err
}

// checkArguments returns an error if an argument is missing. Help needs none.
func (l *commandLine) checkArguments(known []*kong.Positional) error {
	if n := len(l.arguments); n < len(known) && known[n].Required && !slices.Contains(l.given, "help") {
		return fmt.Errorf("missing %s", known[n].Name)
	}
	return nil
}

// hasProgram reports whether an argument after the first is probably COMMAND, whose -- is
// missing.
func (l *commandLine) hasProgram() bool {
	return l.command == nil && len(l.arguments) > 1 && slices.ContainsFunc(l.arguments[1:], func(arg string) bool {
		_, err := spawn.Look(arg)
		return err == nil
	})
}

// long adds the long flag in text. If text has no value for it, the value is taken from
// args. long returns the rest of args.
func (l *commandLine) long(known []*kong.Flag, text string, args []string) (rest []string, err error) {
	name, value, hasValue := strings.Cut(text, "=")
	i := slices.IndexFunc(known, func(f *kong.Flag) bool { return f.Name == name })
	switch {
	case i < 0:
		return nil, unknownFlag(known, name)
	case hasValue:
		l.add(known[i], "="+value)
		return args, nil
	case known[i].IsBool():
		l.add(known[i], "")
		return args, nil
	}
	return l.addNext(known[i], args)
}

// short adds the short flags in text. The last of them may have its value in the same
// argument or in the next one. short returns the rest of args.
func (l *commandLine) short(known []*kong.Flag, text string, args []string) (rest []string, err error) {
	for i, short := range text {
		j := slices.IndexFunc(known, func(f *kong.Flag) bool { return f.Short == short })
		if j < 0 {
			return nil, fmt.Errorf("unknown flag -%c", short)
		}
		value := text[i+len(string(short)):]
		switch {
		case known[j].IsBool():
			l.add(known[j], "")
		case value != "":
			l.add(known[j], "="+value)
			return args, nil
		default:
			return l.addNext(known[j], args)
		}
	}
	return args, nil
}

// unknownFlag returns the error for an unknown long flag. Its hint is the nearest known
// flag, as a list of all flags would be too long.
func unknownFlag(known []*kong.Flag, name string) error {
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.Name
	}
	err := fmt.Errorf("unknown flag --%s", name)
	if near := nearest(name, names); near != "" {
		return usage(err, didYouMean("--"+near))
	}
	return err
}

// add adds f, with the value after an equals sign or no value.
func (l *commandLine) add(f *kong.Flag, value string) {
	l.flags = append(l.flags, "--"+f.Name+value)
	l.given = append(l.given, f.Name)
}

// addNext adds f with the next argument as its value, and returns the rest of args.
func (l *commandLine) addNext(f *kong.Flag, args []string) (rest []string, err error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("--%s: missing %s", f.Name, f.FormatPlaceHolder())
	}
	l.add(f, "="+args[0])
	return args[1:], nil
}
