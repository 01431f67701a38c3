package descriptor

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

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
