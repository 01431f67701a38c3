package descriptor

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio/internal/poll"

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

func TestPipeIsReadUntilTheTimeoutWhereAWriterIsLeft(t *testing.T) {
	tests := []struct {
		name string
		open func() (r, w int)
	}{
		{"pipe", func() (r, w int) { r, w, _ = pipe(t); return r, w }},
		{"FIFO", func() (r, w int) {
			path := fifo(t)
			r = openSpec(t, path)
			return r, openSpec(t, "w:"+path)
		}},
		{"FIFO open for both", func() (r, w int) { r = openSpec(t, "rw:"+fifo(t)); return r, r }},
		{"pipe that does not block", func() (r, w int) {
			r, w, _ = pipe(t)
			if err := unix.SetNonblock(r, true); err != nil {
				t.Fatal(err)
			}
			return r, w
		}},
	}
	for _, test := range tests {
		for _, content := range []string{"", "what came"} {
			r, w := test.open()
			writeTo(t, w, content)
			const timeout = 30 * time.Millisecond
			start := time.Now()
			c := read(t, r, ReadOptions{Which: All, Limit: 100, Timeout: timeout})
			wantContent(t, test.name, c, content, false, ErrTimeout)
			if took := time.Since(start); took < timeout || took > 20*time.Second {
				t.Errorf("%s: took %v, want %v", test.name, took, timeout)
			}
		}
	}
}

func TestPipeWithALimitDoesNotWaitForItsEnd(t *testing.T) {
	path := fifo(t)
	for _, test := range []struct {
		content   string
		truncated bool
	}{{"0123456789", false}, {"0123456789+", true}} {
		pipeR, pipeW, _ := pipe(t)
		fifoR := openSpec(t, path)
		fifoW := openSpec(t, "w:"+path)
		for r, w := range map[int]int{pipeR: pipeW, fifoR: fifoW} {
			writeTo(t, w, test.content)
			// Without a timeout: to wait for more would be to wait forever.
			wantContent(t, test.content, read(t, r, ReadOptions{Which: All, Limit: 10}), "0123456789", test.truncated, nil)
		}
	}
}

func TestFIFOIsReadUntilItsEnd(t *testing.T) {
	path := fifo(t)
	r := openSpec(t, path)
	w, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	writeTo(t, w, "to the end")
	unix.Close(w)
	wantContent(t, "FIFO", read(t, r, ReadOptions{Which: All, Limit: 100}), "to the end", false, nil)
}

