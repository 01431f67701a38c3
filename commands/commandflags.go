package commands

import "strings"

// CommandFlags say what COMMAND is and how it gets its descriptors.
type CommandFlags struct {
	Stdin  FD
	Stdout FD
	FDName string

	argv []string // COMMAND, nil: none
	path string   // of its file
}

func (f *CommandFlags) declare(g *grammar) {
	g.flag(one(&f.Stdin, parseFD), "stdin", "I", "Descriptor I, counted from 0, is standard input of COMMAND as well")
	g.flag(one(&f.Stdout, parseFD), "stdout", "I", "Descriptor I is standard output of COMMAND as well")
	g.flag(one(&f.FDName, asGiven), "fdname", "A:B", "Names of the descriptors for COMMAND, in LISTEN_FDNAMES")
}

func (f *CommandFlags) setCommand(argv []string) { f.argv = argv }

func (f *CommandFlags) validateCommand() error {
	if f.argv == nil && (f.Stdin.Given || f.Stdout.Given || f.FDName != "") {
		return usagef("", "--stdin, --stdout and --fdname need -- COMMAND")
	}
	if f.FDName == "" {
		return nil
	}
	for _, name := range strings.Split(f.FDName, ":") {
		if name == "" || len(name) > maxFDName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return usagef("", "--fdname %s: a name has 1 to %d characters, none of them a control character", f.FDName, maxFDName)
		}
	}
	return nil
}

// maxFDName is the longest name of a descriptor: sd_listen_fds(3).
const maxFDName = 255

// names are the names of --fdname, nil where there are none.
func (f *CommandFlags) names() []string {
	if f.FDName == "" {
		return nil
	}
	return strings.Split(f.FDName, ":")
}
