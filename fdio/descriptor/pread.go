package descriptor

import (
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

// Every file system takes this alignment of offsets, sizes and memory for
// O_DIRECT, and as much as is asked for at once: open(2).
const (
	blockSize  = pageSize
	blocksSize = 16 * blockSize
)

// read reads at offset. A file that is open with O_DIRECT is read in whole
// blocks.
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
