package commands

import (
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// claims lists the parts of the command line that use standard input. Only one can.
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
