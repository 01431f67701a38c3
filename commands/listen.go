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
	"sync/atomic"
	"time"

	"fdmsg/fdio"
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
	Backlog        Count    `placeholder:"N" help:"Let so many connections wait to be accepted (4096)"`
	MaxConnections Count    `placeholder:"N" help:"Close connections at once while there are N; 0: no limit"`
	IdleTimeout    Duration `placeholder:"DURATION" help:"Close connections on which nothing came for so long; 0: never"`
	Drain          Duration `default:"1" placeholder:"DURATION" help:"At the end, receive for so long what has been sent by then (1)"`
	OutputFlag
	Events bool `help:"Print a line also for what happens besides messages: listening, open, close, refused, exit, error, end"`
	CommandFlags
	MaxChildren Count `default:"64" placeholder:"N" help:"Run at most so many COMMANDs at once (64)"`
	CommonFlags

	Addresses []string `arg:"" name:"ADDRESS"`

	addresses []fdio.Address
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
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	if err := c.find(); err != nil {
		return err
	}
	closeSave, err := c.openSave()
	if err != nil {
		return err
	}
	defer closeSave()
	file, err := c.openOutput(ctx, c.Quiet, c.argv != nil)
	if err != nil {
		return err
	}
	sockets, err := c.bindAll(ctx)
	if err != nil {
		return err
	}
	out := startOutput(parent, file, cancel)
	srv := &server{receiver: newReceiver(parent, &c.IncomingFlags, out, cancel), limits: c, cancel: cancel}
	srv.lingers, srv.drain, srv.events = true, time.Duration(c.Drain), c.Events && out != nil
	if c.argv != nil {
		srv.children = newChildren(parent, &c.CommandFlags, c.MaxChildren.N, srv.drain)
		if out == nil { // COMMAND is given lines even so
			out = newOutput(io.Discard, func() {})
			srv.out = out
		}
	}
	for _, s := range sockets {
		srv.event(record.TypeListening, record.Event{Local: s.Local().String()})
	}
	for _, s := range sockets {
		srv.serveSocket(ctx, s)
	}
	notify("READY=1")
	stopping := sync.OnceFunc(func() { notify("STOPPING=1") })
	defer context.AfterFunc(ctx, stopping)()
	srv.running.Wait()
	stopping()
	srv.warnOfRefused()
	err = errors.Join(srv.err, srv.failed, srv.unread(), srv.children.failure())
	srv.ended(ctx, err)
	return errors.Join(err, out.close(), c.outcome(ctx, parent)) // a signal may come while close waits
}

