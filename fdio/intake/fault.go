package intake

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// A fault is an error that recvmsg(2) returns. Most are pending on the socket, are
// returned once and concern one of many peers, or say that messages were lost:
// receiving goes on after them. Others return for ever, and end it.
//
// faults are the faults of one connection.
type faults struct {
	// last was returned by the receive before this one, and nobody has been told. If
	// the next receive returns neither a message nor another fault, it may have been
	// what ended the connection.
	last error
	row  int // number of faults in a row that may return for ever
}

// mostFaults is how many faults that may return for ever may come in a row.
const mostFaults = 4

// once are the errors that are pending on a socket, and no longer when they have been
// returned: those that the network causes, and ENOBUFS of netlink(7).
var once = [...]unix.Errno{
	unix.ECONNREFUSED, unix.ECONNRESET, unix.ECONNABORTED, unix.ETIMEDOUT, unix.EPIPE,
	unix.EHOSTUNREACH, unix.EHOSTDOWN, unix.ENETUNREACH, unix.ENETDOWN, unix.ENETRESET,
	unix.ENONET, unix.ENOPROTOOPT, unix.EPROTO, unix.ENOBUFS,
}

// isOnce reports whether err is one of once.
func isOnce(err error) bool {
	return slices.ContainsFunc(once[:], func(e unix.Errno) bool { return errors.Is(err, e) })
}

// isFault reports whether err was returned by recvmsg(2), and is neither EAGAIN nor the
// end.
func isFault(err error) bool {
	_, ok := err.(*os.SyscallError)
	return ok
}

// afterFault returns how receiving goes on after a receive has returned err, if there
// is a fault: nil if by another receive, EAGAIN if by a wait; any other error ends it.
//
//go:noinline
func (c *Conn) afterFault(err error) error {
	switch {
	case isFault(err):
		c.woken = false
		return c.noteFault(err)
	case err == unix.EAGAIN && c.goesOn:
		c.tellFault()
		if c.woken { // perhaps by an error that a sender on the same socket has taken
			c.woken = false
			c.tellQueued()
		}
	case (err == unix.EAGAIN || err == io.EOF) && c.faults.last != nil:
		err = c.faults.last // nothing was queued behind it
		c.faults.last = nil
	}
	c.faults.row = 0
	return err
}

// noteFault keeps err until it is known what comes after it. It returns err if faults
// return for ever.
func (c *Conn) noteFault(err error) error {
	f := &c.faults
	if isOnce(err) {
		f.row = 0
	} else if f.row++; f.last != nil && f.last.Error() == err.Error() {
		f.last = nil // it is told once
	}
	c.tellFault()
	if f.row == mostFaults {
		return err
	}
	f.last = err
	return nil
}

// tellFault tells the Observer of the last fault, if there is one of which it has not
// been told.
func (c *Conn) tellFault() {
	if c.faults.last != nil {
		c.tellLast()
	}
}

//go:noinline
func (c *Conn) tellLast() {
	err := c.faults.last
	c.faults.last = nil
	if c.goesOn && isOnce(err) && c.tellQueued() > 0 {
		return // err was one of them
	}
	c.in.observer().Failed(c, c.wrap(err))
}

// tellQueued tells the Observer of the errors in the error queue of the socket, which it
// empties. It returns their number.
func (c *Conn) tellQueued() (told int) {
	if c.in.opts.Flags&unix.MSG_ERRQUEUE != 0 {
		return 0 // they are messages
	}
	const most = 1000 // since more may come
	for range most {
		errno, to, ok := c.socket.TakeQueuedError()
		if !ok {
			break
		}
		if errno == 0 {
			continue
		}
		told++
		var err error = os.NewSyscallError("recvmsg", errno)
		if text := to.String(); text != "" {
			err = fmt.Errorf("%w: sent to %s", err, text)
		}
		c.in.observer().Failed(c, c.wrap(err))
	}
	return told
}
