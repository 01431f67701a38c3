package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fdmsg/fdio/record"
)

// output is the one line writer: every line of a process goes through it,
// whole, numbered in the order in which it is written. Lines are gathered until
// somebody flushes, who then writes them where that cannot wait for a reader.
// Otherwise a goroutine of its own does, and lines that come meanwhile are
// gathered for the next write. When too much is waiting, write waits, and so the
// receiving.
type output struct {
	w      io.Writer
	name   string
	part   int  // the most bytes of one write, 0: any number
	prompt bool // writing waits for nobody
	failed func()

	mu       sync.Mutex
	waiting  sync.Cond // there are lines to write, or it is the end
	room     sync.Cond // there is room for more lines, or nothing more is written
	pending  []byte
	lines    int          // in pending
	making   bool         // what becomes of a large value is being made
	apart    record.Apart // large values of them, which their writers hold
	spare    []byte       // what pending was before, to be filled again
	seq      uint64
	written  uint64 // the last line that is written, as far as one write ended with it
	err      error
	isBroken atomic.Bool // err is set
	lost     int         // lines that were not written
	flushing bool        // what is pending is to be written
	busy     bool        // a write is under way
	writing  int         // lines in it, as far as it is not done
	progress int         // how often a part of one has been written
	timer    *time.Timer // flushes what nobody else has flushed
	later    bool        // and is running
	closed   bool
	finished bool // nothing more will be written
}

// flushLimit is how many bytes are gathered before they are written, flushed or
// not.
const flushLimit = 64 << 10

// flushDelay is how long a line may wait for the next one of the same connection
// to be made.
const flushDelay = 2 * time.Millisecond

// pendingLimit is how many bytes may wait to be written before the next line
// waits. The line that goes beyond is still taken.
const pendingLimit = 1 << 20

// errStalled says that the reader of the output did not read to the end.
var errStalled = errors.New("the reader of the output does not read")

// lostError says how many lines were not written, and why.
type lostError struct {
	name  string
	lines int
	err   error
}

func (e *lostError) Error() string {
	if e.lines == 1 {
		return fmt.Sprintf("%s: write: %v: 1 line was not written", e.name, e.err)
	}
	return fmt.Sprintf("%s: write: %v: %d lines were not written", e.name, e.err, e.lines)
}

func (e *lostError) Unwrap() error { return e.err }

// newOutput begins to write lines to w, and calls failed when that fails. close
// ends it.
func newOutput(w io.Writer, failed func()) *output {
	o := &output{w: w, name: "standard output", failed: failed, part: 64 << 10}
	if file, ok := w.(*os.File); ok {
		if file != os.Stdout {
			o.name = file.Name()
		}
		if fi, err := file.Stat(); err == nil && fi.Mode().IsRegular() {
			o.part = 0 // whole lines stay whole beside those of others who append
		}
	}
	o.waiting.L, o.room.L = &o.mu, &o.mu
	go o.run()
	return o
}

// write takes one line, and flushes: its type, and what the record package gives
// after the head. It returns the number of the line, or an error when an earlier
// one could not be written; then this one is lost, too.
//
// What apart has of the line is written in pieces that are made one by one, and is
// the caller's again when write returns: that is when the line is written.
func (o *output) write(typ string, body []byte, apart ...record.Value) (seq uint64, err error) {
	seq, err = o.gather(typ, body, apart...)
	o.flush()
	return seq, err
}

// gather is write for those who flush before they wait for something.
func (o *output) gather(typ string, body []byte, apart ...record.Value) (seq uint64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.awaitRoom(1); err != nil {
		return 0, err
	}
	o.seq++
	seq = o.seq
	o.pending = record.AppendHead(o.pending, typ, seq)
	for _, v := range apart {
		v.At += len(o.pending)
		o.apart = append(o.apart, v)
	}
	o.pending = append(o.pending, body...)
	o.lines++
	if len(apart) > 0 {
		o.flushing = true
		o.waiting.Signal()
		for o.written < seq && (o.err == nil || o.making) {
			o.room.Wait()
		}
		if o.written < seq { // it is counted as lost
			return 0, o.err
		}
		return seq, nil
	}
	o.gathered()
	return seq, nil
}

// gatherBundle is gather of several lines at once.
func (o *output) gatherBundle(typ string, b *bundle) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.awaitRoom(len(b.ends)); err != nil {
		return err
	}
	start := 0
	for _, end := range b.ends {
		o.seq++
		o.pending = record.AppendHead(o.pending, typ, o.seq)
		o.pending = append(o.pending, b.lines[start:end]...)
		start = end
	}
	o.lines += len(b.ends)
	o.gathered()
	return nil
}

// awaitRoom waits until there is room for lines. With an error they are lost.
func (o *output) awaitRoom(lines int) error {
	for len(o.pending) >= pendingLimit && o.err == nil {
		o.room.Wait()
	}
	if o.err != nil {
		o.lost += lines
	}
	return o.err
}

// gathered sees to it that what has been gathered is written in time.
func (o *output) gathered() {
	switch {
	case len(o.pending) < flushLimit:
		o.flushLater()
	case o.prompt && !o.busy:
		o.writePromptly()
	default:
		o.flushing = true
		o.waiting.Signal()
	}
}