// What is written while the read goes on is read as well.
func TestPipeIsReadWhileItIsWritten(t *testing.T) {
	content := numbered(1 << 20) // more than the pipe can hold at once
	r, w, closeWriter := pipe(t)
	go func() {
		defer closeWriter()
		for rest := []byte(content); len(rest) > 0; {
			n, err := unix.Write(w, rest[:min(len(rest), 5000)])
			if err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
	}()
	wantContent(t, "pipe", read(t, r, generous(All)), content, false, nil)
}

// A pipe that is never empty must not keep the reader beyond the timeout: that
// more can be read at once is no reason to go on.
func TestFullPipeIsReadNoLongerThanTheTimeout(t *testing.T) {
	const size = 1 << 20
	r, w, _ := pipe(t)
	if _, err := unix.FcntlInt(uintptr(w), unix.F_SETPIPE_SZ, size); err != nil {
		t.Skip("no pipe can hold as much:", err)
	}
	writeTo(t, w, numbered(size))
	c := read(t, r, ReadOptions{Which: All, Limit: 2 * size, Timeout: 1})
	if c.Err != ErrTimeout || len(c.Data) >= size {
		t.Errorf("error %v with %d of %d bytes, want ErrTimeout before the last", c.Err, len(c.Data), size)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	stopped := errors.New("stopped")
	r, w, _ := pipe(t)
	writeTo(t, w, "what came")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for ctx.Err() == nil { // until all has been taken out
			if left, err := unix.IoctlGetInt(w, unix.TIOCINQ); err != nil || left == 0 {
				cancel(stopped)
			}
			runtime.Gosched()
		}
	}()
	in := NewInspector()
	d := in.Describe(r)
	untouched(t, r, func() { in.Read(ctx, &d, nil, ReadOptions{Which: All, Limit: 100}) })
	wantContent(t, "pipe", d.Content, "what came", false, stopped)

	d = in.Describe(open(t, file(t, numbered(4<<20)), unix.O_RDONLY))
	in.Read(ctx, &d, nil, generous(Files))
	if d.Content.Err != stopped || len(d.Content.Data) >= 4<<20 {
		t.Errorf("file: error %v with %d bytes, want %v before the end", d.Content.Err, len(d.Content.Data), stopped)
	}
}

func TestTerminalIsReadWithAll(t *testing.T) {
	master, slave, _, closeMaster := terminal(t)
	writeTo(t, master, "typed\n")
	if err := poll.AwaitReadable(t.Context(), slave); err != nil { // the kernel takes its time
		t.Fatal(err)
	}
	c := read(t, slave, ReadOptions{Which: All, Limit: 100, Timeout: 10 * time.Millisecond})
	wantContent(t, "terminal", c, "typed\n", false, ErrTimeout)

	in := NewInspector()
	d := in.Describe(slave)
	closeMaster()
	in.Read(t.Context(), &d, nil, ReadOptions{Which: All, Limit: 100}) // there will never be more: no timeout is needed
	wantContent(t, "terminal without its master", d.Content, "", false, nil)
}

func TestArenaKeepsEarlierContents(t *testing.T) {
	contents := []string{"first", "", numbered(3 * readChunk), "fourth", numbered(readChunk), "last"}
	for _, room := range []int{0, 8, 1 << 10, 1 << 20} {
		in := NewInspector()
		before := append(make([]byte, 0, room), "before"...)
		arena := before
		ds := make([]Descriptor, len(contents))
		for i, content := range contents {
			fd := filled(t, content)
			if i%2 == 0 {
				fd = open(t, file(t, content), unix.O_RDONLY)
			}
			ds[i] = in.Describe(fd)
			arena = in.Read(t.Context(), &ds[i], arena, generous(All))
		}
		for i, content := range contents {
			wantContent(t, "number "+itoa(i), ds[i].Content, content, false, nil)
		}
		if string(before) != "before" {
			t.Errorf("room for %d: what was in the arena is %q now", room, before)
		}
		// To add to one content is not to write over the next.
		_ = append(ds[0].Content.Data, "overwritten"...)
		wantContent(t, "after the first", ds[2].Content, contents[2], false, nil)
	}
}

// Contents are not copied when one more needs more room than there is, and where
// their size is known, the room is made once.
func TestContentsStayWhereTheyWereRead(t *testing.T) {
	in := NewInspector()
	size := 3 * maxRead
	fd := open(t, file(t, numbered(size)), unix.O_RDONLY)
	var arena []byte
	allocated := testing.AllocsPerRun(10, func() {
		d := in.Describe(fd)
		arena = in.Read(t.Context(), &d, arena[:0:0], generous(Files))
		if len(d.Content.Data) != size || &d.Content.Data[0] != &arena[0] || cap(arena) > size+maxSpare {
			t.Fatalf("read %d bytes into an arena of %d", len(d.Content.Data), cap(arena))
		}
	})
	described := testing.AllocsPerRun(10, func() { in.Describe(fd) })
	if allocated > described+1 {
		t.Errorf("%v allocations to read %d bytes, want 1", allocated-described, size)
	}
	two := [2]Descriptor{in.Describe(fd), in.Describe(fd)}
	first := in.Read(t.Context(), &two[0], nil, generous(Files))
	second := in.Read(t.Context(), &two[1], first, generous(Files))
	if &two[0].Content.Data[0] != &first[0] || len(second) != size {
		t.Errorf("the second arena holds %d bytes, not the second content alone", len(second))
	}
}

func TestArenaIsUsedAgain(t *testing.T) {
	fd := open(t, file(t, "content"), unix.O_RDONLY)
	in := NewInspector()
	arena := make([]byte, 0, 100)
	for range 3 {
		d := in.Describe(fd)
		again := in.Read(t.Context(), &d, arena[:0], generous(Files))
		if &again[0] != &arena[:1][0] || string(again) != "content" {
			t.Fatalf("read %q, into other memory", again)
		}
	}
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
