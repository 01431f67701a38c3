package commands

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// ModeFlag is the flag of commands that may create a socket file.
type ModeFlag struct {
	Mode Mode `placeholder:"MODE" default:"0600" help:"Permissions of the socket file, whatever the umask."`
}

// rules refuses --mode where no address has a file.
func (f *ModeFlag) rules(given func(string) bool, addresses ...fdio.Address) []rule {
	isFile := func(a fdio.Address) bool { _, ok := a.Path(); return ok }
	return []rule{
		{given("mode") && !slices.ContainsFunc(addresses, isFile), errors.New("--mode: " + addresses[0].String() + " has no socket file"), ""},
	}
}

// BindFlags are the flags of commands that bind sockets.
type BindFlags struct {
	ModeFlag
	ReadyFD FD `name:"ready-fd" placeholder:"N" help:"When bound, write the addresses and a newline to descriptor N, and close it."`
}

// bind binds a socket to a, or opens the inherited socket that a names.
func (f *BindFlags) bind(ctx context.Context, a fdio.Address, options []fdio.Option) (*fdio.Socket, error) {
	return fdio.Listen(ctx, a, fdio.ListenOptions{Mode: f.Mode.file(), Exclusive: true, Options: options})
}

// checkReadyFD refuses a --ready-fd that is not open, before anything is bound.
func (f *BindFlags) checkReadyFD() error {
	if !f.ReadyFD.Given {
		return nil
	}
	if err := fdio.CheckInherited(f.ReadyFD.N); err != nil {
		return usagef("pass it in the shell with N>FILE or N>&M", "--ready-fd %d: %w", f.ReadyFD.N, err)
	}
	return nil
}

// ready writes the addresses of the sockets, separated by spaces, and a newline to
// --ready-fd. It closes the descriptor, so that its reader gets end of file, unless
// that is a standard one.
func (f *BindFlags) ready(sockets ...*fdio.Socket) error {
	if !f.ReadyFD.Given {
		return nil
	}
	words := make([]string, len(sockets))
	for i, s := range sockets {
		words[i] = s.Local().Word()
	}
	fd := f.ReadyFD.N
	if fd > unix.Stderr {
		defer unix.Close(fd)
	}
	if err := writeAll(fd, []byte(strings.Join(words, " ")+"\n")); err != nil {
		return &fdio.Error{Name: "--ready-fd", Op: "write", Err: err}
	}
	return nil
}