// flush makes what has been taken visible to the reader as soon as that can be.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lines == 0 || o.err != nil {
		return
	}
	if o.later && o.timer.Stop() { // to no purpose it would wake a thread
		o.later = false
	}
	if o.busy || !o.prompt {
		o.flushing = true
		o.waiting.Signal()
		return
	}
	o.writePromptly()
}

// writePromptly writes what is pending, which waits for nobody, and leaves to run
// what has come meanwhile.
func (o *output) writePromptly() {
	o.writePending()
	if o.flushing || o.closed {
		o.waiting.Signal()
	}
}

// flushLater flushes soon, whatever becomes of who gathers.
func (o *output) flushLater() {
	if o.later {
		return
	}
	o.later = true
	if o.timer != nil {
		o.timer.Reset(flushDelay)
		return
	}
	o.timer = time.AfterFunc(flushDelay, func() {
		o.mu.Lock()
		o.later = false
		o.mu.Unlock()
		o.flush()
	})
}

// run writes what is flushed, unless who flushed it does.
func (o *output) run() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for o.busy || !o.flushing && !o.closed {
			o.waiting.Wait()
		}
		if o.lines == 0 && o.closed || o.err != nil {
			o.finished = true
			o.room.Broadcast()
			return
		}
		o.writePending()
	}
}

// writePending writes the lines that are pending, with o.mu released meanwhile.
func (o *output) writePending() {
	buf, apart, last := o.pending, o.apart, o.seq
	o.pending, o.apart, o.writing, o.lines = o.spare[:0], nil, o.lines, 0
	o.busy, o.flushing = true, false
	o.room.Broadcast()
	o.mu.Unlock()
	err := o.put(buf, apart)
	o.mu.Lock()
	left := o.writing
	o.spare, o.writing, o.busy = nil, 0, false
	if cap(buf) <= 4*pendingLimit {
		o.spare = buf
	}
	if err != nil {
		o.failLocked(cause(err), left)
		return
	}
	o.written = last
	if len(apart) > 0 {
		o.room.Broadcast()
	}
}

// put writes buf, with what is apart of it where that belongs.
func (o *output) put(buf []byte, apart record.Apart) error {
	if o.part == 0 && len(apart) > 0 {
		if err := o.startMaking(); err != nil {
			return err
		}
		whole := record.Whole(buf, apart)
		o.endMaking()
		return o.putText(whole)
	}
	done := 0
	for _, v := range apart {
		if err := o.putText(buf[done:v.At]); err != nil {
			return err
		}
		if err := o.putValue(v); err != nil {
			return err
		}
		done = v.At
	}
	return o.putText(buf[done:])
}

// putText writes b, in which lines end.
func (o *output) putText(b []byte) error { return o.putParts(b, true) }

// putParts writes b, in parts that a slow reader can be seen to take.
func (o *output) putParts(b []byte, linesEnd bool) (err error) {
	for len(b) > 0 && err == nil {
		part := b
		if o.part > 0 {
			part = part[:min(len(part), o.part)]
		}
		var n int
		n, err = o.w.Write(part)
		n = max(n, 0)
		o.mu.Lock()
		o.progress++
		if linesEnd {
			o.writing -= bytes.Count(part[:n], []byte{'\n'})
		}
		o.mu.Unlock()
		b = b[n:]
	}
	return err
}

// cause is why a write failed, without its operation and path.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// fail records that lines of the write under way were lost, all of them where
// that is below zero, and all that are pending. Only the first failure counts.
func (o *output) fail(err error, lines int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failLocked(err, lines)
}

func (o *output) failLocked(err error, lines int) {
	if o.err != nil || o.finished {
		return
	}
	o.err = err
	o.isBroken.Store(true)
	if lines < 0 {
		lines = o.writing
	}
	o.lost += lines + o.lines
	o.pending, o.lines = nil, 0
	o.room.Broadcast()
	o.waiting.Signal()
	o.failed()
}

// close waits until every line is written and returns a *lostError if some
// were not. A nil output has none.
func (o *output) close() error {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.waiting.Signal()
	for !o.finished && o.err == nil {
		o.room.Wait()
	}
	if o.err != nil {
		return &lostError{o.name, o.lost, o.err}
	}
	return nil
}

// broken reports whether lines can no longer be written.
func (o *output) broken() bool { return o.isBroken.Load() }

// giveUp makes every wait on the output end when, after the end of ctx, its
// reader takes nothing for a grace period: one that has stopped reading would
// otherwise keep the process forever.
func (o *output) giveUp(ctx context.Context) {
	context.AfterFunc(ctx, func() { o.failIfStalled(-1) })
}

// failIfStalled looks once in a grace period, until all is written, whether the
// write under way has come further than before.
func (o *output) failIfStalled(before int) {
	writing, progress, over := o.state()
	switch {
	case over:
	case writing && progress == before:
		o.fail(errStalled, -1)
	default:
		time.AfterFunc(grace, func() { o.failIfStalled(progress) })
	}
}

func (o *output) state() (writing bool, progress int, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writing > 0, o.progress, o.finished || o.err != nil
}
