package descriptor

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// made is what DESCRIPTOR text opens.
func made(t *testing.T, text string) int {
	t.Helper()
	s, err := ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.String(); text[0] != '/' && got != text {
		t.Errorf("%q is written %q", text, got)
	}
	fd, err := s.Open(t.Context())
	return owned(t, fd, err)
}

func TestSpecsRefuseWhatIsNoSocketAndNoProcess(t *testing.T) {
	for text, want := range map[string]error{
		"opath:": ErrEmpty, "memfd:": ErrEmpty, "connect:": fdio.ErrNoScheme, "listen:tcp:1": fdio.ErrSyntax,
		"connect:fd:3": fdio.ErrSyntax, "listen:-": fdio.ErrSyntax, "listen:sockaddr-hex:1000": fdio.ErrSyntax,
		"pid:1": fdio.ErrSyntax, "pid:1:": fdio.ErrSyntax, "pid:0:1": fdio.ErrSyntax, "pid:x:1": fdio.ErrSyntax,
		"pidfd:": fdio.ErrSyntax, "pidfd:-1": fdio.ErrSyntax, "connect:x:y": fdio.ErrUnknownScheme,
	} {
		if s, err := ParseSpec(text); !errors.Is(err, want) {
			t.Errorf("%q: %+v, %v; want %v", text, s, err, want)
		}
	}
}

func TestMemfdIsASealedCopy(t *testing.T) {
	content := strings.Repeat("temperature\n", 100_000)
	fd := made(t, "memfd:"+file(t, content))
	d := describe(t, fd)
	if told(d, "seals") != "[F_SEAL_SEAL F_SEAL_SHRINK F_SEAL_GROW F_SEAL_WRITE]" || d.Offset != 0 || d.Inode.Size != int64(len(content)) {
		t.Errorf("%+v", d)
	}
	wantContent(t, "copy", read(t, fd, generous(Files)), content, false, nil)
	if _, err := unix.Pwrite(fd, []byte("x"), 0); err != unix.EPERM {
		t.Errorf("writing: %v, want EPERM", err)
	}
}

func TestCopyKeepsHolesAndDoesNotMoveTheOffset(t *testing.T) {
	from := open(t, file(t, ""), unix.O_RDWR)
	const size = 64 << 20
	for offset, text := range map[int64]string{1 << 20: "in the middle", 32 << 20: "further on"} {
		if _, err := unix.Pwrite(from, []byte(text), offset); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Ftruncate(from, size); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Seek(from, 7, unix.SEEK_SET); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]int{"memfd": memfd(t, ""), "file": open(t, file(t, ""), unix.O_RDWR)} {
		n, err := copyContents(patience{ctx: t.Context()}, to, from, size)
		var st unix.Stat_t
		if statErr := unix.Fstat(to, &st); err != nil || statErr != nil || n != size || st.Size != size {
			t.Fatalf("%s: %d bytes, %v; size %d, %v", name, n, err, st.Size, statErr)
		}
		if st.Blocks*512 > 1<<20 {
			t.Errorf("%s takes up %d bytes", name, st.Blocks*512)
		}
		ours, theirs := make([]byte, size), make([]byte, size)
		if _, err := unix.Pread(to, ours, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Pread(from, theirs, 0); err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s: the copy differs, %v", name, err)
		}
		if n, err := copyContents(patience{ctx: t.Context()}, memfd(t, ""), from, size-1); err != ErrLimit {
			t.Errorf("%s: with a limit: %d, %v", name, n, err)
		}
	}
	if offset, _ := unix.Seek(from, 0, unix.SEEK_CUR); offset != 7 {
		t.Errorf("the offset is %d, want 7", offset)
	}
}

func TestCopyReadsStreamsAndWhatHasNoSize(t *testing.T) {
	r, w, _ := pipe(t)
	writeTo(t, w, "through a pipe")
	unix.Close(w)
	to := memfd(t, "")
	if n, err := copyContents(patience{ctx: t.Context()}, to, r, 100); n != 14 || err != nil {
		t.Errorf("a pipe: %d, %v", n, err)
	}
	wantContent(t, "pipe", read(t, to, generous(Files)), "through a pipe", false, nil)

	version, err := os.ReadFile("/proc/version")
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, "proc", read(t, made(t, "memfd:/proc/version"), generous(Files)), string(version), false, nil)

	ctx, stop := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	stop(stopped)
	r, _, _ = pipe(t)
	if n, err := copyContents(patience{ctx: ctx}, memfd(t, ""), r, 100); err != stopped {
		t.Errorf("a pipe without an end: %d, %v", n, err)
	}
}

func TestSocketsAreMadeToBePassedOn(t *testing.T) {
	path := filepath.Join(tempDir(t), "s")
	for _, network := range []string{"unix", "unix-seqpacket"} {
		l := made(t, "listen:"+network+":"+path)
		if d := describe(t, l); told(d, "state") != "listen" || told(d, "local") != network+":"+path || d.Flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%+v", d)
		}
		if on, err := unix.GetsockoptInt(l, unix.SOL_SOCKET, unix.SO_PASSCRED); on != 0 || err != nil {
			t.Errorf("SO_PASSCRED is %d, %v", on, err)
		}
		c := made(t, "connect:"+network+":"+path)
		if d := describe(t, c); told(d, "state") != "connected" || told(d, "peer") != network+":"+path || d.Flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%+v", d)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the file is the receiver's, and must stay: %v", err)
		}
		if d := describe(t, l); told(d, "queued") != "1" {
			t.Errorf("%+v, want one connection in the queue", d.Details)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDescriptorOfAnotherProcess(t *testing.T) {
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file(t, "of the child"))
	if err != nil {
		t.Fatal(err)
	}
	child.ExtraFiles = []*os.File{f}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	pid := itoa(child.Process.Pid)
	wantContent(t, "file", read(t, made(t, "pid:"+pid+":3"), generous(Files)), "of the child", false, nil)
	pidfd := made(t, "pidfd:"+pid)
	if d := describe(t, pidfd); d.Kind != KindPidfd || told(d, "pid") != pid || told(d, "command") != "cat" || told(d, "exited") != "false" {
		t.Errorf("%+v", d)
	}
	s, err := ParseSpec("pid:" + pid + ":99")
	if err != nil {
		t.Fatal(err)
	}
	if fd, err := s.Open(t.Context()); !errors.Is(err, ErrNoDescriptor) {
		t.Errorf("%d, %v; want ErrNoDescriptor", fd, err)
	}
	in.Close()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if d := describe(t, pidfd); told(d, "pid") != "-1" || told(d, "exited") != "true" {
		t.Errorf("%+v", d)
	}
	if fd, err := s.Open(t.Context()); !errors.Is(err, ErrNoProcess) {
		t.Errorf("%d, %v; want ErrNoProcess", fd, err)
	}
}
