package descriptor

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func memfd(t testing.TB, content string) int {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	fd = owned(t, fd, err)
	writeTo(t, fd, content)
	return fd
}

// filled is a pipe that holds content, and has no writer any more.
func filled(t testing.TB, content string) int {
	t.Helper()
	r, w, closeWriter := pipe(t)
	if len(content) > 60<<10 {
		if _, err := unix.FcntlInt(uintptr(w), unix.F_SETPIPE_SZ, len(content)); err != nil {
			t.Skip("no pipe can hold as much:", err)
		}
	}
	writeTo(t, w, content)
	closeWriter()
	return r
}

func TestReadStopsAtTheLimitExactly(t *testing.T) {
	sizes := []int{0, 1, 2, 10, 4096, readChunk - 1, readChunk, readChunk + 1, 3*readChunk + 5}
	for _, size := range sizes {
		content := numbered(size)
		path := file(t, content)
		sources := map[string]func() int{
			"file":  func() int { return open(t, path, unix.O_RDONLY) },
			"memfd": func() int { return memfd(t, content) },
			"pipe":  func() int { return filled(t, content) },
		}
		for _, limit := range []int{0, 1, size / 2, size - 1, size, size + 1, 1 << 20} {
			if limit < 0 {
				continue
			}
			for name, source := range sources {
				which := All
				if name != "pipe" {
					which = Files
				}
				c := read(t, source(), ReadOptions{Which: which, Limit: int64(limit), Timeout: time.Minute})
				wantContent(t, name+" of "+itoa(size)+" bytes, limit "+itoa(limit), c, content[:min(size, limit)], limit < size, nil)
			}
		}
	}
}

func TestFilesAreReadFromTheirBeginning(t *testing.T) {
	path := file(t, "0123456789")
	for _, which := range []Which{Files, All} {
		for _, at := range []int64{0, 5, 10, 100} {
			fd := open(t, path, unix.O_RDONLY)
			if _, err := unix.Seek(fd, at, unix.SEEK_SET); err != nil {
				t.Fatal(err)
			}
			wantContent(t, string(which), read(t, fd, generous(which)), "0123456789", false, nil)
		}
	}
}

func TestDeletedFileIsRead(t *testing.T) {
	path := file(t, "still here")
	fd := open(t, path, unix.O_RDONLY)
	unix.Unlink(path)
	wantContent(t, "deleted", read(t, fd, generous(Files)), "still here", false, nil)
}

func TestSealedMemfdIsRead(t *testing.T) {
	fd, err := unix.MemfdCreate("sealed", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	fd = owned(t, fd, err)
	writeTo(t, fd, "sealed")
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SEAL); err != nil {
		t.Fatal(err)
	}
	wantContent(t, "memfd", read(t, fd, generous(Files)), "sealed", false, nil)
}

func TestNothingIsReadWhereNothingIsWanted(t *testing.T) {
	for name, fd := range map[string]int{
		"file": open(t, file(t, "content"), unix.O_RDONLY), "memfd": memfd(t, "content"), "pipe": filled(t, "content"),
	} {
		wantNothing(t, name, read(t, fd, generous(Nothing)))
	}
}

