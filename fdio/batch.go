package fdio

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Batch receives several messages with one call: recvmmsg(2). Its Messages are
// the caller's.
type Batch struct {
	Messages []*Incoming
	headers  []mmsghdr
}

// Batches reports whether TryRecvBatch can be used, once a message has been
// received: on sockets of our own that carry messages and whose end shows.
func (s *Socket) Batches() bool { return !s.inherited && !s.IsStream() && !s.tellsNoEnd() }

// TryRecvBatch is TryRecv of as many messages as there are and b has, and returns
// how many. With an error it is none.
func (s *Socket) TryRecvBatch(b *Batch) (n int, err error) {
	if err := s.takeDeferred(); err != nil {
		return 0, err
	}
	b.headers = b.headers[:0]
	for _, m := range b.Messages {
		m.N, m.Size, m.Control, m.Flags, m.From = 0, 0, nil, 0, Address{}
		m.header.prepare(s, m.Buffers, m.Space)
		b.headers = append(b.headers, mmsghdr{msg: m.header.msg})
	}
	flags := s.recvFlags()
	n, err = ignoringEINTR(func() (int, error) { return recvmmsg(s.fd, b.headers, flags) })
	if err == unix.EAGAIN {
		return 0, err
	}
	if err != nil {
		// It may stand before messages.
		switch again := s.tryRecv(b.Messages[0], b.Messages[0].Buffers, flags); again {
		case nil:
			return 1, nil
		case unix.EAGAIN:
			return 0, os.NewSyscallError("recvmmsg", err)
		default:
			return 0, again
		}
	}
	for i := range n {
		m, h := b.Messages[i], &b.headers[i]
		m.header.from.len = h.msg.Namelen
		err := s.received(m, m.Buffers, flags, int(h.len), int(h.msg.Controllen), int(h.msg.Flags))
		if err == io.EOF && i > 0 {
			s.deferred = err // after what came before it
			return i, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}
