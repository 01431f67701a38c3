package commands

import "time"

// CommonFlags are what every command has.
type CommonFlags struct {
	Timeout Duration
	Quiet   bool

	order []string // names of the flags given
}

func (f *CommonFlags) declare(g *grammar) {
	g.flag(one(&f.Timeout, parseDuration), "timeout", "DURATION", "Give up after so long (exit code 124); 0: never").Short = 't'
	g.toggle(&f.Quiet, "quiet", "Print no lines").Short = 'q'
}

func (f *CommonFlags) timeout() time.Duration { return time.Duration(f.Timeout) }

func (f *CommonFlags) heedsSignals() bool { return true }

func (f *CommonFlags) setFlagOrder(names []string) { f.order = names }

// ModeFlag is what commands have that may make a socket file.
type ModeFlag struct {
	Mode Mode
}

func (f *ModeFlag) declare(g *grammar) {
	f.Mode = 0o600
	g.flag(one(&f.Mode, parseMode), "mode", "MODE", "Permissions of the socket file, whatever the umask (0600)")
}

// BindFlags are what commands have that bind sockets.
type BindFlags struct {
	ModeFlag
	ReadyFD FD
}

func (f *BindFlags) declare(g *grammar) {
	f.ModeFlag.declare(g)
	g.flag(one(&f.ReadyFD, parseFD), "ready-fd", "N", "When bound, write the addresses and a newline to descriptor N, and close it")
}
