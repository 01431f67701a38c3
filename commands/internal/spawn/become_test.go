package spawn

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	renumberings = 300
	renumbered   = 250
)

// memfds makes n files that are told apart by their content, the number of the
// file and a newline. They are not close-on-exec.
func memfds(t *testing.T, n int) []int {
	t.Helper()
	fds := make([]int, n)
	for i := range fds {
		fd, err := unix.MemfdCreate("", 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		if _, err := unix.Pwrite(fd, fmt.Appendf(nil, "%d\n", i), 0); err != nil {
			t.Fatal(err)
		}
		fds[i] = fd
	}
	return fds
}

// Descriptors in any order, on any numbers, those that they are to have
// included, end up where they belong, and nothing else is left to COMMAND.
func TestRenumberAnyPermutation(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // as in become
	runtime.GC()
	fds := memfds(t, renumbered)
	for range renumberings {
		order := rand.Perm(len(fds))
		shuffled := make([]int, len(fds))
		for i, n := range order {
			shuffled[i] = fds[n]
		}
		first := 3 + rand.IntN(20)
		problem := make(chan string, 1)
		go func() {
			runtime.LockOSThread() // the thread ends with the goroutine, and its table too
			problem <- renumberAndCheck(shuffled, order, first)
		}()
		if p := <-problem; p != "" {
			t.Fatal(p)
		}
	}
}

func renumberAndCheck(fds, order []int, first int) (problem string) {
	if err := renumber(fds, first); err != nil {
		return err.Error()
	}
	var buf [16]byte
	for i, want := range order {
		n, err := unix.Pread(first+i, buf[:], 0)
		if err != nil || string(buf[:n]) != fmt.Sprintf("%d\n", want) {
			return fmt.Sprintf("descriptor %d reads %q, %v; want %d", first+i, buf[:n], err, want)
		}
	}
	for fd := first; fd < 1024; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		kept := err == nil && flags&unix.FD_CLOEXEC == 0
		if kept != (fd < first+len(fds)) {
			return fmt.Sprintf("descriptor %d is kept for COMMAND: %v", fd, kept)
		}
	}
	return ""
}
