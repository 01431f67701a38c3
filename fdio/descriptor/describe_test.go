package descriptor

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wantInode compares what is known of an inode with what stat(2) says.
func wantInode(t *testing.T, name string, got *Inode, fd int) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	want := Inode{
		Mode: st.Mode, UID: st.Uid, GID: st.Gid, Size: st.Size,
		Device:   Device{unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev))},
		Special:  Device{unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))},
		Number:   st.Ino,
		Links:    uint32(st.Nlink),
		Modified: time.Unix(int64(st.Mtim.Sec), int64(st.Mtim.Nsec)),
		mount:    got.mount,
		known:    true,
	}
	if *got != want || !got.Known() {
		t.Errorf("%s: inode\ngot  %+v\nwant %+v", name, *got, want)
	}
}

func TestDescribeFile(t *testing.T) {
	path := file(t, "time temp\n")
	modified := time.Unix(1234567890, 123456789)
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	fd := open(t, path, unix.O_RDWR|unix.O_APPEND)
	if _, err := unix.Seek(fd, 5, unix.SEEK_SET); err != nil {
		t.Fatal(err)
	}
	d := describe(t, fd)
	if d.Kind != KindFile || d.Path != path || d.Deleted || d.Name != "" {
		t.Errorf("kind %q, path %q, deleted %v, name %q; want file, %q", d.Kind, d.Path, d.Deleted, d.Name, path)
	}
	if d.Flags != statusFlags(t, fd) || !d.Readable() || !d.Writable() || d.AccessPath() {
		t.Errorf("flags %#x, want %#x, for reading and writing", d.Flags, statusFlags(t, fd))
	}
	if names, rest := namesOf(d.Flags&^unix.O_ACCMODE, StatusFlags); !slices.Equal(names, []string{"O_APPEND", "O_LARGEFILE"}) || rest != 0 {
		t.Errorf("flags %v and %#x, want O_APPEND and O_LARGEFILE", names, rest)
	}
	if !d.HasOffset || d.Offset != 5 {
		t.Errorf("offset %d, %v; want 5", d.Offset, d.HasOffset)
	}
	wantInode(t, path, &d.Inode, fd)
	if in := &d.Inode; in.Mode != unix.S_IFREG|0o4644 || in.Size != 10 || in.Links != 1 || !in.Modified.Equal(modified) ||
		in.UID != uint32(os.Geteuid()) {
		t.Errorf("inode %+v", in)
	}
	if d.Details != nil {
		t.Errorf("a file is something else as well: %+v", d)
	}
	wantNothing(t, "content", d.Content)
}

func TestDescribeSaysTheAccess(t *testing.T) {
	path := file(t, "")
	tests := []struct {
		flags                      int
		readable, writable, byPath bool
	}{
		{unix.O_RDONLY, true, false, false},
		{unix.O_WRONLY, false, true, false},
		{unix.O_RDWR, true, true, false},
		{unix.O_PATH, false, false, true},
	}
	for _, test := range tests {
		d := describe(t, open(t, path, test.flags))
		if d.Readable() != test.readable || d.Writable() != test.writable || d.AccessPath() != test.byPath {
			t.Errorf("flags %#x: readable %v, writable %v, O_PATH %v", test.flags, d.Readable(), d.Writable(), d.AccessPath())
		}
		if d.Path != path || d.Kind != KindFile {
			t.Errorf("flags %#x: %q, a %s", test.flags, d.Path, d.Kind)
		}
		if _, rest := namesOf(d.Flags&^unix.O_ACCMODE, StatusFlags); rest != 0 {
			t.Errorf("flags %#x: %#x has no name", test.flags, rest)
		}
	}
}

func TestStatusFlagsHaveTheirNames(t *testing.T) {
	path := file(t, "")
	tests := []struct {
		flags int
		want  []string
	}{
		{unix.O_SYNC, []string{"O_SYNC", "O_LARGEFILE"}},
		{unix.O_DSYNC, []string{"O_DSYNC", "O_LARGEFILE"}},
		{unix.O_NONBLOCK, []string{"O_NONBLOCK", "O_LARGEFILE"}},
		{unix.O_NOATIME, []string{"O_NOATIME", "O_LARGEFILE"}},
		{unix.O_NOFOLLOW, []string{"O_NOFOLLOW", "O_LARGEFILE"}},
	}
	for _, test := range tests {
		d := describe(t, open(t, path, test.flags))
		if names, rest := namesOf(d.Flags&^unix.O_ACCMODE, StatusFlags); !slices.Equal(names, test.want) || rest != 0 {
			t.Errorf("%#x: %v and %#x, want %v", test.flags, names, rest, test.want)
		}
	}
}

