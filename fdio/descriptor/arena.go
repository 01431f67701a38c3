package descriptor

import "golang.org/x/sys/unix"

// maxSpare is how much memory is made beyond what one content needs: small ones
// come in numbers, and are to share it.
const maxSpare = 1 << 20

// hugeSize is from how many bytes on memory is worth huge pages, which are 2 MiB.
const hugeSize = 8 << 20

// makeRoom returns arena if it has room for what is to be read of the file, else
// new memory. What is in arena stays where it is: contents are too large to be
// copied as an arena grows.
func (d *Descriptor) makeRoom(arena []byte, limit int64) []byte {
	if d.Kind.row().content != wholeFile || d.Inode.Size <= 0 {
		return arena
	}
	want := int(min(d.Inode.Size, limit)) + 1 // to see that this is the end
	if cap(arena)-len(arena) >= want {
		return arena
	}
	arena = make([]byte, 0, max(want, min(2*cap(arena), maxSpare)))
	if cap(arena) >= hugeSize {
		// Faults on small pages cost more than to read into them. Where that
		// cannot be had, nothing is lost.
		unix.Madvise(arena[:cap(arena)], unix.MADV_HUGEPAGE)
	}
	return arena
}