func TestWhatIsNotToBeReadSaysNothing(t *testing.T) {
	_, slave, _, _ := terminal(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	socket := owned(t, pair[0], err)
	writeTo(t, owned(t, pair[1], nil), "in the socket")
	eventfd, err := unix.Eventfd(3, unix.EFD_CLOEXEC)
	eventfd = owned(t, eventfd, err)
	pipeFD, fifoFD := filled(t, "in the pipe"), open(t, fifo(t), unix.O_RDWR)
	writeTo(t, fifoFD, "in the FIFO")
	tests := []struct {
		name string
		fd   int
		all  bool // and not with All either
	}{
		{"directory", open(t, tempDir(t), unix.O_RDONLY), true},
		{"socket", socket, true},
		{"eventfd", eventfd, true},
		{"character device", open(t, "/dev/zero", unix.O_RDONLY), true},
		{"terminal", slave, false},
		{"pipe", pipeFD, false},
		{"FIFO", fifoFD, false},
		{"directory that cannot be read", open(t, tempDir(t), unix.O_PATH), true},
	}
	for _, test := range tests {
		wantNothing(t, test.name, read(t, test.fd, generous(Files)))
		if test.all {
			wantNothing(t, test.name+" with all", read(t, test.fd, generous(All)))
		}
	}
	// Nor was anything consumed.
	b := make([]byte, 100)
	for _, fd := range []int{socket, pipeFD, fifoFD} {
		if n, err := unix.Read(fd, b); err != nil || !strings.HasPrefix(string(b[:max(n, 0)]), "in the ") {
			t.Errorf("what is left is %q, %v", b[:max(n, 0)], err)
		}
	}
}

func TestWhatIsNotOpenForReadingSaysSo(t *testing.T) {
	path := file(t, "content")
	_, w, _ := pipe(t)
	tests := []struct {
		name  string
		fd    int
		which Which
	}{
		{"O_WRONLY", open(t, path, unix.O_WRONLY), Files},
		{"O_PATH", open(t, path, unix.O_PATH), Files},
		{"the write end of a pipe", w, All},
	}
	for _, test := range tests {
		wantContent(t, test.name, read(t, test.fd, ReadOptions{Which: test.which, Limit: 100}), "", false, ErrNotReadable)
	}
}

func TestErrorOfReadingIsReported(t *testing.T) {
	fd := open(t, "/proc/self/mem", unix.O_RDONLY) // nothing is mapped at address 0
	c := read(t, fd, ReadOptions{Which: All, Limit: 100})
	if !c.Read || c.Err != unix.EIO || len(c.Data) != 0 || c.Truncated {
		t.Errorf("%+v, want EIO", c)
	}
}

func TestFilesThatAreRegularByNameOnlyAreReadWithAllOnly(t *testing.T) {
	paths := []string{"/proc/self/status", "/proc/sys/kernel/ostype", "/sys/kernel/uevent_seqnum", "/sys/kernel/tracing/current_tracer", "/sys/kernel/debug/tracing/current_tracer"}
	for _, path := range paths {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		fd = owned(t, fd, err)
		wantNothing(t, path, read(t, fd, generous(Files)))
		c := read(t, fd, generous(All))
		if want, err := os.ReadFile(path); err != nil || !c.Read || c.Err != nil || c.Truncated ||
			len(c.Data) == 0 || strings.HasSuffix(path, "type") && string(c.Data) != string(want) {
			t.Errorf("%s: %q, error %v, truncated %v; want %q", path, c.Data, c.Err, c.Truncated, want)
		}
	}
	c := read(t, open(t, "/proc/self/status", unix.O_RDONLY), ReadOptions{Which: All, Limit: 5, Timeout: time.Minute})
	wantContent(t, "the beginning of status", c, "Name:", true, nil)
}

// Such files give a page or so at a time, long before their end.
func TestFileThatGivesLittleAtATimeIsReadToItsEnd(t *testing.T) {
	const path = "/proc/kallsyms"
	want, err := os.ReadFile(path)
	if err != nil || len(want) < 2*readChunk {
		t.Skip("no long file in proc:", err)
	}
	wantContent(t, path, read(t, open(t, path, unix.O_RDONLY), generous(All)), string(want), false, nil)
}

// A descriptor can come out of another mount namespace, a container for
// example: its mount is not among ours.
func TestFilesOfProcInAnotherMountNamespaceAreNotRead(t *testing.T) {
	fsContext, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		t.Skip("fsopen:", err)
	}
	fsContext = owned(t, fsContext, nil)
	if err := unix.FsconfigCreate(fsContext); err != nil {
		t.Skip("fsconfig:", err)
	}
	mount, err := unix.Fsmount(fsContext, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		t.Skip("fsmount:", err)
	}
	mount = owned(t, mount, nil)
	fd, err := unix.Openat(mount, "version", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	wantNothing(t, "a file of proc", read(t, owned(t, fd, err), generous(Files)))
}

func TestGrowingAndShrinkingFilesAreReadAsTheyAre(t *testing.T) {
	tests := []struct {
		name, described, content string
		limit                    int64
		want                     string
		truncated                bool
	}{
		{"grown", "abc", "abcdef", 100, "abcdef", false},
		{"grown by one", "abc", "abcd", 100, "abcd", false},
		{"grown from nothing", "", "abcdef", 100, "abcdef", false},
		{"grown beyond the limit", "abc", "abcdef", 4, "abcd", true},
		{"grown from the limit", "abc", "abcdef", 3, "abc", true},
		{"grown far", "abc", numbered(3 * readChunk), 1 << 20, numbered(3 * readChunk), false},
		{"shrunk", "abcdef", "abc", 100, "abc", false},
		{"shrunk to nothing", "abcdef", "", 100, "", false},
		{"shrunk to the limit", "abcdef", "abc", 3, "abc", false},
	}
	for _, test := range tests {
		path := file(t, test.described)
		fd := open(t, path, unix.O_RDONLY)
		in := NewInspector()
		d := in.Describe(fd)
		write(t, path, test.content)
		untouched(t, fd, func() {
			in.Read(t.Context(), &d, nil, ReadOptions{Which: Files, Limit: test.limit, Timeout: time.Minute})
		})
		wantContent(t, test.name, d.Content, test.want, test.truncated, nil)
	}
}

// The writer goes on until the reader is done: only the limit ends the read.
func TestFileThatGrowsFasterThanItIsReadEndsAtTheLimit(t *testing.T) {
	const limit = 4 << 20
	path := file(t, "")
	writer, fd := open(t, path, unix.O_WRONLY|unix.O_APPEND), open(t, path, unix.O_RDONLY)
	in := NewInspector()
	d := in.Describe(fd)
	writeTo(t, writer, numbered(limit+1)) // more than was described in any case
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for chunk := []byte(numbered(4096)); ; {
			select {
			case <-done:
				return
			default:
				unix.Write(writer, chunk)
			}
		}
	}()
	in.Read(t.Context(), &d, nil, ReadOptions{Which: Files, Limit: limit, Timeout: time.Minute})
	close(done)
	<-ended
	wantContent(t, "growing", d.Content, numbered(limit), true, nil)
}

