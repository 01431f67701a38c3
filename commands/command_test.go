package commands

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
