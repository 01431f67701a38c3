package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"fdmsg/commands/internal/lines"
	"fdmsg/commands/internal/spawn"
	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/intake"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

const listenNotes = `SIGTERM, SIGHUP, SIGINT and --timeout end fdmsg after it has received what was
sent by then (--drain). fdmsg tells a service manager when it is ready and when
it stops: sd_notify(3). A stream has no message boundaries: without --frame,
each line is what one recvmsg(2) returned.

COMMAND is run for each message, one at a time per connection. It gets what
COMMAND of fdmsg recv gets, the line on standard input, and the connection to
answer on as descriptor FDMSG_CONN. For datagrams, that is the bound socket, and
FDMSG_FROM is the address of the sender. A message for which COMMAND cannot be
run is told on standard error, and the exit code is 1 at the end.
`

const listenTimeoutHelp = "Stop after this long, with exit code 124 if fewer than -n messages have arrived, otherwise with 0. A DURATION of 0 means never."

const listenExample = `  $ fdmsg listen ./s -- sh -c 'fdmsg send -q fd:$FDMSG_CONN -m "$(wc -l <&3)"' &
  $ fdmsg call --wait 5 ./s -m 'how many lines?' numbers.txt | jq -r .message
`

type listenCommand struct {
	FrameFlag      `group:"Receiving:"`
	IncomingFlags  `group:"Receiving:"`
	OutputFlag     `group:"Output:"`
	Events         bool `group:"Output:" help:"Print a line for other events as well: listening, open, close, refused, exit, error, end."`
	CommandFlags   `group:"COMMAND:"`
	MaxChildren    Count `group:"COMMAND:" placeholder:"N" default:"64" help:"Run at most N COMMANDs at once."`
	BindFlags      `group:"Socket:"`
	SocketFlags    `group:"Socket:"`
	AccessFlags    `group:"Serving:"`
	Backlog        Count    `group:"Serving:" placeholder:"N" help:"Let up to N connections wait to be accepted (default: 4096)."`
	MaxConnections Count    `group:"Serving:" placeholder:"N" help:"Close new connections while N are open; 0 means no limit."`
	IdleTimeout    Duration `group:"Serving:" placeholder:"DURATION" help:"Close connections on which nothing has arrived for this long; 0 means never."`
	Drain          Duration `group:"Serving:" placeholder:"DURATION" default:"1s" help:"At the end, keep receiving for this long what has been sent by then."`
	CommonFlags    `group:"General:"`

	Addresses []string `arg:"" name:"ADDRESS"`

	addresses []fdio.Address
}

// AfterApply checks the command line.
func (c *listenCommand) AfterApply() (err error) {
	if c.addresses, err = parseAddresses(c.Addresses); err != nil {
		return err
	}
	if _, c.recvFlags, err = c.parse(receiving); err != nil {
		return err
	}
	if err := c.parseAccess(); err != nil {
		return err
	}
	c.frame = c.Frame
	var stdin claims
	for i, a := range c.addresses {
		stdin.address(a, "ADDRESS")
		if slices.Contains(c.addresses[:i], a) && !a.KernelPicks() {
			return usagef("", "%s: address given twice", a)
		}
		if err := c.check(addressFacts(a)); err != nil {
			return err
		}
	}
	if err := stdin.check(); err != nil {
		return err
	}
	if err := c.refuseRights(&c.SocketFlags); err != nil {
		return err
	}
	return c.checkReadyFD()
}

// check returns an error if the command line does not fit the socket s.
func (c *listenCommand) check(s facts) error {
	own := slices.ContainsFunc(c.addresses, func(a fdio.Address) bool { return a.Network != fdio.Inherited })
	return check(
		c.SocketFlags.rules(own),
		c.FrameFlag.rules(s),
		c.IncomingFlags.rules(c.given, s),
		c.ModeFlag.rules(c.given, c.addresses...),
		c.AccessFlags.rules(s),
		c.CommandFlags.rules(),
		[]rule{
			{c.recvFlags&(unix.MSG_PEEK|unix.MSG_DONTWAIT) != 0, errors.New("MSG_PEEK and MSG_DONTWAIT do not go with listen"), "fdmsg recv takes them"},
			{c.argv == nil && c.given("max-children"), errors.New("--max-children needs -- COMMAND"), ""},
			{c.MaxChildren.N == 0, errors.New("--max-children 0 would never run COMMAND"), ""},
			{c.Events && c.argv != nil && c.Output == "", errors.New("--events: no lines are printed with COMMAND"), "--output FILE says where they go"},
		},
	)
}

