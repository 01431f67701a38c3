package descriptor

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Descriptor is what is known of an open file descriptor. Which fields are set
// depends on its Kind. It does not own the descriptor.
type Descriptor struct {
	FD   int
	Kind Kind

	Path    string // where it has one in the file system, absolute
	Deleted bool   // the path is gone
	Name    string // what /proc calls it, where it has no path

	Flags int // open file description: F_GETFL of fcntl(2), access mode included

	Inode      Inode
	Mount      uint64 // id of the mount, as in mountinfo; 0: not known
	FileSystem string // type of the mount's file system, ext4 for example
	fs         fileSystem
	Offset     int64 // files, directories
	HasOffset  bool

	// Details are what only descriptors of this kind have.
	Details []cmsg.Field

	Content Content
}

// Inode is what statx(2) returns.
type Inode struct {
	Mode     uint32 // type and permissions: inode(7)
	UID, GID uint32
	Size     int64 // bytes
	Device   Device
	Special  Device // of a character or block device: which one
	Number   uint64
	Links    uint32
	Modified time.Time
	mount    uint64
	known    bool
}

// Known reports whether statx(2) succeeded.
func (i *Inode) Known() bool { return i.known }

// Device is a device number: makedev(3).
type Device struct{ Major, Minor uint32 }

// String returns MAJOR:MINOR, as mountinfo has it: proc(5).
func (d Device) String() string {
	return strconv.FormatUint(uint64(d.Major), 10) + ":" + strconv.FormatUint(uint64(d.Minor), 10)
}

// AccessPath reports whether the descriptor was opened with O_PATH, and can neither
// be read nor written.
func (d *Descriptor) AccessPath() bool { return d.Flags&unix.O_PATH != 0 }

// Readable reports whether the descriptor was opened for reading.
func (d *Descriptor) Readable() bool {
	return !d.AccessPath() && (d.Flags&unix.O_ACCMODE == unix.O_RDONLY || d.Flags&unix.O_ACCMODE == unix.O_RDWR)
}

// Writable reports whether the descriptor was opened for writing.
func (d *Descriptor) Writable() bool {
	return !d.AccessPath() && (d.Flags&unix.O_ACCMODE == unix.O_WRONLY || d.Flags&unix.O_ACCMODE == unix.O_RDWR)
}

// Inspector describes and reads descriptors, and remembers what it learns about
// mounts. Several goroutines may use it at once.
type Inspector struct {
	own   *os.File // /proc/self/fd; nil: it cannot be had
	ownFD int

	lastMount atomic.Pointer[knownMount]
	names     names

	mu     sync.Mutex
	mounts map[mount]*knownMount

	stalling *stalling

	terminal     Device // our controlling terminal, never read
	findTerminal sync.Once
}

// NewInspector returns an Inspector. It has a descriptor open until Release.
func NewInspector() *Inspector {
	in := &Inspector{mounts: make(map[mount]*knownMount), stalling: newStalling()}
	if in.own = ownDescriptors(); in.own != nil {
		in.ownFD = int(in.own.Fd())
	}
	return in
}

// Release releases what the Inspector holds. It must not be used after that.
func (in *Inspector) Release() error {
	if in.own == nil {
		return nil
	}
	return in.own.Close()
}

const statxMask = unix.STATX_BASIC_STATS | unix.STATX_MNT_ID

// Describe says what fd is. It does not read from fd or change anything about it,
// and does not ask the daemon of a network or FUSE mount. What cannot be found out
// is left zero.
func (in *Inspector) Describe(fd int) Descriptor {
	return in.AppendDescription(nil, fd)[0]
}

// AppendDescription appends what Describe returns for fd to ds.
func (in *Inspector) AppendDescription(ds []Descriptor, fd int) []Descriptor {
	ds = append(ds, Descriptor{FD: fd})
	in.describe(&ds[len(ds)-1])
	return ds
}

func (in *Inspector) describe(d *Descriptor) {
	fd := d.FD
	d.Flags = openFlags(fd)
	var st unix.Statx_t
	if statxSelf(fd, &st) == nil {
		d.Inode = inodeOf(&st)
	}
	link := in.readLink(fd)
	d.Kind = d.kind(link)
	if d.Inode.known && !d.Kind.inMemory() && (link == "" || link[0] == '/') {
		in.placeOnMount(d)
	}
	d.setName(link)
	if describe := d.Kind.row().describe; describe != nil {
		describe(in, d)
	}
}

// detail adds a field to the details.
func (d *Descriptor) detail(name string, value cmsg.Value) {
	d.Details = append(d.Details, cmsg.Field{Name: name, Value: value})
}

func inodeOf(st *unix.Statx_t) Inode {
	return Inode{
		known:    true,
		Mode:     uint32(st.Mode),
		UID:      st.Uid,
		GID:      st.Gid,
		Size:     int64(st.Size),
		Device:   Device{st.Dev_major, st.Dev_minor},
		Special:  Device{st.Rdev_major, st.Rdev_minor},
		Number:   st.Ino,
		Links:    st.Nlink,
		Modified: time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec)),
		mount:    st.Mnt_id,
	}
}

// ownDescriptors opens the directory that readLink reads in: finding it each time
// would be half the cost of describing a file.
func ownDescriptors() *os.File {
	fd, err := unix.Open("/proc/self/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), "/proc/self/fd")
}

// readLink returns what fd is by its link in /proc/self/fd, proc(5), empty if that
// cannot be read.
func (in *Inspector) readLink(fd int) string {
	if in.own == nil {
		return ""
	}
	var buf [20]byte // for an int
	name := append(strconv.AppendInt(buf[:0], int64(fd), 10), 0)
	var most [256]byte // of nearly all
	n, err := readlinkat(in.ownFD, name, most[:])
	switch {
	case err != nil:
		return ""
	case n < len(most):
		return in.names.text(most[:n])
	}
	all := make([]byte, unix.PathMax)
	if n, err = readlinkat(in.ownFD, name, all); err != nil {
		return ""
	}
	return string(all[:n])
}

// names are links that were read recently, since the same files come again and
// again.
type names struct {
	mu    sync.Mutex
	texts [64]string
}

// text returns link as a string.
func (n *names) text(link []byte) string {
	var hash uint
	for _, c := range link[max(len(link)-16, 0):] { // where names differ
		hash = hash*31 + uint(c)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	place := &n.texts[hash%uint(len(n.texts))]
	if *place != string(link) {
		*place = string(link)
	}
	return *place
}

const deletedSuffix = " (deleted)"

func (d *Descriptor) setName(link string) {
	if !strings.HasPrefix(link, "/") || d.Kind.inMemory() {
		d.Name = link
		return
	}
	d.Path = link
	path, marked := strings.CutSuffix(link, deletedSuffix)
	if marked && d.gone(link) {
		d.Path, d.Deleted = path, true
	}
}

// gone reports whether the suffix of link is the kernel's mark, and not the end of
// the file's name.
func (d *Descriptor) gone(link string) bool {
	if d.Inode.Links == 0 || d.mayStall() {
		return true
	}
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, link, unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_DONT_SYNC|unix.AT_NO_AUTOMOUNT, statxMask, &st)
	return err != nil || st.Ino != d.Inode.Number || (Device{st.Dev_major, st.Dev_minor}) != d.Inode.Device
}
