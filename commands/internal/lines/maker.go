package lines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/intake"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// ErrFailed is the error of a sink whose lines can no longer be written. Writer.Close
// returns the reason.
var ErrFailed = errors.New("the lines cannot be written")

// Content says which contents of descriptors are read and saved.
type Content struct {
	Which   descriptor.Which // empty: files, or nothing if contents are saved
	Limit   int64            // the most bytes of each descriptor
	Total   int64            // the most bytes of all descriptors of a message
	Timeout time.Duration    // for each descriptor; 0: none

	Directory *descriptor.Directory // where contents are saved; nil: nowhere
	SaveLimit int64                 // contents with more bytes are not saved

	// Reopen reports whether descriptor i is to be opened again for reading if it is
	// open for writing only. A nil function means never.
	Reopen func(i int) bool
	// Later leaves large contents in their files until their line is written.
	Later bool
}

// laterSize is the most bytes of a content that is held in memory until its line is
// written, if it can be read later. A file that is read later may have changed; with the
// default limits no content is as large.
const laterSize = 16 << 20

// maxLarge is the most large lines that are made at once.
const maxLarge = 16

// Maker makes the lines of received messages: it describes their descriptors, and reads
// and saves the contents.
type Maker struct {
	Out       *Writer // nil: no lines are made
	Inspector *descriptor.Inspector
	Content   Content
	End       context.Context // ends all reading
	Flags     int             // with which messages are received: recvmsg(2)
	Buffers   bool            // lines show the contents of each buffer
	Events    bool            // events other than messages have lines

	works   sync.Pool
	helpers chan struct{} // its capacity is the most helpers at once
	large   chan struct{} // its capacity is the most large lines made at once

	unsaved unsaved
}

// NewMaker returns a Maker. Its exported fields must be set before it is used.
func NewMaker() *Maker {
	mk := &Maker{helpers: make(chan struct{}, runtime.GOMAXPROCS(0)-1), large: make(chan struct{}, maxLarge)}
	mk.works.New = func() any { return &work{} }
	return mk
}

// Event writes the line of an event, if lines of events are wanted.
func (mk *Maker) Event(typ string, e record.Event) {
	if !mk.Events {
		return
	}
	e.Time = time.Now()
	mk.Out.Write(typ, record.AppendEvent(nil, &e))
}

// work is the memory that is needed to make the line of a message.
type work struct {
	fds         []int
	descriptors []descriptor.Descriptor
	pidfds      []descriptor.Descriptor // of SCM_PIDFD
	contents    []byte
	line        record.Line
	block       Block
	since       time.Time // from when on there are descriptors in it
}

func (mk *Maker) newWork() *work { return mk.works.Get().(*work) }

// release returns w to the pool, without unusually large memory.
func (mk *Maker) release(w *work) {
	w.block.Reset()
	w.line.Reset()
	if cap(w.contents) > largeLineSize {
		w.contents = nil
	}
	mk.works.Put(w)
}

// closeDescriptors closes the descriptors of a batch that were described.
func (mk *Maker) closeDescriptors(w *work) {
	mk.Inspector.CloseAll(w.descriptors, w.pidfds)
	w.forget()
}

// forget drops the descriptors, which somebody else closes.
func (w *work) forget() {
	clear(w.descriptors) // contents may be in memory that is no longer in use
	clear(w.pidfds)
	w.descriptors, w.pidfds, w.fds, w.contents = w.descriptors[:0], w.pidfds[:0], w.fds[:0], w.contents[:0]
}

// looked is what is known of the descriptors of one message.
type looked struct{ descriptors, pidfds []descriptor.Descriptor }

// look describes the descriptors of a message, and reads and saves their contents. From
// then on w owns them.
func (mk *Maker) look(w *work, m *intake.Message) looked {
	firstFD, firstPidfd := len(w.descriptors), len(w.pidfds)
	for c := range cmsg.Messages(m.Control) {
		before := len(w.fds)
		w.fds = c.Descriptors(w.fds)
		list := &w.descriptors
		if c.Type == unix.SCM_PIDFD {
			list = &w.pidfds
		}
		for _, fd := range w.fds[before:] {
			*list = mk.Inspector.AppendDescription(*list, fd)
		}
	}
	l := looked{w.descriptors[firstFD:], w.pidfds[firstPidfd:]}
	w.contents = mk.Content.Read(mk.End, mk.Inspector, m.Number, l.descriptors, w.contents)
	if mk.Content.Directory != nil {
		mk.unsaved.note(m, l.descriptors)
	}
	return l
}

// Read reads and saves the contents of the descriptors of message number, as far as they
// are wanted. It appends them to memory, and returns that or new memory.
func (c *Content) Read(ctx context.Context, in *descriptor.Inspector, number int64, descriptors []descriptor.Descriptor, memory []byte) []byte {
	options := descriptor.ReadOptions{Which: cmp.Or(c.Which, descriptor.Files), Timeout: c.Timeout}
	if c.Directory != nil {
		options.Which = cmp.Or(c.Which, descriptor.Nothing)
		options.Save = &descriptor.SaveOptions{Directory: c.Directory, Which: descriptor.Files, Limit: c.SaveLimit}
		if options.Which == descriptor.All {
			options.Save.Which = descriptor.All
		}
	}
	if c.Later {
		options.Defer = laterSize
	}
	left := c.Total
	for i := range descriptors {
		if options.Save != nil {
			options.Save.Name = fmt.Sprintf("%d-%d", number, i)
		}
		options.Reopen = c.Reopen != nil && c.Reopen(i)
		options.Limit = min(c.Limit, left)
		memory = in.Read(ctx, &descriptors[i], memory, options)
		left -= descriptors[i].Content.Size()
	}
	return memory
}

// maxEscape is the most bytes of JSON that one byte of text can become.
const maxEscape = len(`\u0000`)

// isLarge reports whether the line may be longer than largeLineSize.
func (l *looked) isLarge(m *intake.Message) bool {
	size := int64(m.N)
	for i := range l.descriptors {
		size += l.descriptors[i].Content.Size()
	}
	return int64(maxEscape)*size > largeLineSize
}