// ended prints the last line.
func (srv *server) ended(ctx context.Context, err error) {
	messages, connections := srv.messages.Load(), srv.accepted.Load()
	e := record.Event{Messages: &messages, Connections: &connections}
	switch cause := context.Cause(ctx).(type) {
	case nil:
	case signalError:
		e.Reason = unix.SignalName(cause.signal)
	default:
		e.Reason = cause.Error()
	}
	if err != nil {
		e.Error = err.Error()
	}
	srv.event(record.TypeEnd, e)
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

// server serves any number of peers at once, each on a goroutine of its own.
type server struct {
	*receiver
	limits   *listenCommand
	cancel   context.CancelCauseFunc
	running  sync.WaitGroup
	accepted atomic.Int64 // connections so far
	open     atomic.Int64 // connections now

	mu  sync.Mutex
	err error // the first error that is not one peer's alone

	left, leftBytes int // sockets that were not read to the end, and what was left
}

// serveSocket serves a socket of its own: the connections of a listening one,
// the messages of any other.
func (srv *server) serveSocket(ctx context.Context, s *fdio.Socket) {
	srv.running.Go(func() {
		var err error
		if s.Listening() {
			err = srv.accept(ctx, s)
		} else {
			err = srv.serveSingle(ctx, s)
		}
		srv.fail(errors.Join(err, s.Close()))
	})
}

// serveSingle serves a socket that is not listening: one for datagrams, or an
// inherited one that is connected.
func (srv *server) serveSingle(ctx context.Context, s *fdio.Socket) error {
	c := srv.connection(s, 0)
	switch {
	case c.peer == nil && srv.limits.restricts():
		c.allows = srv.limits.allows
	case !srv.limits.allows(c.peer):
		srv.refused(refusedPeer, record.Event{Local: c.local, From: c.from, Peer: c.peer})
		return nil
	}
	err := c.serve(ctx)
	if left, ok := errors.AsType[*unreadError](err); ok {
		srv.leave(err, left.bytes)
		return nil
	}
	return err
}

// serveConnection serves an accepted connection, if it is to be served. Its
// errors are its peer's affair, and end nothing else, but for what is left unread
// at the end.
func (srv *server) serveConnection(ctx context.Context, s *fdio.Socket) {
	c := srv.connection(s, 0)
	if reason := srv.refuses(c); reason != "" {
		srv.refused(reason, record.Event{Local: c.local, From: c.from, Peer: c.peer})
		s.Close()
		return
	}
	c.number = int(srv.accepted.Add(1))
	c.idle = time.Duration(srv.limits.IdleTimeout)
	srv.running.Go(func() {
		defer srv.open.Add(-1)
		defer s.Close()
		srv.event(record.TypeOpen, record.Event{Conn: c.number, Local: c.local, From: c.from, Peer: c.peer})
		closed := record.Event{Conn: c.number}
		err := c.serve(ctx)
		left, isLeft := errors.AsType[*unreadError](err)
		switch {
		case isLeft:
			srv.leave(fmt.Errorf("connection %d: %w", c.number, left), left.bytes)
		case errors.Is(err, errIdle):
			closed.Reason = closedIdle
			srv.count(closedIdle)
		case err != nil && !errors.Is(err, errOutput):
			c.report(err)
		}
		messages := int64(c.got)
		closed.Messages = &messages
		srv.event(record.TypeClose, closed)
	})
}

// Why connections and messages are refused, and connections closed.
const (
	refusedMany = "connections refused: more than --max-connections"
	refusedPeer = "refused: not of --allow-uid or --allow-gid"
	refusedFDs  = "messages refused: descriptors came with --fds cut"
	closedIdle  = "connections closed: nothing came for longer than --idle-timeout"
)

// refuses is why a connection is not to be served, empty where it is: then it
// counts among the open ones.
func (srv *server) refuses(c *connection) string {
	switch most := srv.limits.MaxConnections.N; {
	case !srv.limits.allows(c.peer):
		return refusedPeer
	case srv.open.Add(1) > int64(most) && most > 0:
		srv.open.Add(-1)
		return refusedMany
	}
	return ""
}

// warnOfRefused says at the end what was not taken.
func (srv *server) warnOfRefused() {
	for _, reason := range []string{refusedMany, refusedPeer, refusedFDs, closedIdle} {
		if n := srv.counts[reason]; n > 0 {
			warn("listen", fmt.Errorf("%d %s", n, reason))
		}
	}
}

// leave reports what of a connection was left unread at the end.
func (srv *server) leave(err error, bytes int) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	warn("listen", err)
	srv.left++
	srv.leftBytes += bytes
}

// unread says at the end how much was left.
func (srv *server) unread() error {
	if srv.left == 0 {
		return nil
	}
	return fmt.Errorf("left unread: %d bytes of %d sockets", srv.leftBytes, srv.left)
}

// fail ends the run because of err, if there is one.
func (srv *server) fail(err error) {
	if err == nil {
		return
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.err == nil && !errors.Is(err, errOutput) {
		srv.err = err
	}
	srv.cancel(err)
}

// accept accepts connections until ctx ends, and then those that are queued.
// While descriptors or memory are short it pauses, and says so once.
func (srv *server) accept(ctx context.Context, s *fdio.Socket) error {
	short := false
	for {
		conn, err := s.Accept(ctx)
		switch {
		case err == nil:
			short = false
			srv.serveConnection(ctx, conn)
		case ctx.Err() != nil:
			if srv.drains() && !s.Inherited() {
				return srv.acceptQueued(ctx, s)
			}
			return nil
		case isShortage(err):
			if !short {
				warn("listen", err)
			}
			short = true
			pause(ctx, 50*time.Millisecond)
		default:
			return err
		}
	}
}

// acceptQueued accepts what connected before the end, on a socket of our own: an
// inherited one is also somebody else's, who goes on accepting. On Unix sockets
// nobody can connect any more; on others somebody may until the time is up.
func (srv *server) acceptQueued(ctx context.Context, s *fdio.Socket) error {
	queued := s.Readable()
	s.ShutdownRead()
	end := srv.drainEnd()
	for {
		conn, err := s.TryAccept()
		over := time.Now().After(end)
		switch {
		case err == nil:
			srv.serveConnection(ctx, conn)
			if over && !s.IsUnix() {
				return nil
			}
		case isShortage(err) && !queued: // accept4(2) wants a descriptor before it looks
			return nil
		case isShortage(err) && over:
			return &fdio.Error{Address: s.Local().String(), Op: "accept", Err: fmt.Errorf("connections are left: %w", err)}
		case isShortage(err):
			pause(context.Background(), 5*time.Millisecond) // connections that end give back
		default:
			return nil
		}
	}
}

// isShortage reports whether err passes when others give something back:
// accept(2).
func isShortage(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) ||
		errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
