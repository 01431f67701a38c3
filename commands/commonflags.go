package commands

import (
	"slices"
	"time"

	"github.com/alecthomas/kong"
)

// CommonFlags are the flags of every command.
type CommonFlags struct {
	Timeout Duration `short:"t" placeholder:"DURATION" help:"${timeout}"`
	Quiet   bool     `short:"q" help:"Print no lines."`
	Help    helpFlag `short:"h" help:"Show this help."`

	order []string // names of the flags given
}

// BeforeApply takes the order of the flags from the command line.
func (f *CommonFlags) BeforeApply(line *commandLine) error {
	f.order = line.given
	return nil
}

// given reports whether a flag is on the command line.
func (f *CommonFlags) given(name string) bool { return slices.Contains(f.order, name) }

func (f *CommonFlags) timeout() time.Duration { return time.Duration(f.Timeout) }

func (f *CommonFlags) heedsSignals() bool { return true }

// helpFlag is the help flag of kong, but can be in a group.
type helpFlag bool

// BeforeReset prints the help, before kong complains about missing arguments.
func (helpFlag) BeforeReset(kctx *kong.Context) error {
	if err := kctx.PrintUsage(false); err != nil {
		return &exitError{exitFailed, err, ""}
	}
	kctx.Exit(exitOK)
	return nil
}
