package descriptor

import (
	"bufio"
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mount identifies a mount by its id, which the kernel may give to a later mount,
// and by the device of the files on it.
type mount struct {
	id     uint64
	device Device
}

// knownMount is a mount that has been looked up.
type knownMount struct {
	mount mount
	fs    fileSystem
}

// maxMounts is how many mounts an Inspector remembers.
const maxMounts = 4096

// fileSystem is what is known of a type of file system.
type fileSystem struct {
	name  string // as in mountinfo, proc_pid_mountinfo(5)
	magic int64  // f_type of statfs(2)
	// pseudo: regular files are regular by name only. Reading them can block, or
	// take away what another reader waits for.
	pseudo bool
	stalls bool // a daemon or a server is behind it, which may not answer
}

// fileSystems are those that need special care, and some that may be met outside of
// this mount namespace. If several have one magic number, the first is meant.
var fileSystems = [...]fileSystem{
	{"proc", unix.PROC_SUPER_MAGIC, true, false},
	{"sysfs", unix.SYSFS_MAGIC, true, false},
	{"tracefs", unix.TRACEFS_MAGIC, true, false},
	{"debugfs", unix.DEBUGFS_MAGIC, true, false},
	{"cgroup", unix.CGROUP_SUPER_MAGIC, true, false},
	{"cgroup2", unix.CGROUP2_SUPER_MAGIC, true, false},
	{"securityfs", unix.SECURITYFS_MAGIC, true, false},
	{"selinuxfs", unix.SELINUX_MAGIC, true, false},
	{"efivarfs", unix.EFIVARFS_MAGIC, true, false},
	{"pstore", unix.PSTOREFS_MAGIC, true, false},
	{"binfmt_misc", unix.BINFMTFS_MAGIC, true, false},
	{"bpf", unix.BPF_FS_MAGIC, true, false},
	{"configfs", 0x62656570, true, false},
	{"resctrl", unix.RDTGROUP_SUPER_MAGIC, true, false},
	{"mqueue", 0x19800202, true, false},
	{"nsfs", unix.NSFS_MAGIC, true, false},
	{"functionfs", 0xa647361, true, false},
	{"xenfs", unix.XENFS_SUPER_MAGIC, true, false},
	{"rpc_pipefs", 0x67596969, true, false},
	{"fusectl", 0x65735543, true, false},
	{"nfsd", 0x6e667364, true, false},
	{"smackfs", unix.SMACK_MAGIC, true, false},
	{"fuse", unix.FUSE_SUPER_MAGIC, false, true},
	{"fuseblk", unix.FUSE_SUPER_MAGIC, false, true},
	{"nfs", unix.NFS_SUPER_MAGIC, false, true},
	{"nfs4", unix.NFS_SUPER_MAGIC, false, true},
	{"cifs", unix.CIFS_SUPER_MAGIC, false, true},
	{"smb3", unix.SMB2_SUPER_MAGIC, false, true},
	{"9p", unix.V9FS_MAGIC, false, true},
	{"ceph", unix.CEPH_SUPER_MAGIC, false, true},
	{"afs", unix.AFS_SUPER_MAGIC, false, true},
	{"virtiofs", unix.FUSE_SUPER_MAGIC, false, true},
	{"autofs", unix.AUTOFS_SUPER_MAGIC, false, true},
	{"tmpfs", unix.TMPFS_MAGIC, false, false},
	{"hugetlbfs", unix.HUGETLBFS_MAGIC, false, false},
	{"ramfs", unix.RAMFS_MAGIC, false, false},
	{"pipefs", unix.PIPEFS_MAGIC, false, false},
	{"devpts", unix.DEVPTS_SUPER_MAGIC, false, false},
	{"ext4", unix.EXT4_SUPER_MAGIC, false, false},
	{"xfs", unix.XFS_SUPER_MAGIC, false, false},
	{"btrfs", unix.BTRFS_SUPER_MAGIC, false, false},
	{"f2fs", unix.F2FS_SUPER_MAGIC, false, false},
	{"overlay", unix.OVERLAYFS_SUPER_MAGIC, false, false},
	{"squashfs", unix.SQUASHFS_MAGIC, false, false},
	{"erofs", unix.EROFS_SUPER_MAGIC_V1, false, false},
}

// placeOnMount sets the mount and the type of its file system, which is found out
// once for each mount.
func (in *Inspector) placeOnMount(d *Descriptor) {
	d.Mount = d.Inode.mount
	known := in.knownMount(d)
	d.FileSystem, d.fs = known.fs.name, known.fs
	if d.Kind == KindFile && known.fs.name == "mqueue" {
		d.Kind = KindMqueue
	}
}

// knownMount returns what is known of d's mount.
func (in *Inspector) knownMount(d *Descriptor) *knownMount {
	key := mount{d.Inode.mount, d.Inode.Device}
	if last := in.lastMount.Load(); last != nil && last.mount == key {
		return last
	}
	in.mu.Lock()
	known := in.mounts[key]
	in.mu.Unlock()
	if known == nil {
		known = &knownMount{key, findFileSystem(in.lookUpFileSystem(d))}
		in.mu.Lock()
		if len(in.mounts) >= maxMounts {
			clear(in.mounts)
		}
		in.mounts[key] = known
		in.mu.Unlock()
	}
	in.lastMount.Store(known)
	return known
}

// lookUpTimeout is how long statfs(2) may take.
const lookUpTimeout = time.Second

// lookUpFileSystem returns the type of a file system, empty if it cannot be found
// out. mountinfo answers without asking a daemon, but does not list the mounts of
// another mount namespace or of the kernel itself. statfs(2) knows those, but may
// have to wait for a daemon.
func (in *Inspector) lookUpFileSystem(d *Descriptor) string {
	if fsType, ok := lookUpMount(d.Inode.mount); ok {
		return fsType
	}
	var st unix.Statfs_t
	asked := in.stalling.run(patience{ctx: context.Background(), end: time.Now().Add(lookUpTimeout)}, d.FD, func(fd int) {
		if unix.Fstatfs(fd, &st) != nil {
			st.Type = 0
		}
	})
	if asked != nil || st.Type == 0 {
		return ""
	}
	for _, fs := range fileSystems {
		if uint32(st.Type) == uint32(fs.magic) {
			return fs.name
		}
	}
	return unknownMagic + strconv.FormatUint(uint64(uint32(st.Type)), 16)
}

// unknownMagic is the prefix of the type of a file system that has no name here.
const unknownMagic = "0x"

// findFileSystem returns what is known of a type of file system. A subtype follows
// a dot, as in fuse.sshfs.
func findFileSystem(name string) fileSystem {
	base, _, _ := strings.Cut(name, ".")
	for _, fs := range fileSystems {
		if fs.name == base {
			fs.name = name
			return fs
		}
	}
	return fileSystem{name: name, stalls: name == "" || strings.HasPrefix(name, unknownMagic)}
}

// onPseudoFileSystem reports whether d is a file of a pseudo file system.
func (d *Descriptor) onPseudoFileSystem() bool { return d.fs.pseudo }

// mayStall reports whether reading and closing d may have to wait for a daemon or a
// server, without any limit.
func (d *Descriptor) mayStall() bool {
	switch d.Kind {
	case KindFile, KindDirectory, KindSymlink:
		return d.fs.stalls
	}
	return false
}

// Stalls reports whether fd is a file with a daemon or a server behind it, so that
// reading, writing and closing it may never return.
func (in *Inspector) Stalls(fd int) bool {
	d := in.Describe(fd)
	return d.mayStall()
}

// lookUpMount returns the type of the file system of a mount: mountinfo in proc(5).
func lookUpMount(id uint64) (fsType string, ok bool) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", false
	}
	defer file.Close()
	prefix := strconv.FormatUint(id, 10) + " "
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), prefix) {
			continue
		}
		// A lone hyphen ends the optional fields, and the type follows.
		if _, tail, ok := strings.Cut(lines.Text(), " - "); ok {
			fsType, _, _ := strings.Cut(tail, " ")
			return fsType, true
		}
	}
	return "", false
}