func TestDescribeNamesFiles(t *testing.T) {
	tests := []struct {
		name    string
		make    func(dir string) (fd int)
		path    string
		deleted bool
	}{
		{"a file", func(dir string) int {
			return open(t, dir+"/f", unix.O_RDWR|unix.O_CREAT)
		}, "/f", false},
		{"a deleted file", func(dir string) int {
			fd := open(t, dir+"/f", unix.O_RDWR|unix.O_CREAT)
			unix.Unlink(dir + "/f")
			return fd
		}, "/f", true},
		{"a file whose name ends in the mark", func(dir string) int {
			return open(t, dir+"/f (deleted)", unix.O_RDWR|unix.O_CREAT)
		}, "/f (deleted)", false},
		{"a file that is called nothing but the mark", func(dir string) int {
			return open(t, dir+"/ (deleted)", unix.O_RDWR|unix.O_CREAT)
		}, "/ (deleted)", false},
		{"a deleted file whose name ended in the mark", func(dir string) int {
			fd := open(t, dir+"/f (deleted)", unix.O_RDWR|unix.O_CREAT)
			unix.Unlink(dir + "/f (deleted)")
			return fd
		}, "/f (deleted)", true},
		{"a deleted file next to one that is called like its mark", func(dir string) int {
			write(t, dir+"/f (deleted)", "")
			fd := open(t, dir+"/f", unix.O_RDWR|unix.O_CREAT)
			unix.Unlink(dir + "/f")
			return fd
		}, "/f", true},
		{"a hard link whose one name was removed", func(dir string) int {
			fd := open(t, dir+"/f", unix.O_RDWR|unix.O_CREAT)
			if err := os.Link(dir+"/f", dir+"/g"); err != nil {
				t.Fatal(err)
			}
			unix.Unlink(dir + "/f")
			return fd
		}, "/f", true},
		{"a hard link whose one name was removed, next to a file that is called like its mark", func(dir string) int {
			write(t, dir+"/f (deleted)", "")
			fd := open(t, dir+"/f", unix.O_RDWR|unix.O_CREAT)
			if err := os.Link(dir+"/f", dir+"/g"); err != nil {
				t.Fatal(err)
			}
			unix.Unlink(dir + "/f")
			return fd
		}, "/f", true},
		{"a hard link whose other name was removed", func(dir string) int {
			fd := open(t, dir+"/f", unix.O_RDWR|unix.O_CREAT)
			if err := os.Link(dir+"/f", dir+"/g"); err != nil {
				t.Fatal(err)
			}
			unix.Unlink(dir + "/g")
			return fd
		}, "/f", false},
		{"a file that another one took the place of", func(dir string) int {
			fd := open(t, dir+"/f", unix.O_RDWR|unix.O_CREAT)
			write(t, dir+"/g", "")
			if err := os.Rename(dir+"/g", dir+"/f"); err != nil {
				t.Fatal(err)
			}
			return fd
		}, "/f", true},
		{"a file that was renamed", func(dir string) int {
			fd := open(t, dir+"/f", unix.O_RDWR|unix.O_CREAT)
			if err := os.Rename(dir+"/f", dir+"/g"); err != nil {
				t.Fatal(err)
			}
			return fd
		}, "/g", false},
		{"a name that is not UTF-8", func(dir string) int {
			return open(t, dir+"/\xff\n", unix.O_RDWR|unix.O_CREAT)
		}, "/\xff\n", false},
		{"a file opened through a symlink", func(dir string) int {
			write(t, dir+"/f", "")
			if err := os.Symlink("f", dir+"/l"); err != nil {
				t.Fatal(err)
			}
			return open(t, dir+"/l", unix.O_RDONLY)
		}, "/f", false},
	}
	for _, test := range tests {
		dir := tempDir(t)
		d := describe(t, test.make(dir))
		if d.Kind != KindFile || d.Path != dir+test.path || d.Deleted != test.deleted || d.Name != "" {
			t.Errorf("%s: kind %q, path %q, deleted %v, name %q; want file, %q, %v",
				test.name, d.Kind, d.Path, d.Deleted, d.Name, dir+test.path, test.deleted)
		}
	}
}

func TestDescribeDirectory(t *testing.T) {
	dir := tempDir(t)
	fd := open(t, dir, unix.O_RDONLY|unix.O_DIRECTORY)
	d := describe(t, fd)
	if d.Kind != KindDirectory || d.Path != dir || d.Deleted || !d.HasOffset || d.Offset != 0 {
		t.Errorf("%+v", d)
	}
	wantInode(t, dir, &d.Inode, fd)

	gone := filepath.Join(dir, "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	fd = open(t, gone, unix.O_RDONLY|unix.O_DIRECTORY)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	if d := describe(t, fd); d.Kind != KindDirectory || d.Path != gone || !d.Deleted {
		t.Errorf("a removed directory: %+v", d)
	}
}

