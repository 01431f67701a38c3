package lines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// pieceSize is about how many bytes a large line is written at a time.
const pieceSize = 64 << 10

// largeLineOf is a line with two large contents, and what it is as a whole.
func largeLineOf(size int) (line *record.Line, whole []byte) {
	text := bytes.Repeat([]byte("00.00 23\n\u00fc\u2028"), size/14+1)
	noText := append(bytes.Clone(text), 0xff)
	ds := []descriptor.Descriptor{
		{FD: 5, Kind: "file", Content: descriptor.Content{Read: true, Data: text}},
		{FD: 6, Kind: "file", Content: descriptor.Content{Read: true, Data: noText}},
	}
	now := time.Unix(1, 0)
	line = new(record.Line)
	line.Opened(now, ds)
	return line, record.AppendOpened(nil, now, ds)
}

// Whatever a line goes to, it is the same, whole, and in its turn.
func TestLargeLinesAreWholeBetweenOthers(t *testing.T) {
	line, whole := largeLineOf(5 * pieceSize)
	file, err := os.Create(filepath.Join(t.TempDir(), "lines"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var buf bytes.Buffer
	for _, w := range []io.Writer{&buf, file} {
		o := New(w, ignoreFailure)
		var wg sync.WaitGroup
		const each = 20
		for range 3 {
			wg.Go(func() {
				for range each {
					if seq, err := o.AppendLine("opened", line); err != nil || seq == 0 {
						t.Error(seq, err)
					}
				}
			})
			wg.Go(func() {
				for range 50 * each {
					o.Write("test", []byte("}\n"))
				}
			})
		}
		wg.Wait()
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		written := buf.Bytes()
		if w == file {
			if written, err = os.ReadFile(file.Name()); err != nil {
				t.Fatal(err)
			}
		}
		large := 0
		for i, got := range bytes.SplitAfter(bytes.TrimSuffix(written, []byte("\n")), []byte("\n")) {
			typ := "test"
			if len(got) > 100 {
				typ = "opened"
			}
			rest, ok := bytes.CutPrefix(got, record.AppendHead(nil, typ, uint64(i+1)))
			switch {
			case !ok:
				t.Fatalf("line %d begins %.60q", i+1, got)
			case typ == "test":
			case !bytes.Equal(bytes.TrimSuffix(rest, []byte("\n")), bytes.TrimSuffix(whole, []byte("\n"))):
				t.Fatalf("line %d is not what it would be as a whole", i+1)
			default:
				large++
			}
		}
		if large != 3*each {
			t.Errorf("%d large lines, want %d", large, 3*each)
		}
	}
}

// What a line was made of is the caller's again when AppendLine returns.
func TestLargeLineIsWrittenWhenAppendLineReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o := New(w, ignoreFailure)
		line, whole := largeLineOf(pieceSize)
		returned := false
		go func() {
			o.AppendLine("opened", line)
			returned = true
		}()
		read := make([]byte, len(record.AppendHead(nil, "opened", 1))+len(whole))
		if _, err := io.ReadFull(r, read[:len(read)-1]); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if returned {
			t.Error("write has returned, and the last byte is not written")
		}
		io.ReadFull(r, read[len(read)-1:])
		synctest.Wait()
		if !returned || !json.Valid(read) {
			t.Errorf("all is read, write has returned: %v, valid: %v", returned, json.Valid(read))
		}
		o.Close()
	})
}

func blockOf(line string) *Block { return &Block{text: []byte(line), ends: []int{len(line)}} }

// failingWriter takes some bytes and then fails.
type failingWriter struct{ left int }

func (w *failingWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.left)
	w.left -= n
	if n < len(b) {
		return n, unix.ENOSPC
	}
	return n, nil
}

func TestLargeLineThatIsWrittenInPartIsLost(t *testing.T) {
	line, whole := largeLineOf(3 * pieceSize)
	for _, left := range []int{0, 100, pieceSize, len(whole) / 2, len(whole)} {
		o := New(&failingWriter{left}, ignoreFailure)
		o.Append("test", blockOf("}\n"))
		if _, err := o.AppendLine("opened", line); err != unix.ENOSPC {
			t.Errorf("after %d bytes: %v", left, err)
		}
		want := "1 line was not written" // the one before it is
		if left < 10 {
			want = "2 lines were not written"
		}
		if err := o.Close(); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), want) {
			t.Errorf("after %d bytes: %v, want %s", left, err, want)
		}
	}
}

func TestLargeLineOfAStalledReaderIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o := New(w, ignoreFailure)
		ctx, cancel := context.WithCancelCause(context.Background())
		o.GiveUp(ctx)
		go func() {
			io.ReadFull(r, make([]byte, 2*pieceSize)) // and no more
			cancel(errors.New("SIGTERM"))
		}()
		line, _ := largeLineOf(5 * pieceSize)
		if _, err := o.AppendLine("opened", line); err != ErrStalled {
			t.Errorf("write: %v", err)
		}
		lost, ok := errors.AsType[*LostError](o.Close())
		if !ok || lost.Lines != 1 {
			t.Errorf("close: %v, want 1 line lost", lost)
		}
		r.Close() // the write under way fails, and nothing more is made of the values
		synctest.Wait()
	})
}

// Each large line that is made for one write is a step: making them may take longer than a
// reader that has stopped is waited for.
func TestMakingLinesForOneWriteIsProgress(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "lines"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	o := New(file, func() {})
	defer o.Close()
	p := pending{lines: 3}
	for range p.lines {
		var l record.Line
		l.Message(&record.Message{Data: make([]byte, 2*largeLineSize)})
		p.large = append(p.large, largeLine{0, &l})
	}
	if o.to.part != 0 {
		t.Fatal("a regular file is written in parts")
	}
	if err := o.put(p); err != nil {
		t.Fatal(err)
	}
	if _, progress := o.to.state(); progress != p.lines+1 {
		t.Errorf("progress %d, want %d", progress, p.lines+1)
	}
}
