package commands

import (
	"errors"

	"fdmsg/fdio"
)

// parseAddress parses the address of one socket.
func parseAddress(text string) (fdio.Address, error) {
	addresses, err := parseAddresses([]string{text})
	switch {
	case err != nil:
		return fdio.Address{}, err
	case len(addresses) > 1:
		return fdio.Address{}, usagef("systemd:NAME selects one by its name; fdmsg listen takes them all", "%s: %d sockets were passed", text, len(addresses))
	}
	return addresses[0], nil
}

func parseOneAddress(text string) (fdio.Address, error) {
	if text == "" {
		return fdio.Address{}, usagef("", "ADDRESS is empty")
	}
	a, err := fdio.ParseAddress(text)
	if err == nil && a.Network == fdio.Raw {
		err = &fdio.Error{Name: text, Op: "parse address", Err: errRawAddress}
	}
	return a, usage(err, "")
}

var errRawAddress = errors.New("fdmsg cannot create a socket of this family: the address is for --to with an open socket fd:N")

// parseOptionalAddress parses the address of a flag, and returns nil if there is
// none. An inherited socket is not an address that can be bound or sent to.
func parseOptionalAddress(text string) (*fdio.Address, error) {
	if text == "" {
		return nil, nil
	}
	a, err := fdio.ParseAddress(text)
	if err != nil {
		return nil, usage(err, "")
	}
	if a.Network == fdio.Inherited {
		return nil, usagef("", "%s: an open socket is not an address to bind or send to", text)
	}
	return &a, nil
}