func TestDescribeSymlink(t *testing.T) {
	path := filepath.Join(tempDir(t), "link")
	if err := os.Symlink("/nowhere", path); err != nil {
		t.Fatal(err)
	}
	fd := open(t, path, unix.O_PATH|unix.O_NOFOLLOW)
	d := describe(t, fd)
	if d.Kind != KindSymlink || d.Path != path || d.Deleted || d.HasOffset {
		t.Errorf("%+v", d)
	}
	if d.Readable() || d.Writable() || !d.AccessPath() {
		t.Errorf("flags %#x, want no access", d.Flags)
	}
	wantInode(t, path, &d.Inode, fd)
	if d.Inode.Size != int64(len("/nowhere")) {
		t.Errorf("size %d, want %d", d.Inode.Size, len("/nowhere"))
	}
}

func TestDescribePipe(t *testing.T) {
	r, w, _ := pipe(t)
	capacity, err := unix.FcntlInt(uintptr(r), unix.F_SETPIPE_SZ, 4*os.Getpagesize())
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(w, true); err != nil {
		t.Fatal(err)
	}
	for _, available := range []int{0, 12} {
		writeTo(t, w, "Hello, pipe."[:available])
		for _, fd := range []int{r, w} {
			d := describe(t, fd)
			if d.Kind != KindPipe || told(d, "capacity") != itoa(capacity) || told(d, "available") != itoa(available) || told(d, "end") != map[bool]string{true: "read", false: "write"}[fd == r] {
				t.Errorf("a %s, %+v, want %d of %d bytes", d.Kind, d.Details, available, capacity)
			}
			if d.Path != "" || d.Name != "pipe:["+itoa(int(d.Inode.Number))+"]" || d.HasOffset {
				t.Errorf("path %q, name %q, offset %v", d.Path, d.Name, d.HasOffset)
			}
			if d.Readable() != (fd == r) || d.Writable() != (fd == w) || (d.Flags&unix.O_NONBLOCK != 0) != (fd == w) {
				t.Errorf("flags %#x", d.Flags)
			}
			wantInode(t, "pipe", &d.Inode, fd)
		}
	}
}

func TestDescribeFIFO(t *testing.T) {
	path := fifo(t)
	fd := open(t, path, unix.O_RDWR)
	writeTo(t, fd, "Hello")
	d := describe(t, fd)
	if d.Kind != KindPipe || d.Path != path || d.Name != "" || told(d, "available") != "5" || told(d, "capacity") == "" || told(d, "end") != "both" {
		t.Errorf("%+v", d)
	}
	wantInode(t, path, &d.Inode, fd)
	if d := describe(t, open(t, path, unix.O_PATH)); d.Kind != KindPipe || d.Details != nil || d.Path != path {
		t.Errorf("with O_PATH: %+v", d)
	}
}

func TestDescribeTerminal(t *testing.T) {
	master, slave, path, _ := terminal(t)
	size := unix.Winsize{Row: 50, Col: 132}
	if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &size); err != nil {
		t.Fatal(err)
	}
	d := describe(t, slave)
	if d.Kind != KindTTY || d.Path != path || d.Details == nil || d.HasOffset {
		t.Fatalf("%+v", d)
	}
	wantInode(t, path, &d.Inode, slave)
	if told(d, "rows") != "50" || told(d, "columns") != "132" || told(d, "device") != d.Inode.Special.String() || d.Inode.Special.Major != 136 {
		t.Errorf("%+v, want 50 rows, 132 columns, device %v", d.Details, d.Inode.Special)
	}
	if d := describe(t, master); d.Kind != KindChar || d.Inode.Special != (Device{5, 2}) {
		t.Errorf("the master side: %+v", d)
	}
	if d := describe(t, open(t, path, unix.O_PATH)); d.Kind != KindChar {
		t.Errorf("with O_PATH: %+v", d)
	}
}

func TestDescribeCharacterDevice(t *testing.T) {
	fd := open(t, "/dev/null", unix.O_RDWR)
	d := describe(t, fd)
	if d.Kind != KindChar || d.Path != "/dev/null" || d.Inode.Special != (Device{1, 3}) || d.Inode.Special.String() != "1:3" {
		t.Errorf("%+v", d)
	}
	wantInode(t, "/dev/null", &d.Inode, fd)
}

func TestDescribeBlockDevice(t *testing.T) {
	entries, err := os.ReadDir("/dev")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(entries, func(e os.DirEntry) bool { return e.Type() == os.ModeDevice })
	if i < 0 {
		t.Skip("no block device in /dev")
	}
	path := "/dev/" + entries[i].Name()
	fd := open(t, path, unix.O_PATH) // which needs no permission
	d := describe(t, fd)
	if d.Kind != KindBlock || d.Path != path {
		t.Errorf("%+v", d)
	}
	wantInode(t, path, &d.Inode, fd)
}

