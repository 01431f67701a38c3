package descriptor

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestUnsavedTellsWhyThereIsNoFile(t *testing.T) {
	dir, err := OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	path := file(t, "content")
	r, _, _ := pipe(t)
	tests := []struct {
		name  string
		fd    int
		limit int64
		want  error
	}{
		{"a file", open(t, path, unix.O_RDONLY), 100, nil},
		{"an empty file", open(t, file(t, ""), unix.O_RDONLY), 100, nil},
		{"a file over the limit", open(t, path, unix.O_RDONLY), 6, ErrLimit},
		{"a file open for writing", open(t, path, unix.O_WRONLY), 100, ErrNotReadable},
		{"a directory", open(t, t.TempDir(), unix.O_RDONLY), 100, ErrNoContent},
		{"a device", open(t, "/dev/null", unix.O_RDONLY), 100, ErrNoContent},
		{"a pipe", r, 100, ErrNotFile},
		{"a file of proc", open(t, "/proc/self/status", unix.O_RDONLY), 100, ErrNotFile},
	}
	for _, test := range tests {
		in := NewInspector()
		d := in.Describe(test.fd)
		in.Read(t.Context(), &d, nil, ReadOptions{Which: Nothing, Save: &SaveOptions{Directory: dir, Name: "1-0", Which: Files, Limit: test.limit}})
		if err := d.Unsaved(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}
