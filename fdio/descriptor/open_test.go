package descriptor

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// openSpec opens what text names.
func openSpec(t testing.TB, text string) int {
	t.Helper()
	s, err := ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := s.Open(t.Context())
	return owned(t, fd, err)
}

// refused is the error of opening what text names.
func refused(t testing.TB, text string) error {
	t.Helper()
	s, err := ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := s.Open(t.Context())
	if err == nil {
		unix.Close(fd)
		t.Errorf("%s was opened", text)
		return nil
	}
	if fd != -1 {
		t.Errorf("%s: descriptor %d with error %v", text, fd, err)
	}
	if e, ok := errors.AsType[*fdio.Error](err); !ok || !strings.HasSuffix(text, e.Name) {
		t.Errorf("%s: the error does not name it: %#v", text, err)
	}
	return err
}

func TestOpenHasTheAccessOfItsScheme(t *testing.T) {
	path := file(t, "content")
	tests := map[string]int{
		path: unix.O_RDONLY, "r:" + path: unix.O_RDONLY,
		"w:" + path: unix.O_WRONLY, "rw:" + path: unix.O_RDWR, "a:" + path: unix.O_WRONLY | unix.O_APPEND,
	}
	for text, want := range tests {
		fd := openSpec(t, text)
		if got := statusFlags(t, fd) & (unix.O_ACCMODE | unix.O_APPEND); got != want {
			t.Errorf("%s: flags %#x, want %#x", text, got, want)
		}
	}
}

func TestOpenedDescriptorsAreBlockingAndCloseOnExec(t *testing.T) {
	dir := tempDir(t)
	texts := []string{dir, "r:/dev/null", "w:/dev/null", "rw:" + fifo(t), fifo(t)}
	for _, scheme := range []string{"w:", "rw:", "a:", "r:"} {
		texts = append(texts, scheme+filepath.Join(dir, "file"))
	}
	for _, text := range texts {
		fd := openSpec(t, text)
		if statusFlags(t, fd)&unix.O_NONBLOCK != 0 {
			t.Errorf("%s is not blocking", text)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s is not close-on-exec: %#x, %v", text, flags, err)
		}
	}
}

func TestOpenCreatesWithTheModeThatTheUmaskLeaves(t *testing.T) {
	dir := tempDir(t)
	before := unix.Umask(0)
	defer unix.Umask(before)
	for umask, want := range map[int]fs.FileMode{0: 0o666, 0o027: 0o640, 0o077: 0o600, 0o777: 0} {
		unix.Umask(umask)
		for _, scheme := range []string{"w", "rw", "a"} {
			path := filepath.Join(dir, scheme+itoa(umask))
			openSpec(t, scheme+":"+path)
			if info, err := os.Stat(path); err != nil || info.Mode() != want {
				t.Errorf("%s with umask %#o: %v, %v; want %v", scheme, umask, info.Mode(), err, want)
			}
		}
	}
}

func TestOpenForReadingDoesNotCreate(t *testing.T) {
	path := filepath.Join(tempDir(t), "none")
	for _, text := range []string{path, "r:" + path} {
		if err := refused(t, text); !errors.Is(err, unix.ENOENT) {
			t.Errorf("%s: %v, want ENOENT", text, err)
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestOpenNeverTruncates(t *testing.T) {
	tests := []struct{ scheme, want string }{
		{"w", "NEWtent"}, {"rw", "NEWtent"}, {"a", "contentNEW"},
	}
	for _, test := range tests {
		path := file(t, "content")
		fd := openSpec(t, test.scheme+":"+path)
		if got, _ := os.ReadFile(path); string(got) != "content" {
			t.Errorf("%s: opening made it %q", test.scheme, got)
		}
		writeTo(t, fd, "NEW")
		if got, _ := os.ReadFile(path); string(got) != test.want {
			t.Errorf("%s: writing made it %q, want %q", test.scheme, got, test.want)
		}
	}
}

func TestAppendersDoNotOverwriteEachOther(t *testing.T) {
	path := file(t, "")
	one, two := openSpec(t, "a:"+path), openSpec(t, "a:"+path)
	writeTo(t, one, "1")
	writeTo(t, two, "2")
	writeTo(t, one, "3")
	if got, _ := os.ReadFile(path); string(got) != "123" {
		t.Errorf("got %q, want %q", got, "123")
	}
}

func TestDirectoriesOpenForReadingOnly(t *testing.T) {
	dir := tempDir(t)
	var st unix.Stat_t
	if err := unix.Fstat(openSpec(t, dir), &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		t.Errorf("mode %#o, %v; want a directory", st.Mode, err)
	}
	for _, scheme := range []string{"w", "rw", "a"} {
		if err := refused(t, scheme+":"+dir); !errors.Is(err, unix.EISDIR) {
			t.Errorf("%s: %v, want EISDIR", scheme, err)
		}
	}
}

func TestOpenSaysWhyNot(t *testing.T) {
	path := file(t, "")
	loop := filepath.Join(tempDir(t), "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		text string
		want error
	}{
		{path + "/x", unix.ENOTDIR},
		{"w:" + filepath.Join(filepath.Dir(path), "none", "x"), unix.ENOENT},
		{loop, unix.ELOOP},
		{"w:" + strings.Repeat("x", 256), unix.ENAMETOOLONG},
	}
	for _, test := range tests {
		if err := refused(t, test.text); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.text, err, test.want)
		}
	}
}

func TestOpenNeedsPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may open everything")
	}
	path := file(t, "")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if err := refused(t, path); !errors.Is(err, unix.EACCES) {
		t.Errorf("%v, want EACCES", err)
	}
}

