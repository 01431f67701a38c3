package descriptor

import (
	"context"
	"errors"
	"time"

	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// Which says which descriptors are to be read.
type Which string

// The values of Which.
const (
	Files   Which = "files" // regular files and memfds; not where reading can block or consume
	All     Which = "all"   // those too, and pipes, FIFOs and terminals
	Nothing Which = "none"
)

// ReadOptions are the options of Read.
type ReadOptions struct {
	Which   Which
	Limit   int64         // bytes
	Timeout time.Duration // 0: none
	Save    *SaveOptions  // nil: not to a file
	Defer   int64         // a file's content of more bytes is left there: Content.Deferred; 0: none is
	Reopen  bool          // a file that is open for writing only is opened again, if that is permitted
}

// Content is what was read from a descriptor.
type Content struct {
	Read      bool      // whether it was to be read at all
	Data      []byte    // at most as much as the limit allows
	Deferred  *Deferred // instead of Data: a content that was left in its file; nil: none
	Truncated bool      // there was more
	Err       error     // why it could not be read, or not to its end

	Saved     string // the file that holds it whole
	SavedSize int64  // bytes
}

// Size returns how many bytes of the content there are, in Data or Deferred.
func (c *Content) Size() int64 {
	if c.Deferred != nil {
		return c.Deferred.Size
	}
	return int64(len(c.Data))
}

// source is how a kind of descriptor is read.
type source int

const (
	none      source = iota // never
	wholeFile               // pread(2) from offset 0
	stream                  // read(2), which consumes, as far as there is something
)

// ErrNotReadable is the error of a content whose descriptor is not open for
// reading.
var ErrNotReadable = errors.New("not open for reading")

// ErrTimeout is the error of a content that could not be read in time.
var ErrTimeout = errors.New("timed out")

// Read reads the content of a descriptor that was described into d.Content. Its
// error is in d.Content.Err, and what was read before that in d.Content.Data. The
// offset of a file, which others may share, is not moved, and O_NONBLOCK is not
// changed. When ctx ends, its cause is the error.
//
// The data is appended to arena, or to new memory where arena has no room. Read
// returns the one or the other, for the next content; arena may be nil.
//
// With o.Save, the content is first saved to a file. The timeout then begins anew
// with every byte that comes, and does not apply to local files.
func (in *Inspector) Read(ctx context.Context, d *Descriptor, arena []byte, o ReadOptions) []byte {
	source, saved := in.source(d, o.Which), none
	if o.Save != nil {
		saved = in.source(d, o.Save.Which)
	}
	d.Content.Read = source != none
	switch {
	case source == none && saved == none:
		return arena
	case !d.Readable() && o.Reopen && !d.AccessPath() && d.Kind == KindFile:
		return in.readReopened(ctx, d, arena, o)
	case !d.Readable():
		d.Content.Err = ErrNotReadable
		return arena
	case saved != none:
		return in.readSaving(ctx, d, arena, o)
	}
	return in.read(ctx, d, arena, o)
}

// readReopened reads a file that is open for writing only, as logs are.
func (in *Inspector) readReopened(ctx context.Context, d *Descriptor, arena []byte, o ReadOptions) []byte {
	own := *d
	var err error
	own.FD, err = unix.Open(sys.ProcFD(d.FD), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		d.Content.Err = ErrNotReadable
		return arena
	}
	defer in.Close(&own)
	own.Flags = own.Flags&^unix.O_ACCMODE | unix.O_RDONLY
	own.Content = Content{}
	o.Reopen, o.Defer = false, 0
	arena = in.Read(ctx, &own, arena, o)
	d.Content = own.Content
	return arena
}

func (in *Inspector) read(ctx context.Context, d *Descriptor, arena []byte, o ReadOptions) []byte {
	p := patienceOf(ctx, o.Timeout)
	if d.mayHang() {
		d.Content.Data = in.readApart(p, d, o.Limit)
		return arena
	}
	if o.Defer > 0 && d.Kind.row().content == wholeFile && min(d.Inode.Size, o.Limit) > o.Defer {
		d.lookAt(p, o.Limit)
		return arena
	}
	arena = d.makeRoom(arena, o.Limit)
	start := len(arena)
	arena = d.read(p, arena, o.Limit)
	d.Content.Data = arena[start:len(arena):len(arena)]
	return arena
}

// source returns how the descriptor is to be read.
func (in *Inspector) source(d *Descriptor, which Which) source {
	s := d.Kind.row().content
	switch {
	case which == Nothing:
		return none
	case which == All:
		if d.Kind == KindTTY && in.isControllingTerminal(d.Inode.Special) {
			return none
		}
		return s
	case s == stream || d.Kind == KindFile && d.onPseudoFileSystem():
		return none
	}
	return s
}

// mayHang reports whether a read may block in spite of a poll: for a daemon that
// does not answer, or on a terminal or a file of the kernel whose input another
// reader took.
func (d *Descriptor) mayHang() bool {
	return d.mayStall() || d.Kind == KindTTY || d.Kind == KindFile && d.onPseudoFileSystem()
}

// afterPatience is how much longer than the read the thread is waited for that
// makes it, so that what it has read by then is not lost.
const afterPatience = 100 * time.Millisecond

// readApart is read on a thread that can be left behind, into memory of its own.
func (in *Inspector) readApart(p patience, d *Descriptor, limit int64) []byte {
	own := *d
	var data []byte
	longer := p
	longer.extra = afterPatience
	err := in.stalling.run(longer, d.FD, func(fd int) {
		own.FD = fd
		data = own.read(p, own.makeRoom(nil, limit), limit)
	})
	if err != nil {
		d.Content.Err = err
		return nil
	}
	d.Content = own.Content
	return data
}

func (d *Descriptor) read(p patience, arena []byte, limit int64) []byte {
	if d.Kind.row().content == stream {
		return d.readStream(p, arena, limit)
	}
	return d.readFile(p, arena, limit, d.Kind == KindFile && d.onPseudoFileSystem())
}
