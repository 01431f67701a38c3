package intake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// server serves any number of peers at once, each on a goroutine of its own.
type server struct {
	in       *Intake
	running  sync.WaitGroup
	accepted atomic.Int64 // connections so far
	open     atomic.Int64 // connections now
	sockets  atomic.Int64 // sockets of Serve that have not ended

	mu  sync.Mutex
	err error // the errors that ended the run
}

// Served is how much Serve has done.
type Served struct {
	Connections int64 // number of connections accepted
	Messages    int64 // number of messages received
}

// Serve receives from all sockets until the run ends, and closes them: from listening
// sockets it accepts connections, from all others it receives messages. The error of a
// connection or another socket is reported to the Observer and ends that socket, if it
// has to; the others are served on. The run ends with an error if that was the last
// socket, or if the listening itself fails.
func (in *Intake) Serve(sockets []*fdio.Socket) (Served, error) {
	srv := &server{in: in}
	srv.sockets.Store(int64(len(sockets)))
	for _, s := range sockets {
		srv.running.Go(func() { srv.fail(errors.Join(srv.serveSocket(s), s.Close())) })
	}
	srv.running.Wait()
	return Served{srv.accepted.Load(), in.Received()}, srv.err
}

func (srv *server) serveSocket(s *fdio.Socket) error {
	if s.Listening() {
		defer srv.sockets.Add(-1)
		return srv.accept(s)
	}
	c := srv.in.Conn(s)
	err := srv.serveOne(c)
	_, ofSink := errors.AsType[*sinkError](err)
	if last := srv.sockets.Add(-1) == 0; err == nil || ofSink || last || srv.in.ctx.Err() != nil {
		return err
	}
	srv.in.observer().Failed(c, err)
	return nil
}

// serveOne receives from a socket that was not accepted.
func (srv *server) serveOne(c *Conn) error {
	c.goesOn = true
	c.asksEach = c.peer == nil && srv.in.opts.Allow != nil
	if !c.asksEach && !srv.in.allows(c.peer) {
		srv.in.observer().Refused(c, Sender{}, NotAllowed)
		return nil
	}
	err := c.Serve()
	if left, ok := errors.AsType[*UnreadError](err); ok {
		srv.in.observer().Left(c, left)
		return nil
	}
	return err
}

// fail ends the run because of err, if there is one.
func (srv *server) fail(err error) {
	if err == nil {
		return
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if _, ok := errors.AsType[*sinkError](err); !ok { // the user of the sink knows that one
		srv.err = errors.Join(srv.err, err)
	}
	srv.in.Stop(err)
}

// accept accepts connections until the run ends, and then those that are queued. While
// descriptors or memory are short it pauses, and warns once. An error of one connection
// is reported; where none can be accepted it comes again and again, and accept pauses.
func (srv *server) accept(s *fdio.Socket) error {
	ctx := srv.in.ctx
	local := localText{s.Local(), s.Local().String()}
	short := false
	failed := 0 // number of connections in a row that could not be accepted
	for {
		conn, err := s.Accept(ctx)
		lost, isLost := errors.AsType[*fdio.ConnectionError](err)
		switch {
		case err == nil:
			short, failed = false, 0
			srv.serveConnection(conn, local.of(conn))
		case isLost:
			srv.in.observer().Failed(srv.in.newConn(s, local.text), err)
			if failed++; failed >= mostFaults && !lost.Accepted {
				pause(ctx, 50*time.Millisecond)
			}
		case ctx.Err() != nil:
			if srv.in.drains() && !s.Inherited() {
				return srv.acceptQueued(s, local)
			}
			return nil
		case isShortage(err):
			if !short {
				srv.in.observer().Warn(err)
			}
			short = true
			pause(ctx, 50*time.Millisecond)
		default:
			return err
		}
	}
}

// acceptQueued accepts the connections that were queued when the run ended. It is not
// for an inherited socket, on which another process may go on accepting. On Unix sockets
// no peer can connect any more; on others peers can, until the time is up.
func (srv *server) acceptQueued(s *fdio.Socket, local localText) error {
	queued := isReadable(s)
	s.ShutdownRead()
	end := srv.in.drainEnd()
	for {
		conn, err := s.TryAccept()
		over := time.Now().After(end)
		_, isLost := errors.AsType[*fdio.ConnectionError](err)
		switch {
		case err == nil:
			srv.serveConnection(conn, local.of(conn))
			if over && !s.IsUnix() {
				return nil
			}
		case isLost:
			srv.in.observer().Failed(srv.in.newConn(s, local.text), err)
			if over {
				return nil
			}
		case isShortage(err) && !queued: // accept4(2) needs a descriptor even if there is no connection
			return nil
		case isShortage(err) && over:
			return &fdio.Error{Name: local.text, Op: "accept", Err: fmt.Errorf("connections are left: %w", err)}
		case isShortage(err):
			pause(context.Background(), 5*time.Millisecond) // until a connection ends and frees descriptors
		default:
			return nil
		}
	}
}

// serveConnection serves an accepted connection, or refuses it. Connections share the
// text of their local address.
func (srv *server) serveConnection(s *fdio.Socket, local string) {
	c := srv.in.newConn(s, local)
	if why, refused := srv.refuses(c); refused {
		srv.in.observer().Refused(c, Sender{}, why)
		s.Close()
		return
	}
	c.number, c.goesOn = int(srv.accepted.Add(1)), true
	srv.in.observer().Opened(c)
	srv.in.stopper.add(s)
	srv.running.Go(func() { srv.run(c) })
}

// refuses returns the reason for refusing a connection, if there is one. Otherwise it
// counts the connection as open.
func (srv *server) refuses(c *Conn) (why Refusal, refused bool) {
	switch most := srv.in.opts.MaxConnections; {
	case !srv.in.allows(c.peer):
		return NotAllowed, true
	case srv.open.Add(1) > int64(most) && most > 0:
		srv.open.Add(-1)
		return TooMany, true
	}
	return 0, false
}

// run serves an accepted connection to its end. A goroutine keeps the stack to which it
// has grown, and most connections are idle: functions with large frames are called only
// after the first message has arrived.
func (srv *server) run(c *Conn) {
	defer srv.leave(c)
	err := c.wait()
	if err == nil {
		err = c.receive()
	}
	srv.ended(c, err)
}

//go:noinline
func (srv *server) ended(c *Conn, err error) {
	err = c.end(err)
	c.finish()
	if left, ok := errors.AsType[*UnreadError](err); ok {
		srv.in.observer().Left(c, left)
		err = nil
	}
	srv.in.observer().Closed(c, err)
}

func (srv *server) leave(c *Conn) {
	srv.in.stopper.remove(c.socket)
	c.socket.Close()
	srv.open.Add(-1)
}

// localText is a local address and its text.
type localText struct {
	address fdio.Address
	text    string
}

// of returns the text of the local address of s, without making it anew if s has the
// same address.
func (l localText) of(s *fdio.Socket) string {
	if s.Local() == l.address {
		return l.text
	}
	return s.Local().String()
}

// isShortage reports whether err means that descriptors or memory are short, which
// passes: accept(2).
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