// A FIFO is opened without a writer; an open that waited would never end.
func TestOpeningAFIFOForReadingDoesNotWait(t *testing.T) {
	path := fifo(t)
	for _, text := range []string{path, "r:" + path} {
		if fd := openSpec(t, text); statusFlags(t, fd)&unix.O_NONBLOCK != 0 {
			t.Errorf("%s is not blocking", text)
		}
	}
}

func TestOpeningAFIFOForWritingNeedsAReader(t *testing.T) {
	path := fifo(t)
	for _, scheme := range []string{"w", "a"} {
		if err := refused(t, scheme+":"+path); !errors.Is(err, ErrNoReader) {
			t.Errorf("%s: %v, want ErrNoReader", scheme, err)
		}
	}
	reader := openSpec(t, path)
	writer := openSpec(t, "w:"+path)
	if statusFlags(t, writer)&unix.O_NONBLOCK != 0 {
		t.Error("the writer is not blocking")
	}
	writeTo(t, writer, "text")
	b := make([]byte, 10)
	if n, err := unix.Read(reader, b); err != nil || string(b[:max(n, 0)]) != "text" {
		t.Errorf("read %q, %v", b[:max(n, 0)], err)
	}
}

func TestOpeningAFIFOForBothNeedsNobody(t *testing.T) {
	if fd := openSpec(t, "rw:"+fifo(t)); statusFlags(t, fd)&unix.O_NONBLOCK != 0 {
		t.Error("it is not blocking")
	}
}

func TestSocketFilesCannotBeOpened(t *testing.T) {
	path := filepath.Join(tempDir(t), "s")
	bound(t, unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: path})
	for _, text := range []string{path, "r:" + path, "w:" + path, "rw:" + path, "a:" + path} {
		if err := refused(t, text); !errors.Is(err, ErrIsSocket) {
			t.Errorf("%s: %v, want ErrIsSocket", text, err)
		}
	}
}

func TestDeviceWithoutADriverIsNoDevice(t *testing.T) {
	path := filepath.Join(tempDir(t), "device")
	if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(511, 1234))); err != nil {
		t.Skip("mknod:", err)
	}
	err := refused(t, path)
	if errors.Is(err, unix.EACCES) {
		t.Skip("devices cannot be opened there")
	}
	if !errors.Is(err, unix.ENXIO) {
		t.Errorf("%v, want ENXIO", err)
	}
}

func TestInheritedDescriptorIsItself(t *testing.T) {
	fd, err := unix.Dup(open(t, "/dev/null", unix.O_RDONLY)) // not close-on-exec
	fd = owned(t, fd, err)
	got, err := Spec{Scheme: "fd", FD: fd}.Open(t.Context())
	if got != fd || err != nil {
		t.Errorf("got %d, %v; want %d", got, err, fd)
	}
}

func TestDescriptorThatWasNotInheritedIsNotOpen(t *testing.T) {
	ours := open(t, "/dev/null", unix.O_RDONLY) // close-on-exec
	closed, err := unix.Dup(ours)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(closed)
	for _, fd := range []int{ours, closed, 1<<31 - 1} {
		if err := refused(t, "fd:"+itoa(fd)); !errors.Is(err, fdio.ErrNotOpen) {
			t.Errorf("fd:%d: %v, want ErrNotOpen", fd, err)
		}
	}
}

// inChild runs this very test once more, in a process of its own with attr,
// and reports whether this is that process. files are 3, 4 ... there.
func inChild(t *testing.T, attr *syscall.SysProcAttr, files ...*os.File) bool {
	t.Helper()
	const marker = "FDMSG_TEST_CHILD"
	if os.Getenv(marker) == t.Name() {
		return true
	}
	child := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), marker+"="+t.Name())
	child.SysProcAttr, child.ExtraFiles = attr, files
	output, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS") {
		t.Errorf("in the child: %v\n%s", err, output)
	}
	return false
}

// A session leader without a terminal gets the first one that it opens.
func TestOpeningATerminalDoesNotMakeItOurs(t *testing.T) {
	if !inChild(t, &syscall.SysProcAttr{Setsid: true}) {
		return
	}
	_, _, path, _ := terminal(t)
	for _, text := range []string{path, "rw:" + path, "w:" + path} {
		openSpec(t, text)
		if got := controllingTerminal(); got != (Device{}) {
			t.Fatalf("opening %s made it the controlling terminal: %v", text, got)
		}
	}
}
