package descriptor

import (
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// drain returns what is left in a file as it is read, and the error with the last piece.
func drain(t *testing.T, p *Pieces) (content string, err error) {
	t.Helper()
	var b strings.Builder
	for err == nil {
		var pieces [][]byte
		pieces, _, err = p.Next()
		for _, piece := range pieces {
			b.Write(piece)
		}
	}
	return b.String(), err
}

func TestContentOverwrittenWhileItIsReadIsChanged(t *testing.T) {
	const size = 4 << 20
	tests := []struct {
		name   string
		change func(fd int) error
		want   error
	}{
		{"nothing", func(int) error { return nil }, io.EOF},
		{"read", func(fd int) error { _, err := unix.Pread(fd, make([]byte, 10), 0); return err }, io.EOF},
		{"its end", func(fd int) error { _, err := unix.Pwrite(fd, []byte("new"), size-3); return err }, ErrChanged},
		{"its beginning", func(fd int) error { _, err := unix.Pwrite(fd, []byte("new"), 0); return err }, ErrChanged},
		{"longer", func(fd int) error { _, err := unix.Pwrite(fd, []byte("new"), size); return err }, ErrChanged},
		{"the time put back", func(fd int) error {
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil {
				return err
			}
			if _, err := unix.Pwrite(fd, []byte("new"), size-3); err != nil {
				return err
			}
			return unix.Futimes(fd, []unix.Timeval{{Sec: st.Atim.Sec}, {Sec: st.Mtim.Sec}})
		}, ErrChanged},
	}
	for _, test := range tests {
		for _, old := range []string{strings.Repeat("old text", size/8), strings.Repeat("\xff\x00\xfe", size/3) + "\n"} {
			for _, fd := range []int{open(t, file(t, old), unix.O_RDWR), memfd(t, old)} {
				in := NewInspector()
				d := in.Describe(fd)
				in.Read(t.Context(), &d, nil, ReadOptions{Which: Files, Limit: 2 * size, Defer: 1 << 20})
				p := d.Content.Deferred.Pieces(func(dst, data []byte) []byte { return append(dst, data...) })
				first, _, err := p.Next()
				if len(first) == 0 || err != nil {
					t.Fatalf("%s: the whole content at once, or none: %v", test.name, err)
				}
				if err := test.change(fd); err != nil {
					t.Fatal(err)
				}
				if _, err := drain(t, p); err != test.want {
					t.Errorf("%s of a %s changed: error %v, want %v", test.name, d.Kind, err, test.want)
				}
			}
		}
	}
}
