package intake

import (
	"errors"
	"io"
	"os"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// Conn is a socket from which messages are received: an accepted connection, another
// connected socket, or a datagram socket.
type Conn struct {
	in     *Intake
	socket *fdio.Socket
	number int
	local  string
	peer   *cmsg.Credentials

	sender *Sender // of the last message; nil: there was none
	source source
	sink   Sink // nil before the first message
	pace   pace
	faults faults

	received   int  // number of messages
	asksEach   bool // the sender is not known before a message: Options.Allow is asked for each
	unfinished bool
	woken      bool // a wait has ended, and nothing has been received since
	goesOn     bool // receiving goes on after a fault even if nothing is queued behind it
}

// errStopped ends a connection because the run ends.
var errStopped = errors.New("stopped")

// sinkError marks an error of a sink.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// Conn returns a Conn for a socket, which the caller remains responsible for closing.
func (in *Intake) Conn(s *fdio.Socket) *Conn { return in.newConn(s, s.Local().String()) }

// newConn is Conn with the text of the local address of s.
func (in *Intake) newConn(s *fdio.Socket, local string) *Conn {
	c := &Conn{in: in, socket: s, local: local}
	c.source = source{conn: c, most: 1}
	if in.opts.Frame != frame.Chunk && s.IsStream() {
		c.source.frames = frame.NewAssembler(in.opts.Frame, in.opts.MaxFrame)
	}
	if creds, ok := s.PeerCredentials(); ok {
		c.peer = &creds
	}
	return c
}

// Socket returns the socket from which messages are received.
func (c *Conn) Socket() *fdio.Socket { return c.socket }

// Number returns the number of the connection, counted from 1 in the order of accepting,
// or 0 if the socket was not accepted.
func (c *Conn) Number() int { return c.number }

// Local returns the address that the socket is bound to, as text.
func (c *Conn) Local() string { return c.local }

// Remote returns the address of the peer, as text, or "" if the socket has none.
func (c *Conn) Remote() string { return c.socket.Peer().String() }

// Peer returns the credentials of the peer of a connected Unix socket, or nil if they are
// not known.
func (c *Conn) Peer() *cmsg.Credentials { return c.peer }

// Received returns the number of messages that have been received.
func (c *Conn) Received() int { return c.received }

// Unfinished reports whether the stream, or the run, ended in the middle of a frame.
func (c *Conn) Unfinished() bool { return c.unfinished }

// wrap adds the address of the peer, or of the socket, to err.
func (c *Conn) wrap(err error) error {
	address := c.Remote()
	if address == "" {
		address = c.local
	}
	return wrap(address, err)
}

// Serve hands every message to the sink until the stream or the run ends, or the count
// is reached; none of these is an error. The error is that of the sink, or a *fdio.Error,
// which wraps an *UnreadError if something was left in the socket. An error that the
// socket returned before messages that were queued does not end Serve: it is told to the
// Observer.
func (c *Conn) Serve() error {
	c.in.stopper.add(c.socket)
	defer c.in.stopper.remove(c.socket)
	defer c.finish()
	return c.end(c.receive())
}

// receive hands batch after batch to the sink. It returns the reason why it stopped.
func (c *Conn) receive() error {
	for {
		b, err := c.source.next()
		idle := err == unix.EAGAIN
		if b != nil {
			idle = err == nil && b.last
			c.pace.took(b.Messages[0].Received, len(b.Messages))
			c.woken = false
			c.tellFault() // it came before them
			if err := c.take(b); err != nil {
				return err
			}
		}
		if err != nil {
			err = c.afterFault(err)
			idle = err == unix.EAGAIN
		}
		if idle && c.in.opts.Flags&unix.MSG_DONTWAIT == 0 {
			err = c.wait()
		}
		if err == nil && c.in.ctx.Err() != nil && !c.pending() {
			err = errStopped
		}
		if err != nil {
			return err
		}
	}
}

// take hands a batch to the sink.
func (c *Conn) take(b *Batch) error {
	if c.sink == nil {
		c.sink = c.in.opts.NewSink(c)
	}
	c.received += len(b.Messages)
	if err := c.sink.Take(b); err != nil {
		return &sinkError{err}
	}
	return nil
}

// takeRest hands an incomplete message to the sink. The message does not count as
// received, unless the end of the stream completes it.
func (c *Conn) takeRest(atEnd bool) error {
	b, err := c.source.rest(atEnd)
	switch {
	case err != nil && err != ErrCounted:
		return c.wrap(err)
	case b == nil:
		return nil
	case b.Incomplete:
		c.received--
		c.unfinished = c.source.frames != nil
	}
	return c.take(b)
}

// wait flushes the sink and waits for messages. The error is errStopped, ErrIdle, or one
// of the sink or the socket.
func (c *Conn) wait() error {
	if c.sink != nil {
		if err := c.sink.Flush(); err != nil {
			return &sinkError{err}
		}
	}
	if !c.pace.flows() {
		c.source.most = c.source.least()
	}
	isIdle := c.number > 0 && c.in.opts.IdleTimeout > 0
	if isIdle {
		c.in.stopper.setDeadline(c.socket, time.Now().Add(c.in.opts.IdleTimeout))
	}
	err := c.pace.wait(c.socket, c.in.opts.Flags, c.in.naps)
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.woken = c.pace.naps == 0
		return err
	case c.in.ctx.Err() != nil:
		return errStopped
	case isReadable(c.socket): // something arrived at the last moment
		return nil
	}
	return ErrIdle
}

// end ends the connection because of err. It returns what its user is told.
//
//go:noinline
func (c *Conn) end(err error) error {
	if _, ok := errors.AsType[*sinkError](err); ok {
		c.takePending()
		if !c.in.drains() {
			return err
		}
		return errors.Join(err, c.leftUnread())
	}
	var result error
	switch {
	case err == errStopped && c.in.drains(), err == ErrIdle:
		idle := err == ErrIdle
		if err, result = c.drain(); idle {
			result = errors.Join(result, c.wrap(ErrIdle))
		}
	case err == ErrDescriptors: // which may be those of the rest
		return c.wrap(err)
	case err != errStopped && err != io.EOF && err != ErrCounted:
		result = c.wrap(err)
	}
	return errors.Join(c.takeRest(err == io.EOF), result)
}

// takePending hands over the frames that have been received already after the sink has
// failed: the sink counts them as lost.
func (c *Conn) takePending() {
	for c.source.frames != nil && c.source.frames.Pending() {
		b, err := c.source.nextFrames(false)
		if b != nil {
			c.take(b)
		}
		if err != nil {
			return
		}
	}
}

//go:noinline
func (c *Conn) finish() {
	c.tellFault()
	if c.sink != nil {
		c.sink.Flush()
	}
	c.source.close()
}
