package lines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"
)

func ignoreFailure() {}

func TestLinesOfManyWritersAreWholeAndNumberedInOrder(t *testing.T) {
	var buf bytes.Buffer
	o := New(&buf, ignoreFailure)
	var wg sync.WaitGroup
	const writers, each = 8, 2000
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if _, err := o.Write("test", fmt.Appendf(nil, `,"w":%d,"i":%d}`+"\n", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	next := map[int]int{}
	lines := bytes.Split(bytes.TrimSuffix(buf.Bytes(), []byte("\n")), []byte("\n"))
	for n, line := range lines {
		var l struct{ Seq, W, I int }
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("line %d: %v: %s", n, err, line)
		}
		if l.Seq != n+1 || l.I != next[l.W] {
			t.Fatalf("line %d has seq %d, and is %d of writer %d, where %d was due", n+1, l.Seq, l.I, l.W, next[l.W])
		}
		next[l.W]++
	}
	if len(lines) != writers*each {
		t.Errorf("%d lines, want %d", len(lines), writers*each)
	}
}

// A line is visible without another one, or the end, to push it out.
func TestLineIsVisibleAtOnce(t *testing.T) {
	r, w := io.Pipe()
	o := New(w, ignoreFailure)
	buf := make([]byte, 100)
	for i := range 3 {
		o.Write("test", []byte("}\n"))
		n, err := r.Read(buf)
		if want := fmt.Sprintf("{\"type\":\"test\",\"seq\":%d}\n", i+1); err != nil || string(buf[:n]) != want {
			t.Fatalf("read %q, %v; want %q", buf[:n], err, want)
		}
	}
	o.Close()
}

// The reader has stopped: what is kept for it is bounded, and nothing is lost
// when it goes on.
func TestStalledReaderStopsTheWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o := New(w, ignoreFailure)
		body := append(bytes.Repeat([]byte("x"), 1000), '\n')
		const lines = 5000 // five times what is kept
		taken := 0
		go func() {
			for range lines {
				o.Write("test", body)
				taken++
			}
		}()
		synctest.Wait()
		if kept := taken * len(body); taken == lines || kept > 3*pendingLimit {
			t.Errorf("%d lines, %d bytes were taken with nobody reading", taken, kept)
		}
		read := make(chan int, 1)
		go func() {
			data, _ := io.ReadAll(r)
			read <- bytes.Count(data, []byte("\n"))
		}()
		synctest.Wait()
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		w.Close()
		if got := <-read; got != lines {
			t.Errorf("%d lines were read, want %d", got, lines)
		}
	})
}

// A reader that never goes on does not keep the process after a signal.
func TestStalledReaderIsGivenUpAfterASignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		defer r.Close()
		o := New(w, ignoreFailure)
		ctx, cancel := context.WithCancelCause(context.Background())
		o.GiveUp(ctx)
		o.Write("test", []byte("}\n"))
		synctest.Wait() // it is being written
		o.Write("test", []byte("}\n"))
		cancel(errors.New("SIGTERM"))
		err := o.Close()
		lost, ok := errors.AsType[*LostError](err)
		if !ok || lost.Lines != 2 || !errors.Is(err, ErrStalled) {
			t.Errorf("Close() = %v, want 2 lines lost", err)
		}
	})
}

func TestFailedWriteSaysHowManyLinesWereLost(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	failed := make(chan struct{})
	o := New(full, func() { close(failed) })
	o.Write("test", []byte("}\n"))
	<-failed
	if _, err := o.Write("test", []byte("}\n")); err == nil {
		t.Error("writing after the failure succeeds")
	}
	err = o.Close()
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "2 lines were not written") {
		t.Errorf("Close() = %v", err)
	}
}

func BenchmarkOutput(b *testing.B) {
	o := New(io.Discard, ignoreFailure)
	body := append(bytes.Repeat([]byte("x"), 300), '\n')
	b.ReportAllocs()
	for b.Loop() {
		o.Write("test", body)
	}
	o.Close()
}
