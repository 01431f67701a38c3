// Package lines makes and writes the lines of the process. A Writer numbers and writes
// all of them; a Maker makes those of received messages.
//
//   - writer.go: taking and numbering lines, waiting for room, and flushing
//   - destination.go: writing to the reader, and its progress
//   - large.go: lines that become JSON while they are written
//   - maker.go, sink.go: the lines of received messages
//   - unsaved.go: what was to be saved and was not
//
// Whenever no more lines are waiting to be written, the reader can see all that have been
// made. Under load, lines are gathered into large writes. A slow reader makes the callers
// of the Writer wait, and thereby the receiving and finally the senders. No line is
// dropped.
//
// # What the kernel and the Go runtime do that shaped it
//
// A write to standard output that fails with EPIPE kills a Go process, unless it has asked
// to be notified of SIGPIPE (os/signal). A user of this package that wants the error has
// to do that. Ignoring the signal would not do, since COMMAND would inherit that.
//
// O_APPEND makes one write(2) to a regular file whole beside those of other processes, but
// several writes are several: a line goes to a regular file with one write, and to anything
// else in parts, whose progress tells a slow reader from one that has stopped.
//
// write(2) alone does not tell in time that the reader has gone: if there is nothing to
// write, the descriptor has to be polled for EPOLLERR or EPOLLHUP, which the user of this
// package does.
package lines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"fdmsg/fdio/record"
)

const (
	// flushSize is the number of bytes that are written even if they are not flushed.
	flushSize = 64 << 10
	// flushDelay is the longest time that a line waits to be written with others.
	flushDelay = 2 * time.Millisecond
	// pendingLimit is how many bytes may wait to be written. If there are as many, the
	// next line has to wait. The line that exceeds the limit is still taken.
	pendingLimit = 1 << 20
	// grace is how long the reader of the lines may read nothing after the run is to
	// end.
	grace = time.Second
)

// ErrStalled is the cause of a LostError if the reader has stopped reading.
var ErrStalled = errors.New("the reader of the output does not read")

// LostError says how many lines could not be written, and why.
type LostError struct {
	Name  string // of the file that they were to be written to
	Lines int
	Err   error
}

func (e *LostError) Error() string {
	if e.Lines == 1 {
		return fmt.Sprintf("%s: write: %v: 1 line was not written", e.Name, e.Err)
	}
	return fmt.Sprintf("%s: write: %v: %d lines were not written", e.Name, e.Err, e.Lines)
}

func (e *LostError) Unwrap() error { return e.Err }

// Writer numbers lines and writes them in the order of their numbers. Many goroutines may
// use it at once. If writing never waits for a reader, the goroutine that flushes lines
// also writes them; otherwise a goroutine of the Writer does.
type Writer struct {
	to     destination
	failed func()

	mu      sync.Mutex
	work    sync.Cond // signaled when there is something to write, or on Close
	room    sync.Cond // signaled when there is room for lines, large lines are written, or no more will be written
	pending pending
	spare   []byte // memory of the last pending lines
	seq     uint64
	written uint64 // number of the last line that is written
	flush   flushing
	busy    bool // a write is in progress
	making  bool // a piece of a large line is being made
	loss    loss
	closed  bool // Close was called
	done    bool // no more will be written
}

// pending are lines that wait to be written.
type pending struct {
	text  []byte
	large []largeLine
	lines int
	last  uint64 // number of the last line
}

// flushing says when the pending lines are to be written.
type flushing struct {
	due   bool        // now
	timer *time.Timer // or when this expires
	armed bool        // the timer is running
}

// loss says what could not be written.
type loss struct {
	err   error
	lines int
	isSet atomic.Bool // err is set
}

// New returns a Writer that writes lines to w. It calls failed once if writing fails. The
// caller must call Close.
func New(w io.Writer, failed func()) *Writer {
	o := &Writer{failed: failed}
	o.to.init(w)
	o.work.L, o.room.L = &o.mu, &o.mu
	go o.run()
	return o
}

// Write takes one line, as its type and what package record appends after the head, and
// flushes. It returns the number of the line, or an error if an earlier line could not be
// written, in which case this one is lost too.
func (o *Writer) Write(typ string, body []byte) (seq uint64, err error) {
	b := Block{text: body, ends: []int{len(body)}}
	seq, err = o.Append(typ, &b)
	o.Flush()
	return seq, err
}

// Append takes the lines of a block, all of one type, and returns the number of the first.
// They are written when Flush is called, or after flushDelay. The caller may reuse the
// block. The error is that of Write.
func (o *Writer) Append(typ string, b *Block) (first uint64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.awaitRoom(len(b.ends)); err != nil {
		return 0, err
	}
	first = o.seq + 1
	start := 0
	for _, end := range b.ends {
		o.seq++
		o.pending.text = record.AppendHead(o.pending.text, typ, o.seq)
		o.pending.text = append(o.pending.text, b.text[start:end]...)
		start = end
	}
	o.taken(len(b.ends))
	switch {
	case len(o.pending.text) < flushSize:
		o.flushLater()
	case o.to.prompt && !o.busy:
		o.writeHere()
	default:
		o.wake()
	}
	return first, nil
}

