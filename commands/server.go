package commands

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// server serves any number of peers at once, each on a goroutine of its own.
type server struct {
	*receiver
	limits   *listenCommand
	cancel   context.CancelCauseFunc
	running  sync.WaitGroup
	waits    *waits
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
	c := srv.connection(s, s.Local().String())
	switch {
	case c.peer == nil && srv.limits.restricts():
		c.allows = srv.limits.allows
	case !srv.limits.allows(c.peer):
		srv.refused(refusedPeer, record.Event{Origin: c.origin()})
		return nil
	}
	err := c.serve(ctx)
	if left, ok := errors.AsType[*unreadError](err); ok {
		srv.leave(err, left.bytes)
		return nil
	}
	return err
}

// serveConnection serves an accepted connection, if it is to be served. The text of
// its local address is given: connections share it.
func (srv *server) serveConnection(s *fdio.Socket, local string) {
	c := srv.connection(s, local)
	if reason := srv.refuses(c); reason != "" {
		srv.refused(reason, record.Event{Origin: c.origin()})
		s.Close()
		return
	}
	c.number = int(srv.accepted.Add(1))
	c.idle = time.Duration(srv.limits.IdleTimeout)
	c.isNew = c.flags.recvFlags == 0
	srv.event(record.TypeOpen, record.Event{Origin: c.origin()})
	srv.waits.add(s)
	srv.running.Go(func() { srv.run(c) })
}

// run is the life of a connection that was accepted. What goes deep is apart from
// it, and not begun before something comes: a goroutine keeps the stack that it has
// had, and most connections are idle.
func (srv *server) run(c *connection) {
	defer srv.leaveConnection(c)
	err := c.serveAll(srv.waits.ctx)
	srv.closed(c, err)
}

func (srv *server) leaveConnection(c *connection) {
	srv.waits.remove(c.socket)
	c.socket.Close()
	srv.open.Add(-1)
}

// closed says that a connection has ended, with err. Errors are its peer's affair,
// and end nothing else, but for what is left unread at the end.
//
//go:noinline
func (srv *server) closed(c *connection, err error) {
	e := record.Event{Origin: record.Origin{Conn: c.number}}
	left, isLeft := errors.AsType[*unreadError](err)
	switch {
	case isLeft:
		srv.leave(fmt.Errorf("connection %d: %w", c.number, left), left.bytes)
	case errors.Is(err, errIdle):
		e.Reason = closedIdle
		srv.count(closedIdle)
	case err != nil && !errors.Is(err, errOutput):
		c.report(err)
	}
	messages := int64(c.got)
	e.Messages = &messages
	srv.event(record.TypeClose, e)
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
	local := localText{address: s.Local(), text: s.Local().String()}
	short := false
	for {
		conn, err := s.Accept(ctx)
		switch {
		case err == nil:
			short = false
			srv.serveConnection(conn, local.of(conn))
		case ctx.Err() != nil:
			if srv.drains() && !s.Inherited() {
				return srv.acceptQueued(s, local)
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
func (srv *server) acceptQueued(s *fdio.Socket, local localText) error {
	queued := s.Readable()
	s.ShutdownRead()
	end := srv.drainEnd()
	for {
		conn, err := s.TryAccept()
		over := time.Now().After(end)
		switch {
		case err == nil:
			srv.serveConnection(conn, local.of(conn))
			if over && !s.IsUnix() {
				return nil
			}
		case isShortage(err) && !queued: // accept4(2) wants a descriptor before it looks
			return nil
		case isShortage(err) && over:
			return &fdio.Error{Name: s.Local().String(), Op: "accept", Err: fmt.Errorf("connections are left: %w", err)}
		case isShortage(err):
			pause(context.Background(), 5*time.Millisecond) // connections that end give back
		default:
			return nil
		}
	}
}

// localText is an address and its text.
type localText struct {
	address fdio.Address
	text    string
}

// of is the text of the local address of s, the same for all where it is the same.
func (l localText) of(s *fdio.Socket) string {
	if s.Local() == l.address {
		return l.text
	}
	return s.Local().String()
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
