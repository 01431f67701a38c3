package commands

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"fdmsg/fdio"
)

// The errors of systemd: as an address.
var (
	errNotActivated = errors.New("no sockets were passed: LISTEN_FDS and LISTEN_PID do not say so")
	errNoSuchName   = errors.New("no socket of that name was passed")
)

const activationScheme = "systemd:"

// parseAddresses parses addresses of which each may stand for several sockets:
// systemd: for all that a service manager passed, systemd:NAME for those of a
// name.
func parseAddresses(texts []string) (addresses []fdio.Address, err error) {
	for _, text := range texts {
		name, ok := strings.CutPrefix(text, activationScheme)
		if !ok {
			a, err := parseOneAddress(text)
			if err != nil {
				return nil, err
			}
			addresses = append(addresses, a)
			continue
		}
		fds, err := activated(name)
		if err != nil {
			return nil, &fdio.Error{Name: text, Op: "use inherited descriptor", Err: err}
		}
		for _, fd := range fds {
			addresses = append(addresses, fdio.Address{Network: fdio.Inherited, FD: fd})
		}
	}
	return addresses, nil
}

// activated are the descriptors that were passed as sd_listen_fds(3) has it, all
// or those of one name.
func activated(name string) (fds []int, err error) {
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if n <= 0 || os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, errNotActivated
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n {
		if name == "" || i < len(names) && names[i] == name {
			fds = append(fds, firstFD+i)
		}
	}
	if fds == nil {
		return nil, fmt.Errorf("%w: LISTEN_FDNAMES is %q", errNoSuchName, os.Getenv("LISTEN_FDNAMES"))
	}
	return fds, nil
}
