package commands

import (
	"context"
	"errors"
	"slices"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

const sendNotes = `The buffers given with -m and -M are sent as one message, in order, with nothing
between them; the descriptors go with it. One line of type "sent" is printed.
`

const sendExample = `  $ fdmsg recv ./s &
  $ fdmsg send -q --wait 5 ./s -m 'Temperature data' temps1.txt r:temps2.txt
`

type sendCommand struct {
	OutgoingFlags `group:"Message:"`
	FrameFlag     `group:"Message:"`
	Listen        bool `group:"Socket:" help:"Bind to ADDRESS, wait for one peer, and send to it."`
	BindFlags     `group:"Socket:"`
	SocketFlags   `group:"Socket:"`
	CommonFlags   `group:"General:"`
}

// AfterApply checks the command line.
func (c *sendCommand) AfterApply() (err error) {
	if err := c.parseMessage(); err != nil {
		return err
	}
	if c.sendFlags, _, err = c.parse(sending); err != nil {
		return err
	}
	if err := c.check(addressFacts(c.address)); err != nil {
		return err
	}
	return c.checkReadyFD()
}

// check returns an error if the command line does not fit the socket s.
func (c *sendCommand) check(s facts) error {
	return check(
		c.OutgoingFlags.rules(c.Frame, s),
		c.FrameFlag.rules(s),
		c.SocketFlags.rules(!c.inherited()),
		[]rule{
			{c.Listen && s.datagram, errors.New("--listen: " + s.address + ": datagram sockets have no connections"), "send to the address of the receiver"},
			{c.Listen && (c.from != nil || c.to != nil || c.Wait != 0), errors.New("--listen does not go with --from, --to or --wait"), "leave them out: the peer connects to ADDRESS"},
			{!c.Listen && c.ReadyFD.Given, errors.New("--ready-fd needs --listen"), ""},
		},
	)
}

// Run sends the message and prints its line.
func (c *sendCommand) Run(ctx context.Context) error {
	m, err := c.prepare(ctx, c.order, c.Frame)
	if err != nil {
		return err
	}
	defer m.release()
	s, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := c.check(socketFacts(s)); err != nil {
		return err
	}
	size, err := c.send(ctx, s, m, c.Frame)
	if err != nil {
		return err
	}
	if c.Quiet || s.SameSocket(unix.Stdout) {
		return s.Close()
	}
	in := descriptor.NewInspector()
	err = printLine(ctx, in, record.TypeSent, record.AppendSent(nil, &record.Sent{
		Time:        time.Now(),
		To:          c.destination(s),
		Size:        size,
		Control:     m.Control,
		Descriptors: describeAll(in, m.Control),
	}))
	return errors.Join(err, s.Close())
}

// heedsSignals reports whether there may be a socket file to remove. Being notified of
// signals makes the Go runtime start two threads, which takes a tenth of the time of the
// whole process.
func (c *sendCommand) heedsSignals() bool {
	binds := c.Listen || c.from != nil || c.to != nil && !c.inherited()
	return binds || slices.ContainsFunc(c.specs, func(s descriptor.Spec) bool { return s.Scheme == "listen" })
}

// connect connects to ADDRESS or, with --listen, waits for a peer there.
func (c *sendCommand) connect(ctx context.Context) (*fdio.Socket, error) {
	if !c.Listen {
		return c.dial(ctx, c.options, c.Mode)
	}
	listener, err := c.bind(ctx, c.address, c.options)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	if !listener.Listening() {
		return nil, usagef("", "--listen: %s: not a listening socket", c.Address)
	}
	if err := c.ready(listener); err != nil {
		return nil, err
	}
	return acceptPeer(ctx, listener)
}

// destination returns the address that the message was sent to.
func (c *sendCommand) destination(s *fdio.Socket) string {
	switch {
	case c.to != nil:
		return c.to.String()
	case s.Peer() != fdio.Address{}:
		return s.Peer().String()
	}
	return s.Local().String()
}
