package descriptor

import (
	"context"
	"sync/atomic"
	"time"

	"fdmsg/fdio/internal/poll"
)

// patience is how long a read may take: until ctx ends, and until end, if that is
// not zero. Most reads never ask, so a context with a deadline would cost more.
type patience struct {
	ctx   context.Context
	end   time.Time
	renew *renewal      // nil: end stays
	extra time.Duration // that the end is put off by
}

// renewal puts off the end of a patience whenever something comes.
type renewal struct {
	each time.Duration
	end  atomic.Int64 // in nanoseconds since 1970
}

// patienceOf returns a patience that ends after timeout, if that is not 0.
func patienceOf(ctx context.Context, timeout time.Duration) patience {
	p := patience{ctx: ctx}
	if timeout > 0 {
		p.end = time.Now().Add(timeout)
	}
	return p
}

// renewedPatience returns a patience that ends when nothing has come for timeout,
// if that is not 0.
func renewedPatience(ctx context.Context, timeout time.Duration) patience {
	p := patienceOf(ctx, timeout)
	if timeout > 0 {
		p.renew = &renewal{each: timeout}
		p.moved()
	}
	return p
}

// moved notes that something has come.
func (p patience) moved() {
	if p.renew != nil {
		p.renew.end.Store(time.Now().Add(p.renew.each).UnixNano())
	}
}

// deadline returns when the patience ends, zero for never.
func (p patience) deadline() time.Time {
	switch {
	case p.renew != nil:
		return time.Unix(0, p.renew.end.Load()).Add(p.extra)
	case p.end.IsZero():
		return p.end
	}
	return p.end.Add(p.extra)
}

// over returns why the patience has ended, nil if it has not.
func (p patience) over() error {
	switch end := p.deadline(); {
	case p.ctx.Err() != nil:
		return context.Cause(p.ctx)
	case !end.IsZero() && !time.Now().Before(end):
		return ErrTimeout
	}
	return nil
}

// wait returns when a read from fd would not block.
func (p patience) wait(fd int) error {
	end := p.deadline()
	if end.IsZero() {
		return poll.AwaitReadable(p.ctx, fd)
	}
	ctx, cancel := context.WithDeadlineCause(p.ctx, end, ErrTimeout)
	defer cancel()
	return poll.AwaitReadable(ctx, fd)
}

// await returns when done is closed.
func (p patience) await(done <-chan struct{}) error {
	for {
		var expired <-chan time.Time
		if end := p.deadline(); !end.IsZero() {
			expired = time.After(time.Until(end))
		}
		select {
		case <-done:
			return nil
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		case <-expired:
			if err := p.over(); err != nil {
				return err
			}
		}
	}
}
