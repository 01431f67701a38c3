package descriptor

import (
	"errors"

	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// ErrLimit says that a content is larger than may be saved.
var ErrLimit = errors.New("larger than the limit")

// noLimit is more than any file has. One more can still be counted.
const noLimit = 1<<63 - 2

// copyChunk is how much one call copies at most. After each, the time is checked.
const copyChunk = 16 << 20

// copyContents copies the content of from to the empty regular file to, holes
// included, and returns its size. A regular file is copied from its beginning to
// what its end is now, without moving its offset; anything else is read to its end.
// The error of more than limit bytes is ErrLimit.
//
// A file of size 0 may have content nevertheless, as in proc, and reading it may
// block: it is polled before each read.
func copyContents(p patience, to, from int, limit int64) (int64, error) {
	st, err := stat(from)
	if err != nil {
		return 0, err
	}
	size := int64(st.Size)
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return copyStream(p, to, from, uint32(st.Mode), limit)
	}
	flags, err := unix.FcntlInt(uintptr(from), unix.F_GETFL, 0)
	if err != nil {
		return 0, err
	}
	reader := newFileReader(from, flags)
	if size == 0 {
		done, err := copyReads(to, limit, func(b []byte, offset int64) (int, error) {
			if err := p.wait(from); err != nil {
				return 0, err
			}
			return reader.read(b, offset)
		})
		if err == unix.ESPIPE && done == 0 {
			return copyStream(p, to, from, uint32(st.Mode), limit)
		}
		return done, err
	}
	if size > limit {
		return 0, ErrLimit
	}
	c := copier{patience: p, to: to, from: from, reader: reader, end: size}
	if st.Blocks*statBlock >= st.Size { // no holes
		err := c.rangeTo(c.end)
		return c.done, err
	}
	// Looking for holes moves the offset, and so needs a description of our own.
	// Without permission to open the file again it is copied without holes.
	own, err := unix.Open(sys.ProcFD(from), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		err = c.rangeTo(c.end)
		return c.done, err
	}
	defer unix.Close(own)
	c.from, c.reader = own, newFileReader(own, 0)
	if err := c.sparse(); err != nil {
		return c.done, err
	}
	if !changed(own, &st) {
		return c.done, nil
	}
	// What looked like a hole may have been the end of a file that somebody has
	// truncated.
	if err := unix.Ftruncate(to, 0); err != nil {
		return 0, err
	}
	c.done = 0
	err = c.rangeTo(c.end)
	return c.done, err
}

// statBlock is the unit of st_blocks: stat(3type).
const statBlock = 512

// changed reports whether a file was changed since st: by its size, and by the times that
// write(2) and the like set. Of the writes through a mapping, mmap(2), only those set them
// that cause a page fault.
func changed(fd int, st *unix.Statx_t) bool {
	now, err := stat(fd)
	return err != nil || now.Size != st.Size || now.Mtime != st.Mtime || now.Ctime != st.Ctime
}

// stat returns what statx(2) says of fd.
func stat(fd int) (st unix.Statx_t, err error) {
	err = unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &st)
	return st, err
}

// copier copies a regular file.
type copier struct {
	patience
	to, from int
	reader   fileReader // of from
	end      int64      // what is appended meanwhile is not copied
	done     int64      // how far it has come
	method   int        // the index of the first of copyMethods that may work
}

// sparse copies the parts of the file that hold data, and leaves holes between
// them: SEEK_DATA of lseek(2).
func (c *copier) sparse() error {
	for c.done < c.end {
		start, err := unix.Seek(c.from, c.done, unix.SEEK_DATA)
		switch {
		case err == unix.ENXIO || err == nil && start >= c.end: // a hole to the end, or the end
			return c.holeToEnd()
		case err != nil: // not known here
			return c.rangeTo(c.end)
		}
		end, err := unix.Seek(c.from, start, unix.SEEK_HOLE)
		if err != nil || end <= start {
			end = c.end
		}
		end = min(end, c.end)
		c.done = start
		if err := c.rangeTo(end); err != nil {
			return err
		}
		if c.done < end { // it has become shorter
			return nil
		}
	}
	return nil
}

// holeToEnd makes a hole of the rest of the file.
func (c *copier) holeToEnd() error {
	end, err := unix.Seek(c.from, 0, unix.SEEK_END)
	if err != nil {
		return err
	}
	c.done = max(c.done, min(end, c.end))
	return unix.Ftruncate(c.to, c.done)
}

// copyMethods copy up to size bytes at offset c.done. Each works for more file
// systems and kinds of files than the one before, and is slower:
// copy_file_range(2), sendfile(2), pread(2).
var copyMethods = [...]func(c *copier, size int) (int, error){
	func(c *copier, size int) (int, error) {
		in, out := c.done, c.done
		return unix.CopyFileRange(c.from, &in, c.to, &out, size, 0)
	},
	func(c *copier, size int) (int, error) {
		if _, err := unix.Seek(c.to, c.done, unix.SEEK_SET); err != nil {
			return 0, err
		}
		in := c.done
		return unix.Sendfile(c.to, c.from, &in, size)
	},
	func(c *copier, size int) (int, error) {
		b := make([]byte, min(size, readChunk))
		n, err := c.reader.read(b, c.done)
		if err != nil {
			return 0, err
		}
		return n, pwriteAll(c.to, b[:n], c.done)
	},
}

// rangeTo copies up to end, or to the end of the file.
func (c *copier) rangeTo(end int64) error {
	for c.done < end {
		size := min(end-c.done, copyChunk)
		n, err := copyMethods[c.method](c, int(size))
		last := c.method == len(copyMethods)-1
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ENOSPC || err == unix.EDQUOT || err != nil && last:
			return err
		case err != nil || n == 0 && !last && c.done == 0:
			// Files of sysfs have a size, but copy_file_range(2) copies nothing.
			c.method++
			continue
		case n == 0:
			return nil
		}
		c.done += int64(n)
		c.moved()
		if err := c.over(); err != nil {
			return err
		}
	}
	return nil
}

// copyStream copies what has no offset.
func copyStream(p patience, to, from int, mode uint32, limit int64) (int64, error) {
	r := newStreamReader(from, mode)
	defer r.close()
	return copyReads(to, limit, func(b []byte, _ int64) (int, error) { return r.next(p, b) })
}

// copyReads copies what read returns for increasing offsets, until it returns
// nothing.
func copyReads(to int, limit int64, read func(b []byte, offset int64) (int, error)) (done int64, err error) {
	b := make([]byte, 1<<20)
	for {
		n, err := read(b, done)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return done, err
		case n == 0:
			return done, nil
		}
		if err := pwriteAll(to, b[:min(int64(n), limit-done)], done); err != nil {
			return done, err
		}
		if done += int64(n); done > limit {
			return limit, ErrLimit
		}
	}
}

// pwriteAll writes all of b at offset: pwrite(2).
func pwriteAll(fd int, b []byte, offset int64) error {
	for len(b) > 0 {
		n, err := sys.Retry(func() (int, error) { return unix.Pwrite(fd, b, offset) })
		if err != nil {
			return err
		}
		b, offset = b[n:], offset+int64(n)
	}
	return nil
}
