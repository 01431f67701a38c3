package lines

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
)

// destination is what lines are written to.
type destination struct {
	w    io.Writer
	name string
	// part is the most bytes of one write, 0: no limit. A limit makes the progress of
	// a slow reader visible. There is none for regular files, in which a line must
	// stay whole if other processes append lines to the same file.
	part   int
	prompt bool // writing never waits for a reader

	mu       sync.Mutex
	lines    int    // lines of the current write that are not written, except those in left
	left     []byte // text of the current write that is not written
	progress int    // number of writes and other steps that have been made
}

func (d *destination) init(w io.Writer) {
	d.w, d.name, d.part = w, "standard output", 64<<10
	if file, ok := w.(*os.File); ok {
		if file != os.Stdout {
			d.name = file.Name()
		}
		if fi, err := file.Stat(); err == nil && fi.Mode().IsRegular() {
			d.part = 0
		}
	}
}

// IsFile reports whether the lines go to a regular file.
func (o *Writer) IsFile() bool { return o.to.part == 0 }

// SetPrompt says that writing never waits for a reader, as with a local file. It must be
// called before the first line.
func (o *Writer) SetPrompt() { o.to.prompt = true }

// begin begins a write of a number of lines.
func (d *destination) begin(lines int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = lines
}

// end ends the write, and returns how many lines were not written.
func (d *destination) end() int {
	lines, _ := d.state()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines, d.left = 0, nil
	return lines
}

// state returns how many lines of the current write are not written, and how many writes
// and other steps have been made.
func (d *destination) state() (lines, progress int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lines + bytes.Count(d.left, []byte{'\n'}), d.progress
}

// text writes b, in which a number of lines end.
func (d *destination) text(b []byte, lines int) error {
	d.mu.Lock()
	d.lines -= lines
	d.left = b
	d.mu.Unlock()
	_, err := d.write(b, true)
	return err
}

// piece writes a piece of a line.
func (d *destination) piece(b []byte) (int, error) { return d.write(b, false) }

// advance counts a step that was made between two writes.
func (d *destination) advance() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress++
}

// lineDone counts a line that was written in pieces.
func (d *destination) lineDone() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines--
}

func (d *destination) write(b []byte, isText bool) (written int, err error) {
	for len(b) > 0 && err == nil {
		part := b
		if d.part > 0 {
			part = part[:min(len(part), d.part)]
		}
		var n int
		n, err = d.w.Write(part)
		n = max(n, 0)
		written += n
		b = b[n:]
		d.mu.Lock()
		d.progress++
		if isText {
			d.left = b
		}
		d.mu.Unlock()
	}
	return written, err
}

// cause returns why a write failed, without the operation and the path.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
