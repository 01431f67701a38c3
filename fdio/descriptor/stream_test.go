package descriptor

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"fdmsg/fdio/internal/poll"

	"golang.org/x/sys/unix"
)

func TestPipeIsReadUntilTheTimeoutWhereAWriterIsLeft(t *testing.T) {
	tests := []struct {
		name string
		open func() (r, w int)
	}{
		{"pipe", func() (r, w int) { r, w, _ = pipe(t); return r, w }},
		{"FIFO", func() (r, w int) {
			path := fifo(t)
			r = openSpec(t, path)
			return r, openSpec(t, "w:"+path)
		}},
		{"FIFO open for both", func() (r, w int) { r = openSpec(t, "rw:"+fifo(t)); return r, r }},
		{"pipe that does not block", func() (r, w int) {
			r, w, _ = pipe(t)
			if err := unix.SetNonblock(r, true); err != nil {
				t.Fatal(err)
			}
			return r, w
		}},
	}
	for _, test := range tests {
		for _, content := range []string{"", "what came"} {
			r, w := test.open()
			writeTo(t, w, content)
			const timeout = 30 * time.Millisecond
			start := time.Now()
			c := read(t, r, ReadOptions{Which: All, Limit: 100, Timeout: timeout})
			wantContent(t, test.name, c, content, false, ErrTimeout)
			if took := time.Since(start); took < timeout || took > 20*time.Second {
				t.Errorf("%s: took %v, want %v", test.name, took, timeout)
			}
		}
	}
}

func TestPipeWithALimitDoesNotWaitForItsEnd(t *testing.T) {
	path := fifo(t)
	for _, test := range []struct {
		content   string
		truncated bool
	}{{"0123456789", false}, {"0123456789+", true}} {
		pipeR, pipeW, _ := pipe(t)
		fifoR := openSpec(t, path)
		fifoW := openSpec(t, "w:"+path)
		for r, w := range map[int]int{pipeR: pipeW, fifoR: fifoW} {
			writeTo(t, w, test.content)
			// Without a timeout: to wait for more would be to wait forever.
			wantContent(t, test.content, read(t, r, ReadOptions{Which: All, Limit: 10}), "0123456789", test.truncated, nil)
		}
	}
}

func TestFIFOIsReadUntilItsEnd(t *testing.T) {
	path := fifo(t)
	r := openSpec(t, path)
	w, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	writeTo(t, w, "to the end")
	unix.Close(w)
	wantContent(t, "FIFO", read(t, r, ReadOptions{Which: All, Limit: 100}), "to the end", false, nil)
}

// What is written while the read goes on is read as well.
func TestPipeIsReadWhileItIsWritten(t *testing.T) {
	content := numbered(1 << 20) // more than the pipe can hold at once
	r, w, closeWriter := pipe(t)
	go func() {
		defer closeWriter()
		for rest := []byte(content); len(rest) > 0; {
			n, err := unix.Write(w, rest[:min(len(rest), 5000)])
			if err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
	}()
	wantContent(t, "pipe", read(t, r, generous(All)), content, false, nil)
}

// A pipe that is never empty must not keep the reader beyond the timeout: that
// more can be read at once is no reason to go on.
func TestFullPipeIsReadNoLongerThanTheTimeout(t *testing.T) {
	const size = 1 << 20
	r, w, _ := pipe(t)
	if _, err := unix.FcntlInt(uintptr(w), unix.F_SETPIPE_SZ, size); err != nil {
		t.Skip("no pipe can hold as much:", err)
	}
	writeTo(t, w, numbered(size))
	c := read(t, r, ReadOptions{Which: All, Limit: 2 * size, Timeout: 1})
	if c.Err != ErrTimeout || len(c.Data) >= size {
		t.Errorf("error %v with %d of %d bytes, want ErrTimeout before the last", c.Err, len(c.Data), size)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	stopped := errors.New("stopped")
	r, w, _ := pipe(t)
	writeTo(t, w, "what came")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for ctx.Err() == nil { // until all has been taken out
			if left, err := unix.IoctlGetInt(w, unix.TIOCINQ); err != nil || left == 0 {
				cancel(stopped)
			}
			runtime.Gosched()
		}
	}()
	in := NewInspector()
	d := in.Describe(r)
	untouched(t, r, func() { in.Read(ctx, &d, nil, ReadOptions{Which: All, Limit: 100}) })
	wantContent(t, "pipe", d.Content, "what came", false, stopped)

	d = in.Describe(open(t, file(t, numbered(4<<20)), unix.O_RDONLY))
	in.Read(ctx, &d, nil, generous(Files))
	if d.Content.Err != stopped || len(d.Content.Data) >= 4<<20 {
		t.Errorf("file: error %v with %d bytes, want %v before the end", d.Content.Err, len(d.Content.Data), stopped)
	}
}

func TestTerminalIsReadWithAll(t *testing.T) {
	master, slave, _, closeMaster := terminal(t)
	writeTo(t, master, "typed\n")
	if err := poll.AwaitReadable(t.Context(), slave); err != nil { // the kernel takes its time
		t.Fatal(err)
	}
	c := read(t, slave, ReadOptions{Which: All, Limit: 100, Timeout: 10 * time.Millisecond})
	wantContent(t, "terminal", c, "typed\n", false, ErrTimeout)

	in := NewInspector()
	d := in.Describe(slave)
	closeMaster()
	in.Read(t.Context(), &d, nil, ReadOptions{Which: All, Limit: 100}) // there will never be more: no timeout is needed
	wantContent(t, "terminal without its master", d.Content, "", false, nil)
}
