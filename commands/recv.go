package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fdmsg/fdio"
)

const recvNotes = `On a stream, fdmsg ends when the peer does, or after -n messages. A datagram
socket has no end of file, so there N is 1 if -n is not given. A stream has no
message boundaries: without --frame, each line is what one recvmsg(2) returned.

COMMAND replaces fdmsg when a message has arrived. The descriptors are 3, 4, 5
and so on, in order, and LISTEN_FDS is their number (sd_listen_fds(3)). The
message is in FDMSG_MESSAGE or, if it is not text or is longer than 128 KiB, in
a file whose descriptor is FDMSG_MESSAGE_FD.
`

const recvExample = `  $ fdmsg recv ./s -- sh -c 'echo "$FDMSG_MESSAGE"; wc -l <&3' &
  $ fdmsg send -q --wait 5 ./s -m 'count the lines' numbers.txt
`

type recvCommand struct {
	FrameFlag     `group:"Receiving:"`
	IncomingFlags `group:"Receiving:"`
	OutputFlag    `group:"Output:"`
	CommandFlags  `group:"COMMAND:"`
	Connect       bool     `group:"Socket:" help:"Connect to ADDRESS instead of binding to it."`
	From          string   `group:"Socket:" placeholder:"ADDRESS" help:"With --connect: bind to this address first."`
	Wait          Duration `group:"Socket:" placeholder:"DURATION" help:"With --connect: keep trying for this long while nobody listens at ADDRESS."`
	BindFlags     `group:"Socket:"`
	SocketFlags   `group:"Socket:"`
	CommonFlags   `group:"General:"`

	Address string `arg:"" name:"ADDRESS"`

	address fdio.Address
	from    *fdio.Address
}

// AfterApply checks the command line.
func (c *recvCommand) AfterApply() (err error) {
	if c.address, err = parseAddress(c.Address); err != nil {
		return err
	}
	if c.from, err = parseOptionalAddress(c.From); err != nil {
		return err
	}
	if _, c.recvFlags, err = c.parse(receiving); err != nil {
		return err
	}
	c.frame = c.Frame
	if err := c.check(addressFacts(c.address)); err != nil {
		return err
	}
	c.limitToOne(c.argv != nil)
	if err := c.refuseRights(&c.SocketFlags); err != nil {
		return err
	}
	return c.checkReadyFD()
}

// check returns an error if the command line does not fit the socket s.
func (c *recvCommand) check(s facts) error {
	inherited := c.address.Network == fdio.Inherited
	return check(
		[]rule{
			{!c.Connect && (c.from != nil || c.Wait != 0), errors.New("--from and --wait need --connect"), ""},
			{c.Connect && c.ReadyFD.Given, errors.New("--ready-fd does not go with --connect"), ""},
			{c.Connect && inherited, errors.New("--connect does not go with " + c.Address + ", which is an open socket"), ""},
			{c.from != nil && !c.from.Network.SameType(c.address.Network), &fdio.Error{Name: c.From, Op: "receive from", Err: fmt.Errorf("%w: ADDRESS is %s", fdio.ErrOtherType, c.address.Network)}, ""},
		},
		c.SocketFlags.rules(!inherited),
		c.FrameFlag.rules(s),
		c.CommandFlags.rules(),
		c.oneSocketRules(c.argv != nil),
		c.IncomingFlags.rules(c.given, s),
		c.ModeFlag.rules(c.given, c.address),
	)
}

// Run receives from one peer and prints lines, or becomes COMMAND.
func (c *recvCommand) Run(ctx context.Context) error {
	r := receiver{IncomingFlags: &c.IncomingFlags, OutputFlag: &c.OutputFlag, CommandFlags: &c.CommandFlags, quiet: c.Quiet, told: told{command: "recv"}, open: c.open}
	return r.run(ctx)
}

// open opens the socket from which messages are received. If it listens, it accepts one peer
// and closes the listening socket.
func (c *recvCommand) open(ctx context.Context) (*fdio.Socket, error) {
	if c.Connect {
		return fdio.Dial(ctx, c.address, fdio.DialOptions{From: c.from, Wait: time.Duration(c.Wait), Mode: c.Mode.file(), Options: c.options})
	}
	s, err := c.bind(ctx, c.address, c.options)
	if err != nil {
		return nil, err
	}
	if err = c.check(socketFacts(s)); err == nil {
		err = c.ready(s)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	if !s.Listening() {
		return s, nil
	}
	conn, err := acceptPeer(ctx, s)
	if closeErr := s.Close(); err == nil && closeErr != nil {
		conn.Close()
		return nil, closeErr
	}
	return conn, err
}

// acceptPeer accepts one peer from a listening socket. What the network has ended before it
// was accepted is none.
func acceptPeer(ctx context.Context, s *fdio.Socket) (*fdio.Socket, error) {
	for {
		conn, err := s.Accept(ctx)
		if e, ok := errors.AsType[*fdio.ConnectionError](err); !ok || e.Accepted {
			return conn, err
		}
	}
}