func TestDescribeMemfd(t *testing.T) {
	fd, err := unix.MemfdCreate("data (deleted)", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	fd = owned(t, fd, err)
	writeTo(t, fd, "0123456789")
	if d := describe(t, fd); told(d, "seals") != "[]" {
		t.Errorf("without seals: %+v", d.Details)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK); err != nil {
		t.Fatal(err)
	}
	d := describe(t, fd)
	if d.Kind != KindMemfd || d.Path != "" || d.Deleted || d.Name != "/memfd:data (deleted) (deleted)" {
		t.Errorf("kind %q, path %q, deleted %v, name %q", d.Kind, d.Path, d.Deleted, d.Name)
	}
	if told(d, "seals") != "[F_SEAL_SHRINK F_SEAL_WRITE]" {
		t.Errorf("seals %+v", d.Details)
	}
	if !d.HasOffset || d.Offset != 10 || d.Inode.Size != 10 || d.Inode.Links != 0 {
		t.Errorf("offset %d, inode %+v", d.Offset, d.Inode)
	}
}

func TestMemfdThatMayNotBeSealedIsSealed(t *testing.T) {
	fd, err := unix.MemfdCreate("", unix.MFD_CLOEXEC)
	d := describe(t, owned(t, fd, err))
	if d.Kind != KindMemfd || told(d, "seals") != "[F_SEAL_SEAL]" {
		t.Errorf("%+v", d)
	}
}

func TestDescribeWhatIsNotOpen(t *testing.T) {
	in := NewInspector() // it has a descriptor of its own
	fd, err := unix.Dup(open(t, "/dev/null", unix.O_RDONLY))
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	d := in.Describe(fd)
	if d.Kind != KindUnknown || d.Path != "" || d.Name != "" || d.Inode.Known() {
		t.Errorf("%+v, want nothing", d)
	}
	in.Read(t.Context(), &d, nil, generous(All))
	wantNothing(t, "content", d.Content)
}

func TestFileOf4GiBHasItsSizeAndOffset(t *testing.T) {
	const size = math.MaxUint32 + 10
	path := file(t, "")
	if err := os.Truncate(path, size); err != nil {
		t.Skip("no large files there:", err)
	}
	fd := openSpec(t, path)
	if _, err := unix.Seek(fd, size-3, unix.SEEK_SET); err != nil {
		t.Fatal(err)
	}
	if d := describe(t, fd); d.Inode.Size != size || d.Offset != size-3 {
		t.Errorf("size %d, offset %d", d.Inode.Size, d.Offset)
	}
}

func TestInspectorServesManyGoroutinesAtOnce(t *testing.T) {
	path := file(t, "content")
	status := open(t, "/proc/self/status", unix.O_RDONLY)
	_, slave, _, _ := terminal(t)
	if err := unix.SetNonblock(slave, true); err != nil {
		t.Fatal(err)
	}
	fds := []int{open(t, path, unix.O_RDONLY), status, slave}
	in := NewInspector()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				for _, fd := range fds {
					d := in.Describe(fd)
					in.Read(t.Context(), &d, nil, ReadOptions{Which: All, Limit: 1 << 20, Timeout: time.Microsecond})
					if fd == fds[0] && string(d.Content.Data) != "content" {
						t.Errorf("read %q", d.Content.Data)
					}
				}
			}
		})
	}
	all.Wait()
}

func TestOurControllingTerminalIsNeverRead(t *testing.T) {
	master, slave, path, _ := terminal(t)
	writeTo(t, master, "secret\n")
	attr := &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if !inChild(t, attr, os.NewFile(uintptr(dup(t, slave)), path)) {
		return
	}
	for _, fd := range []int{3, open(t, "/dev/tty", unix.O_RDWR)} {
		if d := describe(t, fd); d.Kind != KindTTY {
			t.Errorf("%+v", d)
		}
		for _, which := range []Which{Files, All, Nothing} {
			wantNothing(t, string(which), read(t, fd, ReadOptions{Which: which, Limit: 100, Timeout: time.Second}))
		}
	}
}

func dup(t testing.TB, fd int) int {
	t.Helper()
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

func BenchmarkDescribe(b *testing.B) {
	r, _, _ := pipe(b)
	fds := []struct {
		name string
		fd   int
	}{
		{"file", open(b, file(b, "content"), unix.O_RDONLY)},
		{"pipe", r},
		{"socket", newSocket(b, unix.AF_UNIX, unix.SOCK_STREAM)},
	}
	for _, f := range fds {
		b.Run(f.name, func(b *testing.B) {
			in := NewInspector()
			b.ReportAllocs()
			for b.Loop() {
				in.Describe(f.fd)
			}
		})
	}
}
