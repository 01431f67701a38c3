package descriptor

import "golang.org/x/sys/unix"

// maxSpare is how much more memory is allocated than one content needs. Small
// contents come in numbers, and share it.
const maxSpare = 1 << 20

// hugeSize is the size from which on huge pages, of 2 MiB, are worth asking for.
const hugeSize = 8 << 20

// makeRoom returns arena if it has room for what is to be read of the file, or else
// new memory. Contents that are in arena stay there: they are too large to be
// copied whenever an arena grows.
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
		// Page faults on small pages cost more than reading into them. It does not
		// matter if there are no huge pages.
		unix.Madvise(arena[:cap(arena)], unix.MADV_HUGEPAGE)
	}
	return arena
}
