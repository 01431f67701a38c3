package descriptor

import (
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fileReader reads a file with pread(2).
type fileReader struct {
	fd     int
	direct bool   // O_DIRECT
	blocks []byte // to read into then
}

func newFileReader(fd, flags int) fileReader {
	return fileReader{fd: fd, direct: flags&unix.O_DIRECT != 0}
}

// Every file system accepts this alignment of offsets, sizes and memory for
// O_DIRECT: open(2).
const (
	blockSize  = pageSize
	blocksSize = 16 * blockSize
)

// read reads at offset. A file that is open with O_DIRECT is read in whole blocks.
func (r *fileReader) read(b []byte, offset int64) (int, error) {
	if !r.direct {
		return unix.Pread(r.fd, b, offset)
	}
	if r.blocks == nil {
		memory := make([]byte, blocksSize+blockSize)
		skip := -int(uintptr(unsafe.Pointer(&memory[0]))) & (blockSize - 1)
		r.blocks = memory[skip : skip+blocksSize]
	}
	start := offset &^ (blockSize - 1)
	n, err := unix.Pread(r.fd, r.blocks, start)
	return copy(b, r.blocks[min(int(offset-start), max(n, 0)):max(n, 0)]), err
}

// readFull reads at offset until b is full or the file ends.
func (r *fileReader) readFull(b []byte, offset int64) (n int, err error) {
	for n < len(b) {
		_, got, err := appendRead(b[:n:len(b)], int64(len(b)-n), func(b []byte) (int, error) {
			return r.read(b, offset+int64(n))
		})
		n += got
		if err != nil || got == 0 {
			return n, err
		}
	}
	return n, nil
}

// maxRead is how much one read asks for at most. After each, the time is checked.
const maxRead = 1 << 20

// readChunk is how much a read asks for if the size of the file says nothing.
const readChunk = 64 << 10

const pageSize = 4096

// readFile reads with pread(2) until the end of file, or one byte beyond the limit,
// which shows that there is more. A short read that ends where the size says is the
// end. If reads may block (mayWait), the file is polled before each, and read in
// whole pages, since some files do not return parts of records.
func (d *Descriptor) readFile(p patience, arena []byte, limit int64, mayWait bool) []byte {
	start := len(arena)
	r := newFileReader(d.FD, d.Flags)
	if mayWait && limit == 0 { // a read may consume it
		d.Content.Truncated = patience{ctx: p.ctx, end: time.Now()}.wait(d.FD) == nil
		return arena
	}
	for {
		done := int64(len(arena) - start)
		want := min(limit+1-done, maxRead)
		if left := d.Inode.Size - done; left < 0 || d.Inode.Size == 0 {
			want = min(want, readChunk)
		} else if left < want {
			want = left + 1 // to see that this is the end
		}
		if mayWait {
			want = min((want+pageSize-1)&^(pageSize-1), readChunk)
			if err := p.wait(d.FD); err != nil {
				d.Content.Err = err
				return arena
			}
		}
		n, err := 0, error(nil)
		arena, n, err = appendRead(arena, want, func(b []byte) (int, error) {
			return r.read(b, done)
		})
		done += int64(n)
		switch {
		case err == unix.ESPIPE && done == 0 && mayWait:
			return d.readStream(p, arena, limit)
		case err != nil:
			d.Content.Err = err
			return arena
		case done > limit:
			d.Content.Truncated = true
			return arena[:start+int(limit)]
		case n == 0, int64(n) < want && done == d.Inode.Size:
			return arena
		}
		if err := p.over(); err != nil {
			d.Content.Err = err
			return arena
		}
	}
}

// appendRead appends what one successful call of read writes into a buffer of size
// bytes.
func appendRead(arena []byte, size int64, read func([]byte) (int, error)) ([]byte, int, error) {
	arena = slices.Grow(arena, int(size))
	used := len(arena)
	for {
		n, err := read(arena[used : used+int(size)])
		if err == unix.EINTR {
			continue
		}
		n = max(n, 0)
		return arena[:used+n], n, err
	}
}
