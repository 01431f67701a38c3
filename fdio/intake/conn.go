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

// Conn is one socket that messages are received from: an accepted connection, a
// connected socket, or one for datagrams.
type Conn struct {
	in     *Intake
	socket *fdio.Socket
	number int
	local  string
	peer   *cmsg.Credentials

	source source
	sink   Sink // nil: no message has come
	pace   pace

	received   int  // messages
	asksEach   bool // whether a message is allowed: its sender is not known by the connection
	unfinished bool
}

// errStopped is the end of a connection by the end of the run.
var errStopped = errors.New("stopped")

// sinkError is an error of a sink.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// Conn makes a Conn of a socket, which stays the caller's to close.
func (in *Intake) Conn(s *fdio.Socket) *Conn { return in.newConn(s, s.Local().String()) }

// newConn is Conn where the local address of s reads as local.
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

// Socket is the socket that messages are received from.
func (c *Conn) Socket() *fdio.Socket { return c.socket }

// Number is the number of the connection, in the order of accepting, from 1; 0 where
// the socket was not accepted.
func (c *Conn) Number() int { return c.number }

// Local is the address that the socket is bound to, as text.
func (c *Conn) Local() string { return c.local }

// Remote is the address of the peer, as text; empty where the socket has none.
func (c *Conn) Remote() string { return c.socket.Peer().String() }

// Peer is who the peer of a connected Unix socket is, nil where nobody knows.
func (c *Conn) Peer() *cmsg.Credentials { return c.peer }

// Received is how many messages have been received.
func (c *Conn) Received() int { return c.received }

// Unfinished reports whether the stream ended, or receiving did, in the middle of a
// frame.
func (c *Conn) Unfinished() bool { return c.unfinished }

// Held is how many bytes have come of a message that is not complete.
func (c *Conn) Held() int { return c.source.held() }

// wrap puts the address that the connection is known by before err.
func (c *Conn) wrap(err error) error {
	address := c.Remote()
	if address == "" {
		address = c.local
	}
	return wrap(address, err)
}

// Serve hands every message to the sink, until the end of the stream, of the run, or
// of what is wanted, none of which is an error. The error is one of the sink, as it
// is, or a *fdio.Error, with an *UnreadError in it where something was left.
func (c *Conn) Serve() error {
	c.in.stopper.add(c.socket)
	defer c.in.stopper.remove(c.socket)
	return c.serve()
}

func (c *Conn) serve() error {
	defer c.finish()
	return c.end(c.receive())
}

// Next waits for one batch, which is the caller's to release, instead of Serve.
func (c *Conn) Next() (*Batch, error) {
	c.in.stopper.add(c.socket)
	defer c.in.stopper.remove(c.socket)
	for {
		b, err := c.source.next()
		if err == io.EOF && b == nil {
			b = c.lastFrame()
		}
		if b != nil {
			c.received += len(b.Messages)
			return b, nil
		}
		if err == unix.EAGAIN && c.in.opts.Flags&unix.MSG_DONTWAIT == 0 {
			err = c.wait()
		}
		if err == errStopped {
			err = c.wrap(c.in.cause())
		}
		if err != nil {
			return nil, c.wrapUnlessEnd(err)
		}
	}
}

// lastFrame is the frame that the end of the stream makes whole, nil where there is
// none.
func (c *Conn) lastFrame() *Batch {
	b, whole := c.source.rest(true)
	if b != nil && !whole {
		c.unfinished = true
		b.Release()
		return nil
	}
	return b
}

// wrapUnlessEnd is wrap for what is no end that the caller knows of.
func (c *Conn) wrapUnlessEnd(err error) error {
	if _, ok := errors.AsType[*fdio.Error](err); ok || err == io.EOF || err == ErrCounted {
		return err
	}
	return c.wrap(err)
}

// Close closes the descriptors of messages that did not become complete. It does not
// close the socket.
func (c *Conn) Close() { c.source.close() }

// receive hands batch after batch to the sink. It returns why there are no more.
func (c *Conn) receive() error {
	for {
		b, err := c.source.next()
		idle := err == unix.EAGAIN
		if b != nil {
			idle = err == nil && b.last
			c.pace.took(b.Messages[0].Received, len(b.Messages))
			if err := c.take(b); err != nil {
				return err
			}
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

// takeRest hands over what has come of a message that is not complete. It does not
// count as received, unless the end of the stream makes it whole.
func (c *Conn) takeRest(atEnd bool) error {
	b, whole := c.source.rest(atEnd)
	if b == nil {
		return nil
	}
	if !whole {
		c.received--
		c.unfinished = c.source.frames != nil
	}
	return c.take(b)
}

// wait waits for messages, after everything that was taken is done. The error is
// errStopped, ErrIdle, or one of waiting.
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
		return err
	case c.in.ctx.Err() != nil:
		return errStopped
	case isReadable(c.socket): // it came just now
		return nil
	}
	return ErrIdle
}

// end is the end of the connection, because of err.
//
//go:noinline
func (c *Conn) end(err error) error {
	if _, ok := errors.AsType[*sinkError](err); ok {
		c.takePending()
		return errors.Join(err, c.leftUnread())
	}
	var result error
	switch {
	case err == errStopped && c.in.drains(), err == ErrIdle:
		idle := err == ErrIdle
		if err, result = c.drain(); idle {
			result = errors.Join(result, c.wrap(ErrIdle))
		}
	case err != errStopped && err != io.EOF && err != ErrCounted:
		result = c.wrap(err)
	}
	return errors.Join(c.takeRest(err == io.EOF), result)
}

// takePending hands over the frames that have been received, now that the sink has
// failed: it counts them as lost.
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
	if c.sink != nil {
		c.sink.Flush()
	}
	c.source.close()
}
