package descriptor

import (
	"os"

	"golang.org/x/sys/unix"
)

// streamReader reads what has no offset: pipes, FIFOs, terminals, sockets. Before
// each read it waits until that would not block. Since another reader may be faster
// then, it reads in a way that does not block even so, where there is one.
type streamReader struct {
	fd   int
	mode uint32 // inode(7)
	read func(b []byte) (int, error)
	left int    // what the last read has left, or thrown away
	own  [2]int // a pipe to read a FIFO by way of
	owns bool
}

// newStreamReader returns a reader of fd, whose inode has that mode.
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

// next waits until there is something, and reads it into b. No bytes and no error
// are the end.
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

// readNow reads with RWF_NOWAIT, which FIFOs and terminals do not support:
// preadv2(2).
func (r *streamReader) readNow(b []byte) (int, error) {
	return unix.Preadv2(r.fd, [][]byte{b}, -1, unix.RWF_NOWAIT)
}

// useOther changes to another way of reading. FIFOs are spliced into a pipe of our
// own, which does not block; for terminals there is nothing better than read(2).
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

// readQueued reads no more than what is there, since a terminal may wait for VMIN
// bytes: termios(3).
func (r *streamReader) readQueued(b []byte) (int, error) {
	if r.mode == unix.S_IFCHR {
		b = b[:min(max(r.queued(), 1), len(b))]
	}
	return unix.Read(r.fd, b)
}

// queued returns how many bytes are there to be read, 0 if that cannot be found
// out.
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

// readStream reads until the end of file, the limit or the end of the patience.
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
