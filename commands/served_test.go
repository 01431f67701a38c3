package commands

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio"
)

// served is a running fdmsg listen.
type served struct {
	t       *testing.T
	cmd     *exec.Cmd
	address fdio.Address
	stdout  *bufio.Reader
	stderr  bytes.Buffer
}

// serve starts fdmsg listen with args on one address and waits until it is bound.
func serve(t *testing.T, address string, args ...string) *served {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := &served{t: t}
	s.cmd = exec.Command(listenProgram(t), append([]string{"listen", "--ready-fd", "3", address}, args...)...)
	s.cmd.ExtraFiles, s.cmd.Stderr = []*os.File{w}, &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
	w.Close()
	bound, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if s.address, err = fdio.ParseAddress(strings.TrimSpace(string(bound))); err != nil {
		t.Fatalf("%v: %s", err, &s.stderr)
	}
	s.stdout = bufio.NewReaderSize(stdout, 1<<20)
	return s
}

func (s *served) dial() *fdio.Socket {
	s.t.Helper()
	socket, err := fdio.Dial(s.t.Context(), s.address, fdio.DialOptions{Wait: 20 * time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	return socket
}

// descriptors returns how many descriptors are open in the server, not counting its own
// pollers, one of which may be made after the first message.
func (s *served) descriptors() (n int) {
	directory := fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid)
	entries, err := os.ReadDir(directory)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if name, err := os.Readlink(filepath.Join(directory, e.Name())); err == nil && name != "anon_inode:[eventpoll]" {
			n++
		}
	}
	return n
}

// resident returns the resident memory of the server in KiB.
func (s *served) resident() int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, _ := strconv.Atoi(strings.Fields(rest)[0])
	return kib
}

// end stops the server with a signal and returns what it has printed since.
func (s *served) end(sig os.Signal) string {
	s.t.Helper()
	s.cmd.Process.Signal(sig)
	rest, err := io.ReadAll(s.stdout)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil || s.stderr.Len() > 0 {
		s.t.Fatalf("%v: %s", err, &s.stderr)
	}
	return string(rest)
}
