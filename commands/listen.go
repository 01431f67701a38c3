package commands

import (
	"cmp"
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

const listenHelp = addressHelp + `
A signal ends it after what has been sent by then (see --drain), and so does
--timeout. A service manager that waits for it, sd_notify(3), is told. A stream
has no messages: without --frame, each line is what one recvmsg(2) returned.

COMMAND is run for each message, one at a time for each connection. It has what
COMMAND of fdmsg recv has, the line on standard input, and the connection, to
answer on, as descriptor FDMSG_CONN; of a datagram socket that is the socket
itself, and FDMSG_FROM the sender.
` + "\n" + optionHelp + "\n" + valueHelp

type listenCommand struct {
	IncomingFlags
	SocketFlags
	BindFlags
	AccessFlags
	Backlog        Count
	MaxConnections Count
	IdleTimeout    Duration
	Drain          Duration
	OutputFlag
	Events bool
	CommandFlags
	MaxChildren Count
	CommonFlags

	Addresses []string

	addresses []fdio.Address
}

func (c *listenCommand) declare(g *grammar) {
	c.Drain, c.MaxChildren = Duration(time.Second), Count{64, true}
	c.IncomingFlags.declare(g)
	c.SocketFlags.declare(g)
	c.BindFlags.declare(g)
	c.AccessFlags.declare(g)
	g.flag(one(&c.Backlog, parseCount), "backlog", "N", "Let so many connections wait to be accepted (4096)")
	g.flag(one(&c.MaxConnections, parseCount), "max-connections", "N", "Close connections at once while there are N; 0: no limit")
	g.flag(one(&c.IdleTimeout, parseDuration), "idle-timeout", "DURATION", "Close connections on which nothing came for so long; 0: never")
	g.flag(one(&c.Drain, parseDuration), "drain", "DURATION", "At the end, receive for so long what has been sent by then (1)")
	c.OutputFlag.declare(g)
	g.toggle(&c.Events, "events", "Print a line also for what happens besides messages: listening, open, close, refused, exit, error, end")
	c.CommandFlags.declare(g)
	g.flag(one(&c.MaxChildren, parseCount), "max-children", "N", "Run at most so many COMMANDs at once (64)")
	c.CommonFlags.declare(g)
	g.argument(many(&c.Addresses, asGiven), "ADDRESS")
}

func (c *listenCommand) validate() (err error) {
	var stdin claims
	if c.addresses, err = parseAddresses(c.Addresses); err != nil {
		return err
	}
	for _, a := range c.addresses {
		if err := c.checkSize(a.Network.IsStream()); err != nil {
			return err
		}
		stdin.address(a, "ADDRESS")
	}
	if err := stdin.check(); err != nil {
		return err
	}
	own := slices.ContainsFunc(c.addresses, func(a fdio.Address) bool { return a.Network != fdio.Inherited })
	if _, c.recvFlags, err = c.parse(own, receiving); err != nil {
		return err
	}
	if c.recvFlags&(unix.MSG_PEEK|unix.MSG_DONTWAIT) != 0 {
		return usagef("fdmsg recv takes them", "MSG_PEEK and MSG_DONTWAIT do not go with listen, which goes on and waits")
	}
	if err := c.checkBuffers(c.order); err != nil {
		return err
	}
	if err := c.useFrame(c.Frame, c.order); err != nil {
		return err
	}
	for _, a := range c.addresses {
		if err := checkFrame(c.Frame, a.String(), a.Network.IsStream() || a.Network == fdio.Inherited); err != nil {
			return err
		}
	}
	if err := c.refuseRights(&c.SocketFlags); err != nil {
		return err
	}
	if err := c.checkMode(c.order, c.addresses...); err != nil {
		return err
	}
	if err := c.parseAccess(); err != nil {
		return err
	}
	for _, a := range c.addresses {
		if err := c.checkAccess(a.String(), a.Network.IsUnix() || a.Network == fdio.Inherited); err != nil {
			return err
		}
	}
	switch err := c.validateCommand(); {
	case err != nil:
		return err
	case c.argv == nil && slices.Contains(c.order, "max-children"):
		return usagef("", "--max-children needs -- COMMAND")
	case c.MaxChildren.N == 0:
		return usagef("", "--max-children 0 would run nothing")
	case c.Events && c.argv != nil && c.Output == "":
		return usagef("--output FILE says where they go", "--events: no lines are printed with COMMAND")
	}
	return c.checkReadyFD()
}

func (c *listenCommand) run(parent context.Context) error {
	inspector := descriptor.NewInspector() // all that stays open is, when others learn that it is ready
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
	srv.Maker = c.maker(parent, inspector, out)
	srv.Events = c.Events && out != nil
	if c.argv != nil {
		srv.Content.Later = false // the line goes to COMMAND too, and is the same there
		if out == nil {           // COMMAND is given lines even so
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
	err = errors.Join(err, srv.Unsaved(), srv.unread(), missed(runner))
	srv.ended(context.Cause(in.Context()), served, err)
	return errors.Join(err, out.Close(), c.outcome(in.Context(), parent)) // a signal may come while Close waits
}

// intake is what receives the messages, and what runs COMMAND for them, nil where
// there is none.
func (c *listenCommand) intake(parent context.Context, srv *serving) (*intake.Intake, *spawn.Runner) {
	o := c.intakeOptions()
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

// missed says at the end for how many messages COMMAND should have been run, and was
// not.
func missed(runner *spawn.Runner) error {
	if runner == nil || runner.Missed() == 0 {
		return nil
	}
	return fmt.Errorf("messages for which COMMAND was not run: %d", runner.Missed())
}

// bindAll binds every address, or none, and says when they are ready.
func (c *listenCommand) bindAll(ctx context.Context) (sockets []*fdio.Socket, err error) {
	defer func() {
		if err != nil {
			for _, s := range sockets {
				s.Close()
			}
		}
	}()
	for _, a := range c.addresses {
		s, err := fdio.Listen(ctx, a, fdio.ListenOptions{Mode: c.Mode.file(), Backlog: c.Backlog.N, Options: c.options})
		if err != nil {
			return sockets, err
		}
		sockets = append(sockets, s)
		warnOfDirectory(s.Local())
		if err := cmp.Or(c.checkAccess(s.Local().String(), s.IsUnix()), checkFrame(c.Frame, s.Local().String(), s.IsStream())); err != nil {
			return sockets, err
		}
		if err := c.checkSize(s.IsStream()); err != nil {
			return sockets, err
		}
	}
	return sockets, c.ready(sockets...)
}

// outcome is what becomes of a run in which nothing failed.
// parent ends by a signal or the timeout, ctx by what else ends a run, too.
func (c *listenCommand) outcome(ctx, parent context.Context) error {
	switch {
	case context.Cause(parent) == signalError{unix.SIGINT}:
		return context.Cause(parent)
	case context.Cause(ctx) == errTimeout && c.Count.N > 0:
		return &exitError{exitTimeout, fmt.Errorf("%s: receive: %w before %d messages had come", strings.Join(c.Addresses, " "), errTimeout, c.Count.N), ""}
	}
	return nil
}