// Run serves until it is told to stop.
func (c *listenCommand) Run(parent context.Context) error {
	inspector := descriptor.NewInspector() // it opens what stays open before others are told that fdmsg is ready
	file, closeSave, err := prepare(parent, &c.CommandFlags, &c.ContentFlags, &c.OutputFlag, c.Quiet)
	if err != nil {
		return err
	}
	defer closeSave()
	srv := &serving{}
	in, runner := c.intake(parent, srv)
	defer in.Stop(nil)
	sockets, err := c.bindAll(in.Context())
	if err != nil {
		return err
	}
	out := startOutput(parent, inspector, file, in.Stop)
	srv.Maker = c.maker(afterDrain(parent, time.Duration(c.Drain)), inspector, out)
	srv.Events = c.Events && out != nil
	if c.argv != nil {
		srv.Content.Later = false // COMMAND gets the same line
		if out == nil {           // COMMAND gets lines nevertheless
			out = lines.New(io.Discard, func() {})
			srv.Out = out
		}
	}
	for _, s := range sockets {
		srv.Event(record.TypeListening, record.Event{Origin: record.Origin{Local: s.Local().String()}})
	}
	notify("READY=1")
	stopping := sync.OnceFunc(func() { notify("STOPPING=1") })
	defer context.AfterFunc(in.Context(), stopping)()
	served, err := in.Serve(sockets)
	stopping()
	srv.warnOfRefused()
	err = errors.Join(err, srv.unsaved(), srv.unread(), missed(runner))
	srv.ended(context.Cause(in.Context()), served, err)
	return errors.Join(err, out.Close(), c.outcome(in.Context(), parent, served.Messages)) // a signal may come while Close waits
}

// intake returns what receives the messages, and what runs COMMAND for them or nil.
func (c *listenCommand) intake(parent context.Context, srv *serving) (*intake.Intake, *spawn.Runner) {
	o := c.intakeOptions(intake.Cut)
	o.Drain = time.Duration(c.Drain)
	o.MaxConnections, o.IdleTimeout = c.MaxConnections.N, time.Duration(c.IdleTimeout)
	o.Observer = srv
	if c.restricts() {
		o.Allow = c.allows
	}
	o.NewSink = func(conn *intake.Conn) intake.Sink { return srv.Sink(conn) }
	if c.argv == nil {
		return intake.New(parent, o), nil
	}
	o.OneByOne = true
	command := c.command()
	runner := spawn.NewRunner(parent, command, c.MaxChildren.N, o.Drain, func() unix.Signal { return endSignal(parent) })
	o.NewSink = func(conn *intake.Conn) intake.Sink {
		return &commandSink{serving: srv, lines: srv.Sink(conn), conn: conn, command: command, runner: runner}
	}
	return intake.New(parent, o), runner
}

// missed returns an error that says for how many messages COMMAND was not run, if there
// were any.
func missed(runner *spawn.Runner) error {
	if runner == nil || runner.Missed() == 0 {
		return nil
	}
	return fmt.Errorf("messages for which COMMAND was not run: %d", runner.Missed())
}

// bindAll binds all addresses, or none, and tells --ready-fd that they are bound.
func (c *listenCommand) bindAll(ctx context.Context) (sockets []*fdio.Socket, err error) {
	defer func() {
		if err != nil {
			for _, s := range sockets {
				s.Close()
			}
		}
	}()
	for _, a := range c.addresses {
		s, err := fdio.Listen(ctx, a, fdio.ListenOptions{Mode: c.Mode.file(), Backlog: c.Backlog.N, Exclusive: true, Options: c.options})
		if err != nil {
			return sockets, err
		}
		sockets = append(sockets, s)
		warnOfDirectory(s.Local())
		if err := c.check(socketFacts(s)); err != nil {
			return sockets, err
		}
	}
	return sockets, c.ready(sockets...)
}

// outcome returns the error with which a run ends in which nothing failed. parent ends by
// a signal or the timeout, ctx also for any other reason that ends a run. received is the
// number of messages.
func (c *listenCommand) outcome(ctx, parent context.Context, received int64) error {
	switch {
	case context.Cause(parent) == signalError{unix.SIGINT}:
		return context.Cause(parent)
	case context.Cause(ctx) == errTimeout && c.Count.N > 0:
		return &exitError{exitTimeout, fmt.Errorf("%s: receive: %w after %d of %d messages", strings.Join(c.Addresses, " "), errTimeout, received, c.Count.N), ""}
	}
	return nil
}
