package commands

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

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

// The whole way: 250 descriptors over a socket, received, and in order in a
// program that fdmsg became.
func TestCommandGetsManyDescriptors(t *testing.T) {
	dir := buildProgram(t)
	fds := memfds(t, renumbered)
	const script = `
i=0
while [ $i -lt 250 ]; do
	read -r n </proc/self/fd/$((i + 3)) && [ "$n" = $i ] || { echo "descriptor $((i + 3)) reads $n"; exit 1; }
	i=$((i + 1))
done
set -- /proc/self/fd/*
echo $# $LISTEN_FDS "$FDMSG_MESSAGE" $((LISTEN_PID - $$))`
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	a, err := fdio.ParseAddress(fmt.Sprintf("@fdmsg-test-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	for range renumberings {
		var out bytes.Buffer
		recv := exec.CommandContext(ctx, filepath.Join(dir, "fdmsg"), "recv", a.String(), "--", "sh", "-c", script)
		recv.Stdout, recv.Stderr = &out, &out
		if err := recv.Start(); err != nil {
			t.Fatal(err)
		}
		s, err := fdio.Dial(ctx, a, fdio.DialOptions{Wait: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Send(ctx, fdio.Outgoing{Buffers: [][]byte{[]byte("many")}, Control: cmsg.AppendRights(nil, fds)})
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		err = recv.Wait()
		// 250, the standard three, and the directory that the shell reads.
		if got := strings.TrimSpace(out.String()); err != nil || got != "254 250 many 0" {
			t.Fatalf("COMMAND says %q, %v", got, err)
		}
	}
}