func TestSparseFileIsReadUpToTheLimit(t *testing.T) {
	const limit = 100 << 10
	path := file(t, "begin")
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip("no large files there:", err)
	}
	fd := openSpec(t, path)
	in := NewInspector()
	d := in.Describe(fd)
	if d.Inode.Size != 1<<40 {
		t.Errorf("size %d", d.Inode.Size)
	}
	arena := in.Read(t.Context(), &d, nil, ReadOptions{Which: Files, Limit: limit, Timeout: time.Minute})
	wantContent(t, "sparse", d.Content, "begin"+strings.Repeat("\x00", limit-5), true, nil)
	if cap(arena) > 2*limit {
		t.Errorf("%d bytes of memory for %d", cap(arena), limit)
	}
}

// The size is the sender's to choose.
func TestLargestSizeThereIs(t *testing.T) {
	fd := memfd(t, "")
	if err := unix.Ftruncate(fd, math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	wantContent(t, "2^63-1 bytes", read(t, fd, ReadOptions{Which: Files, Limit: 10}), strings.Repeat("\x00", 10), true, nil)
}

func TestFileIsReadNoLongerThanTheTimeout(t *testing.T) {
	const size = 64 << 20
	path := file(t, "")
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	// The time is over at once: whatever was read until that was noticed is all.
	c := read(t, open(t, path, unix.O_RDONLY), ReadOptions{Which: Files, Limit: size, Timeout: 1})
	if c.Err != ErrTimeout || len(c.Data) >= size {
		t.Errorf("error %v with %d of %d bytes, want ErrTimeout before the end", c.Err, len(c.Data), size)
	}
}

func TestFileWithoutATimeoutIsReadToItsEnd(t *testing.T) {
	content := numbered(3*readChunk + 7)
	fd := open(t, file(t, content), unix.O_RDONLY)
	wantContent(t, "file", read(t, fd, ReadOptions{Which: Files, Limit: 1 << 20}), content, false, nil)
	wantContent(t, "pipe", read(t, filled(t, content), ReadOptions{Which: All, Limit: 1 << 20}), content, false, nil)
}

func BenchmarkRead(b *testing.B) {
	sizes := map[string]int{"110 bytes": 110, "1 MiB": 1 << 20}
	for _, name := range []string{"110 bytes", "1 MiB"} {
		b.Run(name, func(b *testing.B) {
			in := NewInspector()
			d := in.Describe(open(b, file(b, numbered(sizes[name])), unix.O_RDONLY))
			var arena []byte
			b.SetBytes(int64(sizes[name]))
			b.ReportAllocs()
			for b.Loop() {
				arena = in.Read(b.Context(), &d, arena[:0], generous(Files))
			}
		})
	}
}
