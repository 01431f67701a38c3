package commands

import (
	"context"

	"fdmsg/fdio"
)

const callNotes = `The message is sent as by fdmsg send, and the answer is received as by fdmsg
recv: one message, unless -n says otherwise. COMMAND replaces fdmsg when the
answer has arrived, as with fdmsg recv.

A flag (-F) that exists for both calls is passed to both; send:NAME and
recv:NAME pass it to one. A unix-dgram: server can only answer a socket that has
a name, so the kernel picks one if --from is not given. The whole message is
sent before anything is received, so the socket buffers must have room for what
the server sends in the meantime.
`

const callExample = `  $ fdmsg call ./counter -m 'how many lines?' numbers.txt | jq -r .message
`

type callCommand struct {
	OutgoingFlags `group:"Message:"`
	FrameFlag     `group:"Message:"`
	IncomingFlags `group:"Receiving:"`
	OutputFlag    `group:"Output:"`
	CommandFlags  `group:"COMMAND:"`
	ModeFlag      `group:"Socket:"`
	SocketFlags   `group:"Socket:"`
	CommonFlags   `group:"General:"`
}

// AfterApply checks the command line.
func (c *callCommand) AfterApply() (err error) {
	if err := c.parseMessage(); err != nil {
		return err
	}
	if c.sendFlags, c.recvFlags, err = c.parse(sending | receiving); err != nil {
		return err
	}
	c.frame = c.Frame
	if !c.Count.Given {
		c.Count.N = 1
	}
	if err := c.check(addressFacts(c.address)); err != nil {
		return err
	}
	c.limitToOne(c.argv != nil)
	if c.from == nil && c.to == nil && c.address.Network == fdio.UnixDatagram {
		if c.from, err = parseOptionalAddress("unix-dgram:@"); err != nil {
			return err
		}
	}
	return c.refuseRights(&c.SocketFlags)
}

// check returns an error if the command line does not fit the socket s.
func (c *callCommand) check(s facts) error {
	return check(
		c.OutgoingFlags.rules(c.Frame, s),
		c.SocketFlags.rules(!c.inherited()),
		c.FrameFlag.rules(s),
		c.CommandFlags.rules(),
		c.oneSocketRules(c.argv != nil),
		c.IncomingFlags.rules(c.given, s),
	)
}

// Run sends the message, and receives the answer as recv does.
func (c *callCommand) Run(ctx context.Context) error {
	r := receiver{IncomingFlags: &c.IncomingFlags, OutputFlag: &c.OutputFlag, CommandFlags: &c.CommandFlags, quiet: c.Quiet, asks: true, told: told{command: "call"}, open: c.ask}
	return r.run(ctx)
}

// ask sends the message, and returns the socket that the answer arrives on.
func (c *callCommand) ask(ctx context.Context) (*fdio.Socket, error) {
	m, err := c.prepare(ctx, c.order, c.Frame)
	if err != nil {
		return nil, err
	}
	defer m.release()
	s, err := c.dial(ctx, c.options, c.Mode)
	if err != nil {
		return nil, err
	}
	if err = c.check(socketFacts(s)); err == nil {
		_, err = c.send(ctx, s, m, c.Frame)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}
