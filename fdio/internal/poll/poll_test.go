package poll

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAwaitHangup(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	gone := make(chan error, 1)
	go func() { gone <- AwaitHangup(t.Context(), int(w.Fd())) }()
	r.Close()
	if err := <-gone; err != nil {
		t.Error(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := AwaitHangup(t.Context(), int(file.Fd())); !errors.Is(err, unix.EPERM) {
		t.Errorf("regular file: %v", err)
	}
}

func TestAwaitReadable(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd := int(r.Fd()) // blocking now
	ended := errors.New("ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error, 1)
	go func() { result <- AwaitReadable(ctx, fd) }()
	cancel(ended)
	if err := <-result; err != ended {
		t.Errorf("nothing to read, and the context ends: %v", err)
	}
	go func() { result <- AwaitReadable(t.Context(), fd) }()
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("the flags are %#x, %v", flags, err)
	}
}
