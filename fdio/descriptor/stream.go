package descriptor

import (
	"os"

	"golang.org/x/sys/unix"
)

// streamReader reads what has no offset: pipes, FIFOs, terminals, sockets. It
// waits before every read until that would not wait. Another reader may be
// faster then, so the read itself is one that does not wait even so, where there
// is such a one.
type streamReader struct {
	fd   int
	mode uint32 // inode(7)
	read func(b []byte) (int, error)
	left int    // what the last read has left, or thrown away
	own  [2]int // a pipe to read a FIFO by way of
	owns bool
}

func newStreamReader(fd int, mode uint32) *streamReader {
	r := &streamReader{fd: fd, mode: mode & unix.S_IFMT}
	r.read = r.readNow
	return r
}

func (r *streamReader) close() {
	if r.owns {
		unix.Close(r.own[0])
		unix.Close(r.own[1])
	}
}

// next reads into b when there is something, at most the patience long. No
// bytes and no error are the end.
func (r *streamReader) next(p patience, b []byte) (int, error) {
	for {
		if err := p.wait(r.fd); err != nil {
			return 0, err
		}
		queued := r.queued()
		n, err := r.read(b)
		switch err {
		case nil:
			r.left = queued - n // of a packet that was cut, the rest is lost: pipe(2)
			p.moved()
			return n, nil
		case unix.EOPNOTSUPP:
			if err := r.useOther(); err != nil {
				return 0, err
			}
		case unix.EINTR, unix.EAGAIN:
			if err := p.over(); err != nil {
				return 0, err
			}
		default:
			if err == unix.EIO && r.mode == unix.S_IFCHR { // a terminal whose master side is closed
				err = nil
			}
			return 0, err
		}
	}
}

// readNow reads with RWF_NOWAIT, which FIFOs and terminals do not know:
// preadv2(2).
func (r *streamReader) readNow(b []byte) (int, error) {
	return unix.Preadv2(r.fd, [][]byte{b}, -1, unix.RWF_NOWAIT)
}

// useOther finds another way to read: FIFOs are moved into a pipe of our own,
// which can be done without waiting; for terminals there is nothing better
// than read(2).
func (r *streamReader) useOther() error {
	if r.mode != unix.S_IFIFO {
		r.read = r.readQueued
		return nil
	}
	if err := unix.Pipe2(r.own[:], unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	r.owns, r.read = true, r.readSpliced
	return nil
}

// readQueued reads no more than is there: a terminal may wait for VMIN bytes,
// termios(3).
func (r *streamReader) readQueued(b []byte) (int, error) {
	if r.mode == unix.S_IFCHR {
		b = b[:min(max(r.queued(), 1), len(b))]
	}
	return unix.Read(r.fd, b)
}

// queued is how many bytes are there to be read, as far as that can be known.
func (r *streamReader) queued() int {
	n, _ := unix.IoctlGetInt(r.fd, unix.TIOCINQ)
	return n
}

// readSpliced wraps splice(2).
func (r *streamReader) readSpliced(b []byte) (int, error) {
	n, err := unix.Splice(r.fd, nil, r.own[1], nil, len(b), unix.SPLICE_F_NONBLOCK)
	if n <= 0 || err != nil {
		return 0, err
	}
	for done := 0; done < int(n); {
		read, err := unix.Read(r.own[0], b[done:n])
		if err != nil && err != unix.EINTR {
			return done, err
		}
		done += max(read, 0)
	}
	return int(n), nil
}

// readStream reads until end of file, limit or the end of patience.
func (d *Descriptor) readStream(p patience, arena []byte, limit int64) []byte {
	start := len(arena)
	r := newStreamReader(d.FD, d.Inode.Mode)
	defer r.close()
	for {
		done := int64(len(arena) - start)
		if done >= limit {
			d.Content.Truncated = r.left > 0 || r.queued() > 0
			return arena
		}
		n, err := 0, error(nil)
		arena, n, err = appendRead(arena, min(readChunk, limit-done), func(b []byte) (int, error) { return r.next(p, b) })
		switch {
		case err != nil:
			d.Content.Err = err
			return arena
		case n == 0:
			return arena
		}
		if err := p.over(); err != nil {
			d.Content.Err = err
			return arena
		}
	}
}
