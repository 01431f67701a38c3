package commands

import (
	"context"
	"errors"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// parseAddress parses an address that stands for one socket.
func parseAddress(text string) (fdio.Address, error) {
	addresses, err := parseAddresses([]string{text})
	switch {
	case err != nil:
		return fdio.Address{}, err
	case len(addresses) > 1:
		return fdio.Address{}, usagef("systemd:NAME names one; fdmsg listen takes them all", "%s: %d sockets were passed", text, len(addresses))
	}
	return addresses[0], nil
}

func parseOneAddress(text string) (fdio.Address, error) {
	a, err := fdio.ParseAddress(text)
	if err == nil && a.Network == fdio.Raw {
		err = &fdio.Error{Name: text, Op: "parse address", Err: errRawAddress}
	}
	return a, usage(err, "")
}

var errRawAddress = errors.New("fdmsg makes no socket of that family: it is for --to, on an open socket fd:N")

// parseOptionalAddress is the address that a flag was given, nil for none. An
// inherited socket is bound and connected already.
func parseOptionalAddress(text string) (*fdio.Address, error) {
	if text == "" {
		return nil, nil
	}
	a, err := fdio.ParseAddress(text)
	if err != nil {
		return nil, usage(err, "")
	}
	if a.Network == fdio.Inherited {
		return nil, usagef("", "%s: an open socket is no address to send from or to", text)
	}
	return &a, nil
}

// claims counts who wants standard input, which can be had once.
type claims []string

func (c *claims) add(who string) { *c = append(*c, who) }

func (c *claims) address(a fdio.Address, who string) {
	if a.Network == fdio.Inherited && a.FD == unix.Stdin {
		c.add(who)
	}
}

func (c *claims) spec(s descriptor.Spec) {
	if s.Stdin() {
		c.add("DESCRIPTOR")
	}
}

func (c *claims) messageFile(path string) {
	if path == "-" {
		c.add("-M -")
	}
}

func (c claims) check() error {
	if len(c) > 1 {
		return usagef("", "standard input is claimed %d times: by %s", len(c), strings.Join(c, " and "))
	}
	return nil
}

// bind binds to a, or takes the inherited socket that it names.
func (f *BindFlags) bind(ctx context.Context, a fdio.Address, options []fdio.Option) (*fdio.Socket, error) {
	return fdio.Listen(ctx, a, fdio.ListenOptions{Mode: f.Mode.file(), Options: options})
}

// checkReadyFD fails before anything is bound if --ready-fd cannot be served.
func (f *BindFlags) checkReadyFD() error {
	if !f.ReadyFD.Given {
		return nil
	}
	if err := fdio.CheckInherited(f.ReadyFD.N); err != nil {
		return usagef("pass it on in the shell, as in N>FILE or N>&M", "--ready-fd %d: %w", f.ReadyFD.N, err)
	}
	return nil
}

// ready tells --ready-fd that the sockets are bound, and to what: one line, the
// addresses separated by spaces. The descriptor is closed then, so that its
// reader is at the end; a standard one stays open.
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
	for line := []byte(strings.Join(words, " ") + "\n"); len(line) > 0; {
		n, err := unix.Write(fd, line)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &fdio.Error{Name: "--ready-fd", Op: "write", Err: err}
		}
		line = line[n:]
	}
	return nil
}
