package commands

import (
	"context"
	"fmt"
	"time"

	"fdmsg/fdio"
)

const recvHelp = addressHelp + `
COMMAND takes the place of fdmsg once a message has come. Its descriptors are
3, 4, 5 ... in order, their number is in LISTEN_FDS (sd_listen_fds(3)), and the
text is in FDMSG_MESSAGE; a message that is no text, or over 128 KiB, is in the
file that FDMSG_MESSAGE_FD is the number of.

On a stream without -n, fdmsg ends when the peer does; a datagram socket has no
end of file, so there -n is 1. A stream has no messages: without --frame, each
line is what one recvmsg(2) returned.
` + "\n" + optionHelp + "\n" + valueHelp

type recvCommand struct {
	IncomingFlags
	SocketFlags
	Connect bool
	BindFlags
	OutputFlag
	CommandFlags
	From string
	Wait Duration
	CommonFlags

	Address string

	address fdio.Address
	from    *fdio.Address
}

func (c *recvCommand) declare(g *grammar) {
	c.IncomingFlags.declare(g)
	c.SocketFlags.declare(g)
	g.toggle(&c.Connect, "connect", "Connect to ADDRESS instead of binding to it")
	c.BindFlags.declare(g)
	c.OutputFlag.declare(g)
	c.CommandFlags.declare(g)
	g.flag(one(&c.From, asGiven), "from", "ADDRESS", "With --connect: bind to this address first")
	g.flag(one(&c.Wait, parseDuration), "wait", "DURATION", "With --connect: keep trying for so long while nobody listens at ADDRESS")
	c.CommonFlags.declare(g)
	g.argument(one(&c.Address, asGiven), "ADDRESS")
}

func (c *recvCommand) validate() (err error) {
	if c.address, err = parseAddress(c.Address); err != nil {
		return err
	}
	if c.from, err = parseOptionalAddress(c.From); err != nil {
		return err
	}
	switch {
	case !c.Connect && (c.from != nil || c.Wait != 0):
		return usagef("", "--from and --wait need --connect")
	case c.Connect && c.ReadyFD.Given:
		return usagef("", "--ready-fd does not go with --connect")
	case c.Connect && c.address.Network == fdio.Inherited:
		return usagef("", "--connect: %s: an inherited socket is connected already or not", c.Address)
	}
	if c.from != nil && !c.from.Network.SameType(c.address.Network) {
		return usage(&fdio.Error{Name: c.From, Op: "receive from", Err: fmt.Errorf("%w: ADDRESS is %s", fdio.ErrOtherType, c.address.Network)}, "")
	}
	if _, c.recvFlags, err = c.parse(c.address.Network != fdio.Inherited, receiving); err != nil {
		return err
	}
	if err := c.useFrame(c.Frame, c.order); err != nil {
		return err
	}
	if err := checkFrame(c.Frame, c.Address, c.address.Network.IsStream() || c.address.Network == fdio.Inherited); err != nil {
		return err
	}
	if err := c.validateOne(c.address, c.order, &c.CommandFlags); err != nil {
		return err
	}
	if err := c.refuseRights(&c.SocketFlags); err != nil {
		return err
	}
	if err := c.checkMode(c.order, c.address); err != nil {
		return err
	}
	return c.checkReadyFD()
}

func (c *recvCommand) run(ctx context.Context) error {
	t := taker{IncomingFlags: &c.IncomingFlags, OutputFlag: &c.OutputFlag, CommandFlags: &c.CommandFlags, quiet: c.Quiet, open: c.open}
	return t.run(ctx)
}

// open makes the socket that messages come from: it takes one peer, and lets
// the socket that it came to go.
func (c *recvCommand) open(ctx context.Context) (*fdio.Socket, error) {
	if c.Connect {
		return fdio.Dial(ctx, c.address, fdio.DialOptions{From: c.from, Wait: time.Duration(c.Wait), Mode: c.Mode.file(), Options: c.options})
	}
	s, err := c.bind(ctx, c.address, c.options)
	if err != nil {
		return nil, err
	}
	if err := c.ready(s); err != nil {
		s.Close()
		return nil, err
	}
	if !s.Listening() {
		return s, nil
	}
	conn, err := s.Accept(ctx)
	if closeErr := s.Close(); err == nil && closeErr != nil {
		conn.Close()
		return nil, closeErr
	}
	return conn, err
}