// lose counts lines as lost that are not made because an earlier one could not be
// written.
func (o *Writer) lose(lines int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.loss.lines += lines
}

// taken counts lines that have been added to the pending ones.
func (o *Writer) taken(lines int) {
	o.pending.lines += lines
	o.pending.last = o.seq
}

// awaitRoom waits until there is room for lines. If it returns an error, they are lost.
func (o *Writer) awaitRoom(lines int) error {
	for len(o.pending.text) >= pendingLimit && o.loss.err == nil {
		o.room.Wait()
	}
	if o.loss.err != nil {
		o.loss.lines += lines
	}
	return o.loss.err
}

// Flush has all lines that have been taken written as soon as possible.
func (o *Writer) Flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pending.lines == 0 || o.loss.err != nil {
		return
	}
	if o.flush.armed && o.flush.timer.Stop() { // the timer has nothing left to do
		o.flush.armed = false
	}
	if o.busy || !o.to.prompt {
		o.wake()
		return
	}
	o.writeHere()
}

// wake makes the goroutine of the Writer write what is pending.
func (o *Writer) wake() {
	o.flush.due = true
	o.work.Signal()
}

// writeHere writes what is pending, and leaves what has come in the meantime to the
// goroutine of the Writer.
func (o *Writer) writeHere() {
	o.write()
	if o.flush.due || o.closed {
		o.work.Signal()
	}
}

// flushLater flushes after flushDelay, even if the caller does not.
func (o *Writer) flushLater() {
	if o.flush.armed {
		return
	}
	o.flush.armed = true
	if o.flush.timer != nil {
		o.flush.timer.Reset(flushDelay)
		return
	}
	o.flush.timer = time.AfterFunc(flushDelay, func() {
		o.mu.Lock()
		o.flush.armed = false
		o.mu.Unlock()
		o.Flush()
	})
}

// run is the goroutine of the Writer.
func (o *Writer) run() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for o.busy || !o.flush.due && !o.closed {
			o.work.Wait()
		}
		if o.pending.lines == 0 && o.closed || o.loss.err != nil {
			o.done = true
			o.room.Broadcast()
			return
		}
		o.write()
	}
}

// write writes the pending lines. Meanwhile, the lock is released.
func (o *Writer) write() {
	p := o.pending
	o.pending = pending{text: o.spare[:0]}
	o.busy, o.flush.due, o.spare = true, false, nil
	o.to.begin(p.lines)
	o.room.Broadcast()
	o.mu.Unlock()
	err := o.put(p)
	o.mu.Lock()
	left := o.to.end()
	o.busy = false
	if cap(p.text) <= 4*pendingLimit {
		o.spare = p.text
	}
	if err != nil {
		o.fail(cause(err), left)
		return
	}
	o.written = p.last
	if len(p.large) > 0 {
		o.room.Broadcast()
	}
}

// fail records that lines of the current write and all pending lines are lost. Only the
// first failure counts.
func (o *Writer) fail(err error, lines int) {
	if o.loss.err != nil || o.done {
		return
	}
	o.loss.err = err
	o.loss.isSet.Store(true)
	o.loss.lines += lines + o.pending.lines
	o.pending = pending{}
	o.room.Broadcast()
	o.work.Signal()
	o.failed()
}

// broken reports whether lines can no longer be written.
func (o *Writer) broken() bool { return o.loss.isSet.Load() }

// Close waits until all lines are written. The error is a *LostError if some could not be
// written. Closing a nil Writer does nothing.
func (o *Writer) Close() error {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.work.Signal()
	for !o.done && o.loss.err == nil {
		o.room.Wait()
	}
	if o.loss.err != nil {
		return &LostError{o.to.name, o.loss.lines, o.loss.err}
	}
	return nil
}

// GiveUp ends all waits on the Writer if, after the end of ctx, the reader reads nothing
// for a second. A reader that has stopped would otherwise keep the process forever.
func (o *Writer) GiveUp(ctx context.Context) {
	context.AfterFunc(ctx, func() { o.failIfStalled(-1) })
}

// failIfStalled checks every second, until all is written, whether the current write has
// made progress.
func (o *Writer) failIfStalled(before int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines, progress := o.to.state()
	switch {
	case o.done || o.loss.err != nil:
	case o.busy && progress == before:
		o.fail(ErrStalled, lines)
	default:
		time.AfterFunc(grace, func() { o.failIfStalled(progress) })
	}
}

// Block is a number of lines that are given to a Writer at once.
type Block struct {
	text []byte // without the heads
	ends []int  // where the lines end in text
}

// Len returns the number of bytes of the lines.
func (b *Block) Len() int { return len(b.text) }

// Reset empties the block, and drops unusually large memory.
func (b *Block) Reset() {
	b.text, b.ends = b.text[:0], b.ends[:0]
	if cap(b.text) > largeLineSize {
		b.text = nil
	}
}

// Message adds the line of a received message.
func (b *Block) Message(m *record.Message) {
	b.text = record.AppendMessage(b.text, m)
	b.ends = append(b.ends, len(b.text))
}
