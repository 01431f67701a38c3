package fdio

import (
	"errors"
	"os"
	"time"

	"fdmsg/fdio/internal/poll"
)

// SetDeadline sets the deadlines of receiving and of sending, as those of
// net.Conn: at t, waits end with os.ErrDeadlineExceeded, those that have begun and
// those that begin later, until another deadline is set. The zero time is none. A
// time in the past ends the waits of all goroutines at once.
func (s *Socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline of Recv, of Accept and of the Read of a
// RawConn, see SetDeadline. What does not wait, TryRecv for example, has none.
func (s *Socket) SetReadDeadline(t time.Time) error { return s.setDeadline(receiving, t) }

// SetWriteDeadline sets the deadline of Send and of the Write of a RawConn, see
// SetDeadline.
func (s *Socket) SetWriteDeadline(t time.Time) error { return s.setDeadline(sending, t) }

// limit is what ends the waits of one direction.
type limit struct {
	deadline time.Time // zero: none
	ended    int       // contexts that waits were to end with, and that have ended
}

func (s *Socket) setDeadline(d direction, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return os.ErrClosed
	}
	s.uncommon().limits[d].deadline = t
	return s.apply(d)
}

// end adds n to how many contexts have ended that waits of the direction d are to
// end with. The deadline comes back when that is none.
func (s *Socket) end(d direction, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncommon().limits[d].ended += n
	s.apply(d)
}

// apply makes the pollers of the direction d end their waits as its limit says. It
// is called with mu held.
func (s *Socket) apply(d direction) error {
	limit := &s.uncommon().limits[d]
	t := limit.deadline
	if limit.ended > 0 {
		t = poll.LongAgo
	}
	if d == sending {
		switch s.out {
		case nil:
			return nil
		case s.in:
			return s.out.File.SetWriteDeadline(t)
		}
		return s.out.File.SetReadDeadline(t) // an epoll is read to wait for output, too
	}
	var errs error
	if s.in != nil {
		errs = s.in.File.SetReadDeadline(t)
	}
	for _, p := range s.rare.nested {
		if p != nil {
			errs = errors.Join(errs, p.File.SetReadDeadline(t))
		}
	}
	return errs
}
