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

// ErrFailed is the error of a sink whose lines can no longer be written; the Writer
// says why.
var ErrFailed = errors.New("the lines cannot be written")

// Content says what is read of descriptors, and what is saved.
type Content struct {
	Which   descriptor.Which // empty: files; nothing where they are saved
	Limit   int64            // bytes of each
	Total   int64            // bytes of all in a message
	Timeout time.Duration    // for each; 0: none

	Directory *descriptor.Directory // to save in; nil: nothing is saved
	SaveLimit int64                 // bytes; what has more is not saved

	// Reopen reports whether descriptor i is opened again where it is open for
	// writing only. A nil function says never.
	Reopen func(i int) bool
	// Later leaves large contents in their files until their line is written.
	Later bool
}

// laterSize is the largest content that is held in memory while its line waits to be
// written, where there is a choice. Files may change meanwhile; with the limits that
// there are by default, none is as large.
const laterSize = 16 << 20

// maxLarge is how many large lines are made at once.
const maxLarge = 16

// Maker makes the lines of received messages: it describes their descriptors, and
// reads and saves what is in them.
type Maker struct {
	Out       *Writer // nil: no lines are made
	Inspector *descriptor.Inspector
	Content   Content
	End       context.Context // ends all reading
	Flags     int             // that messages are received with: recvmsg(2)
	Buffers   bool            // what each of several buffers holds is shown
	Events    bool            // lines of what happens besides messages are written
	Silent    bool            // nobody sees the lines

	works   sync.Pool
	helpers chan struct{} // as many as may make lines at once, beside those who receive
	large   chan struct{} // as many large lines as are being made

	mu      sync.Mutex
	unsaved error // the first content that should have been saved and was not, where no line says so
}

// NewMaker makes a Maker; its exported fields are to be set before it is used.
func NewMaker() *Maker {
	mk := &Maker{helpers: make(chan struct{}, runtime.GOMAXPROCS(0)-1), large: make(chan struct{}, maxLarge)}
	mk.works.New = func() any { return &work{} }
	return mk
}

// Unsaved is the first content that should have been saved and was not, where there
// was no line to say so.
func (mk *Maker) Unsaved() error {
	mk.mu.Lock()
	defer mk.mu.Unlock()
	return mk.unsaved
}

// Event writes the line of something that happened, if such lines are wanted.
func (mk *Maker) Event(typ string, e record.Event) {
	if !mk.Events {
		return
	}
	e.Time = time.Now()
	mk.Out.Write(typ, record.AppendEvent(nil, &e))
}

// work is what making the line of a message takes up.
type work struct {
	fds         []int
	descriptors []descriptor.Descriptor
	pidfds      []descriptor.Descriptor // of SCM_PIDFD
	contents    []byte
	line        record.Line
	block       Block
}

func (mk *Maker) newWork() *work { return mk.works.Get().(*work) }

// release gives w back, and unusually large memory to the garbage collector.
func (mk *Maker) release(w *work) {
	w.block.Reset()
	w.line.Reset()
	if cap(w.contents) > largeLineSize {
		w.contents = nil
	}
	mk.works.Put(w)
}

// closeDescriptors closes what was described of a batch.
func (mk *Maker) closeDescriptors(w *work) {
	mk.Inspector.CloseAll(w.descriptors, w.pidfds)
	w.forget()
}

// forget forgets descriptors that somebody else closes.
func (w *work) forget() {
	clear(w.descriptors) // contents may be in other memory than now
	clear(w.pidfds)
	w.descriptors, w.pidfds, w.fds, w.contents = w.descriptors[:0], w.pidfds[:0], w.fds[:0], w.contents[:0]
}

// looked is what is known of the descriptors of one message.
type looked struct{ descriptors, pidfds []descriptor.Descriptor }

// look describes the descriptors of a message, and reads and saves what is in them.
// They are w's to close from then on.
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
	if mk.Silent && mk.Content.Directory != nil {
		mk.noteUnsaved(m.Number, l.descriptors)
	}
	return l
}

func (mk *Maker) noteUnsaved(number int64, descriptors []descriptor.Descriptor) {
	err := Unsaved(descriptors)
	if err == nil {
		return
	}
	mk.mu.Lock()
	defer mk.mu.Unlock()
	if mk.unsaved == nil {
		mk.unsaved = fmt.Errorf("message %d: %w", number, err)
	}
}

// Read reads and saves what is in the descriptors of message number, as far as it is
// wanted, and reads into memory or into new memory, which it returns.
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

// Unsaved is an error where descriptors could not be read or saved, for where no line
// says so.
func Unsaved(descriptors []descriptor.Descriptor) error {
	failed, first := 0, error(nil)
	for i := range descriptors {
		err := descriptors[i].Content.Err
		if err == nil {
			continue
		}
		if failed++; failed == 1 {
			first = fmt.Errorf("descriptor %d: %w", i, err)
		}
	}
	if failed > 1 {
		first = fmt.Errorf("%w (and %d more)", first, failed-1)
	}
	return first
}

// maxEscape is how many bytes of JSON one byte of text can become.
const maxEscape = len(`\u0000`)

// isLarge reports whether the line may be longer than largeLineSize.
func (l *looked) isLarge(m *intake.Message) bool {
	size := int64(m.N)
	for i := range l.descriptors {
		size += l.descriptors[i].Content.Size()
	}
	return int64(maxEscape)*size > largeLineSize
}
