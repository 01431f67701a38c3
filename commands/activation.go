package commands

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"fdmsg/commands/internal/spawn"
	"fdmsg/fdio"
)

// What can be wrong with an address systemd:NAME.
var (
	errNotActivated = errors.New("no sockets were passed: LISTEN_FDS and LISTEN_PID are not set for this process")
	errNoSuchName   = errors.New("no socket of that name was passed")
	errFewerPassed  = errors.New("fewer descriptors were passed than LISTEN_FDS says")
)

const activationScheme = "systemd:"

// parseAddresses parses addresses. systemd: stands for all sockets that a service
// manager passed, systemd:NAME for those of that name.
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
			return nil, &fdio.Error{Name: text, Err: err}
		}
		for _, fd := range fds {
			addresses = append(addresses, fdio.Address{Network: fdio.Inherited, FD: fd})
		}
	}
	return addresses, nil
}

// activated returns the descriptors that were passed as described in sd_listen_fds(3): all
// of them, or those with a given name. All must be open.
func activated(name string) (fds []int, err error) {
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if n <= 0 || os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, errNotActivated
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n { // n may be any number: the first that is not open ends it
		fd := spawn.FirstFD + i
		if err := fdio.CheckInherited(fd); err != nil {
			return nil, fmt.Errorf("%w: %s; fd:%d: %w", errFewerPassed, os.Getenv("LISTEN_FDS"), fd, err)
		}
		if name == "" || i < len(names) && names[i] == name {
			fds = append(fds, fd)
		}
	}
	if fds == nil {
		return nil, fmt.Errorf("%w: LISTEN_FDNAMES is %q", errNoSuchName, os.Getenv("LISTEN_FDNAMES"))
	}
	return fds, nil
}
