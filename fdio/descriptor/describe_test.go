package descriptor

import (
	"math"
	"os"
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
