package commands

import "strings"

// CommandFlags say how COMMAND gets its descriptors.
type CommandFlags struct {
	Stdin  FD     `placeholder:"I" help:"Make descriptor I, counted from 0, standard input of COMMAND as well."`
	Stdout FD     `placeholder:"I" help:"Make descriptor I, counted from 0, standard output of COMMAND as well."`
	FDName string `name:"fdname" placeholder:"A:B" help:"Name the descriptors for COMMAND, in LISTEN_FDNAMES."`

	argv []string // COMMAND, nil if there is none
	path string   // of its file
}

// BeforeApply notes COMMAND.
func (f *CommandFlags) BeforeApply(line *commandLine) error {
	if f.argv = line.command; f.argv != nil && len(f.argv) == 0 {
		return usagef("", "no COMMAND after --")
	}
	return nil
}

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

// find looks for the file of COMMAND, if there is one to run.
func (f *CommandFlags) find() (err error) {
	if f.argv != nil {
		f.path, err = lookCommand(f.argv[0])
	}
	return err
}
