package commands

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CommandFlags say how COMMAND gets its descriptors.
type CommandFlags struct {
	Stdin  FD     `placeholder:"I" help:"Make descriptor I, counted from 0, standard input of COMMAND as well."`
	Stdout FD     `placeholder:"I" help:"Make descriptor I, counted from 0, standard output of COMMAND as well."`
	FDName string `name:"fdname" placeholder:"A:B" help:"Name the descriptors for COMMAND, in LISTEN_FDNAMES."`

	argv []string // COMMAND and its arguments, nil if there is none
	path string   // path of the file of COMMAND
}

// BeforeApply takes COMMAND from the command line.
func (f *CommandFlags) BeforeApply(line *commandLine) error {
	if f.argv = line.command; f.argv != nil && len(f.argv) == 0 {
		return usagef("", "no COMMAND after --")
	}
	return nil
}

// rules lists what the flags of COMMAND refuse.
func (f *CommandFlags) rules() []rule {
	badName := func(name string) bool {
		return name == "" || len(name) > maxFDName || strings.ContainsFunc(name, isControl)
	}
	return []rule{
		{f.argv == nil && (f.Stdin.Given || f.Stdout.Given || f.FDName != ""), errors.New("--stdin, --stdout and --fdname need -- COMMAND"), ""},
		{f.FDName != "" && slices.ContainsFunc(strings.Split(f.FDName, ":"), badName), fmt.Errorf("--fdname %s: a name has 1 to %d characters, none of them a control character", f.FDName, maxFDName), ""},
	}
}

// isControl reports whether r is an ASCII control character.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// maxFDName is the longest name of a descriptor: sd_listen_fds(3).
const maxFDName = 255

// names returns the names of --fdname, nil without the flag.
func (f *CommandFlags) names() []string {
	if f.FDName == "" {
		return nil
	}
	return strings.Split(f.FDName, ":")
}
