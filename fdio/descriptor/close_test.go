package descriptor

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// What is in the lists is closed, and nothing between.
func TestCloseAll(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := NewInspector()
	defer in.Release()
	const first = 500 // nothing else has such numbers
	for _, taken := range [][]int{{}, {0}, {0, 1}, {1, 0}, {0, 1, 2, 3}, {0, 2, 3}, {3, 4, 0, 1, 2}, {0, 2, 4}} {
		for fd := range 6 {
			if err := unix.Dup3(int(file.Fd()), first+fd, unix.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
		}
		var lists [][]Descriptor
		for _, fd := range taken {
			lists = append(lists, []Descriptor{in.Describe(first + fd)})
		}
		in.CloseAll(lists...)
		var closed []int
		for fd := range 6 {
			if unix.Close(first+fd) == unix.EBADF {
				closed = append(closed, fd)
			}
		}
		slices.Sort(taken)
		if !slices.Equal(closed, taken) {
			t.Errorf("closed are %v, want %v", closed, taken)
		}
	}
}
