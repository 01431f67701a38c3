package fdio

import (
	"io"
	"os"

	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// Batch is several messages to be received with one call: recvmmsg(2). The Messages
// are the caller's.
type Batch struct {
	Messages []*Incoming
	headers  []mmsghdr
}

// Batches reports whether TryRecvBatch can be used, once a message has been
// received: on sockets that this package made, that carry messages, and whose end
// shows.
func (s *Socket) Batches() bool { return !s.foreign && !s.IsStream() && !s.showsNoEnd() }

// TryRecvBatch receives as many messages as there are and b has, each as TryRecv
// does without flags, and returns how many. With an error it is none.
func (s *Socket) TryRecvBatch(b *Batch) (n int, err error) {
	if err := s.takeDeferred(); err != nil {
		return 0, err
	}
	b.headers = b.headers[:0]
	for _, m := range b.Messages {
		m.partial = false
		m.reset()
		m.header.prepare(s, m.Buffers, m.header.space(s, m.Space))
		b.headers = append(b.headers, mmsghdr{msg: m.header.msg})
	}
	flags := s.recvFlags()
	n, err = sys.Retry(func() (int, error) { return recvmmsg(s.fd, b.headers, flags) })
	if err == unix.EAGAIN {
		return 0, err
	}
	if err != nil {
		return 0, os.NewSyscallError("recvmmsg", err)
	}
	for i := range n {
		m, h := b.Messages[i], &b.headers[i]
		m.header.from.Len = h.msg.Namelen
		control := m.header.space(s, m.Space)[:h.msg.Controllen]
		err := s.received(m, m.Buffers, flags, int(h.len), control, int(h.msg.Flags))
		if err == io.EOF && i > 0 {
			s.deferred = err // after what came before it
			n = i
			break
		}
		if err != nil {
			return 0, err
		}
	}
	s.noteReceived(n)
	return n, nil
}
