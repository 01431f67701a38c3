// Package lines writes the lines of a process: Writer is the one place that they
// all go through, and Maker makes the lines of received messages.
//
//   - writer.go: taking lines, numbering them, waiting for room; when they are flushed
//   - destination.go: writing to the reader, and noticing that it has stopped or gone
//   - large.go: lines that are turned into JSON while they are written
//   - maker.go, sink.go: the lines of received messages
//
// A line is visible to the reader whenever nothing more is waiting to be written.
// Under load lines are gathered into large writes. A reader that is slow makes the
// writer's callers wait, and so the receiving, and in the end the senders; nothing
// is dropped.
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
	// flushSize is how many bytes are gathered before they are written, flushed or
	// not.
	flushSize = 64 << 10
	// flushDelay is how long a line waits at most for others to be written with.
	flushDelay = 2 * time.Millisecond
	// pendingLimit is how many bytes may wait to be written before the next line
	// has to wait for room. The line that goes beyond is still taken.
	pendingLimit = 1 << 20
	// grace is how long, once the run is to end, the reader of the lines may take
	// nothing before it is given up.
	grace = time.Second
)

// ErrStalled is the cause of a LostError where the reader did not read to the end.
var ErrStalled = errors.New("the reader of the output does not read")

// LostError says how many lines were not written, and why.
type LostError struct {
	Name  string // of what they were to be written to
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

// Writer writes lines, whole, and numbered in the order in which they are written.
// It may be used by many goroutines at once. Who flushes lines writes them, where
// writing never waits for a reader; otherwise a goroutine of the Writer's does.
type Writer struct {
	to     destination
	failed func()

	mu      sync.Mutex
	work    sync.Cond // there is something to write, or to end
	room    sync.Cond // there is room for more lines, large lines are written, or nothing will be written any more
	pending pending
	spare   []byte // memory of the last pending lines
	seq     uint64
	written uint64 // the last line of the last write that succeeded
	flush   flushing
	busy    bool // a write is under way
	making  bool // a piece of a large line is being made
	loss    loss
	closed  bool // nothing more comes
	done    bool // nothing more will be written
}

// pending are lines that wait to be written.
type pending struct {
	text  []byte
	large []largeLine
	lines int
	last  uint64 // number of the last line
}

// flushing says when the pending lines are written.
type flushing struct {
	due   bool        // now
	timer *time.Timer // at the latest when this ends
	armed bool        // the timer is running
}

// loss is what could not be written.
type loss struct {
	err   error
	lines int
	isSet atomic.Bool // err is set
}

// New begins to write lines to w. failed is called once when writing fails. Close
// ends it.
func New(w io.Writer, failed func()) *Writer {
	o := &Writer{failed: failed}
	o.to.init(w)
	o.work.L, o.room.L = &o.mu, &o.mu
	go o.run()
	return o
}

// Write takes one line, and flushes: its type, and what the record package gives
// after the head. It returns the number of the line, or an error where an earlier
// line could not be written; then this one is lost too.
func (o *Writer) Write(typ string, body []byte) (seq uint64, err error) {
	b := Block{text: body, ends: []int{len(body)}}
	seq, err = o.Append(typ, &b)
	o.Flush()
	return seq, err
}

// Append takes the lines of a block, all of one type, and returns the number of the
// first. They are written when Flush is called, or soon after. The block is the
// caller's again.
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

// Lose counts lines as lost that are not made any more, since an earlier one could
// not be written.
func (o *Writer) Lose(lines int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.loss.lines += lines
}

// taken counts lines that have been added to the pending ones.
func (o *Writer) taken(lines int) {
	o.pending.lines += lines
	o.pending.last = o.seq
}

// awaitRoom waits until there is room for lines. With an error they are lost.
func (o *Writer) awaitRoom(lines int) error {
	for len(o.pending.text) >= pendingLimit && o.loss.err == nil {
		o.room.Wait()
	}
	if o.loss.err != nil {
		o.loss.lines += lines
	}
	return o.loss.err
}

// Flush makes what has been taken visible to the reader as soon as that can be.
func (o *Writer) Flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pending.lines == 0 || o.loss.err != nil {
		return
	}
	if o.flush.armed && o.flush.timer.Stop() { // it would wake a thread for nothing
		o.flush.armed = false
	}
	if o.busy || !o.to.prompt {
		o.wake()
		return
	}
	o.writeHere()
}

// wake has the Writer's goroutine write what is pending.
func (o *Writer) wake() {
	o.flush.due = true
	o.work.Signal()
}

// writeHere writes what is pending, and leaves to the goroutine what has come
// meanwhile.
func (o *Writer) writeHere() {
	o.write()
	if o.flush.due || o.closed {
		o.work.Signal()
	}
}

// flushLater flushes soon, whatever becomes of who took the lines.
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

// run writes what nobody else does.
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

// write writes the pending lines, with the lock released meanwhile.
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

// fail records that lines of the write under way were lost, and all that are
// pending. Only the first failure counts.
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

// Broken reports whether lines can no longer be written.
func (o *Writer) Broken() bool { return o.loss.isSet.Load() }

// Close waits until every line is written. The error is a *LostError if some were
// not. A nil Writer has none.
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

// GiveUp makes every wait on the Writer end when, after the end of ctx, the reader
// takes nothing for a second: one that has stopped reading would otherwise keep the
// process forever.
func (o *Writer) GiveUp(ctx context.Context) {
	context.AfterFunc(ctx, func() { o.failIfStalled(-1) })
}

// failIfStalled looks once in a while, until all is written, whether the write
// under way has come further than before.
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

// Block are lines that are given to a Writer at once.
type Block struct {
	text []byte // without the heads
	ends []int
}

// Len is how many bytes the lines have.
func (b *Block) Len() int { return len(b.text) }

// Reset makes the block empty. Unusually large memory goes to the garbage collector.
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
