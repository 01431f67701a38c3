package lines

import (
	"bytes"

	"fdmsg/fdio/record"
)

// largeLineSize is the most bytes of a line that is not large.
const largeLineSize = 1 << 20

// largeLine is a line that becomes JSON while it is written, from memory and files that
// belong to another goroutine.
type largeLine struct {
	at   int // its place in the text of the pending lines, after its head
	line *record.Line
}

// AppendLine takes one line. If the line is large, AppendLine returns when it has been
// written, after which the caller may reuse what the line was made from. The error is that
// of Append.
func (o *Writer) AppendLine(typ string, l *record.Line) (seq uint64, err error) {
	if !l.Large() {
		text := l.Bytes()
		return o.Append(typ, &Block{text: text, ends: []int{len(text)}})
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.awaitRoom(1); err != nil {
		return 0, err
	}
	o.seq++
	seq = o.seq
	o.pending.text = record.AppendHead(o.pending.text, typ, seq)
	o.pending.large = append(o.pending.large, largeLine{len(o.pending.text), l})
	o.taken(1)
	o.wake()
	for o.written < seq && (o.loss.err == nil || o.making) {
		o.room.Wait()
	}
	if o.written < seq { // it has been counted as lost
		return 0, o.loss.err
	}
	return seq, nil
}

// put writes p.
func (o *Writer) put(p pending) error {
	switch {
	case len(p.large) == 0:
		return o.to.text(p.text, p.lines)
	case o.to.part == 0:
		return o.putWhole(p)
	}
	done := 0
	for _, l := range p.large {
		if err := o.putText(p.text[done:l.at]); err != nil {
			return err
		}
		done = l.at
		if err := o.startMaking(); err != nil {
			return err
		}
		_, err := l.line.WriteTo(pieces{o})
		o.endMaking()
		if err != nil {
			return err
		}
		o.to.lineDone()
	}
	return o.putText(p.text[done:])
}

// putText writes a part of the text of lines.
func (o *Writer) putText(b []byte) error { return o.to.text(b, bytes.Count(b, []byte{'\n'})) }

// putWhole writes p with one call.
func (o *Writer) putWhole(p pending) error {
	if err := o.startMaking(); err != nil {
		return err
	}
	var whole []byte
	done := 0
	for _, l := range p.large {
		whole = append(append(whole, p.text[done:l.at]...), l.line.Bytes()...)
		done = l.at
		o.to.advance()
	}
	o.endMaking()
	return o.to.text(append(whole, p.text[done:]...), p.lines)
}

// pieces is the io.Writer of a large line.
type pieces struct{ o *Writer }

// Write writes a piece. While it waits for the reader, no piece is made.
func (p pieces) Write(b []byte) (int, error) {
	p.o.endMaking()
	n, err := p.o.to.piece(b)
	if err == nil {
		err = p.o.startMaking()
	}
	return n, err
}

// startMaking is called before the memory or a file of a large line is read. After a
// failure it returns an error: the owner of the line may already be reusing them.
func (o *Writer) startMaking() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.making = o.loss.err == nil
	return o.loss.err
}

// endMaking is called when nothing is read until the next startMaking.
func (o *Writer) endMaking() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.making = false
	if o.loss.err != nil {
		o.room.Broadcast()
	}
}
