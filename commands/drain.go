package commands

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// errIdle is the end of a connection that says nothing.
var errIdle = errors.New("nothing came for longer than --idle-timeout")

// drainQueued makes lines of what is queued. On Unix sockets nothing can be added
// to that any more; on others something may until the time is up.
func (c *connection) drainQueued() error {
	c.socket.ShutdownRead()
	end := c.drainEnd()
	for first := true; first || c.holds() || time.Now().Before(end) && !c.children.isOver(); first = false {
		if c.tryReceive(0) && c.err == nil {
			if err := c.print(c.current); err != nil {
				return c.endUnprinted(err)
			}
			continue
		}
		if c.err == io.EOF || c.err == errCounted || c.err == unix.EAGAIN {
			return c.printPartial()
		}
		return errors.Join(c.printPartial(), c.wrap(c.err))
	}
	return errors.Join(c.printPartial(), c.leftUnread())
}

// leftUnread is an error where something is queued that will not be received, now
// that the run ends.
func (c *connection) leftUnread() error {
	if !c.lingers || c.end.Err() == nil {
		return nil
	}
	bytes := c.socket.Unread()
	if c.socket.IsDatagram() { // that was the next one
		if c.socket.Inherited() {
			return nil // others may go on with it
		}
		bytes = c.discard()
	}
	if bytes == 0 {
		return nil
	}
	return c.wrap(&unreadError{bytes})
}

// discard receives the datagrams that are queued, and returns how many bytes they
// had.
func (c *connection) discard() (bytes int) {
	const most = 100_000 // others may go on sending
	sc := c.newScratch()
	defer c.release(sc)
	for range most {
		if c.socket.TryRecv(&sc.msg, unix.MSG_TRUNC) != nil {
			break
		}
		bytes += sc.msg.Size
		sc.msg.Close()
	}
	return bytes
}

// unreadError says that the end has come before everything that was queued.
type unreadError struct{ bytes int }

func (e *unreadError) Error() string {
	return fmt.Sprintf("not all that was queued could be received in the time of --drain: %d bytes", e.bytes)
}
