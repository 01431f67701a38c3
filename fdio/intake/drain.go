package intake

import (
	"errors"
	"fmt"
	"io"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

// UnreadError says that the run ended before everything that was queued had been
// received.
type UnreadError struct{ Bytes int }

func (e *UnreadError) Error() string {
	return fmt.Sprintf("not all that was queued could be received in time: %d bytes", e.Bytes)
}

// drains reports whether the run is ending and what is queued is still to be received.
func (in *Intake) drains() bool { return in.opts.Drain >= 0 && in.parent.Err() != nil }

// drainEnd returns the time at which draining ends.
func (in *Intake) drainEnd() time.Time {
	if at := in.endedAt.Load(); at != 0 {
		return time.Unix(0, at).Add(in.opts.Drain)
	}
	return time.Now().Add(in.opts.Drain)
}

// drain receives what is queued, at least once. On Unix sockets nothing can be added to
// the queue any more; on others it can, until the time is up. It returns how receiving
// ended, io.EOF, ErrCounted or EAGAIN, or an error.
func (c *Conn) drain() (ending, err error) {
	c.socket.ShutdownRead()
	end := c.in.drainEnd()
	more := func(receives int) bool {
		return receives == 0 || c.pending() || c.faults.last != nil && receives < mostFaults || time.Now().Before(end)
	}
	for receives := 0; more(receives); receives++ {
		b, err := c.source.next()
		if b != nil {
			c.tellFault()
			if err := c.take(b); err != nil {
				c.takePending()
				return nil, errors.Join(err, c.leftUnread())
			}
		}
		if err != nil {
			err = c.afterFault(err)
		}
		switch err {
		case nil:
		case io.EOF, ErrCounted, unix.EAGAIN:
			return err, nil
		default:
			return nil, c.wrap(err)
		}
	}
	return nil, c.leftUnread()
}

// pending reports whether frames have been received but not handed to the sink.
func (c *Conn) pending() bool { return c.source.frames != nil && c.source.frames.Pending() }

// leftUnread returns an error if something is queued that will not be received, because
// the run is ending.
func (c *Conn) leftUnread() error {
	bytes := queuedBytes(c.socket)
	if c.socket.IsDatagram() { // bytes is the size of the next one only
		if c.socket.Inherited() {
			return nil // another process may go on receiving
		}
		bytes = c.discard()
	}
	if bytes == 0 {
		return nil
	}
	return c.wrap(&UnreadError{bytes})
}

// queuedBytes returns how many bytes wait to be received from s: SIOCINQ, unix(7),
// tcp(7). For UDP it is the size of the next datagram.
func queuedBytes(s *fdio.Socket) (n int) {
	control(s, func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	return n
}

// isReadable reports whether there is something to receive from s or to accept, or the
// end of it.
func isReadable(s *fdio.Socket) (yes bool) {
	control(s, func(fd uintptr) { yes = poll.Events(int(fd), unix.POLLIN)&^unix.POLLERR != 0 })
	return yes
}

func control(s *fdio.Socket, f func(fd uintptr)) {
	if conn, err := s.SyscallConn(); err == nil {
		conn.Control(f)
	}
}

// discard receives the datagrams that are queued, and returns the number of their bytes.
func (c *Conn) discard() (bytes int) {
	const most = 100_000 // since peers may go on sending
	b := c.newBatch()
	defer b.Release()
	m := b.message()
	b.arena.place(m, c.in.opts.Sizes, c.controlSize())
	for range most {
		err := c.socket.TryRecv(&m.Incoming, unix.MSG_TRUNC)
		if isFault(err) && c.noteFault(err) == nil {
			continue // it came before messages
		}
		if err != nil {
			break
		}
		bytes += m.Size
		m.Close()
	}
	return bytes
}
