package descriptor

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Kind is what a descriptor refers to.
type Kind string

// The kinds that this package knows. Others have the name that /proc shows.
const (
	KindUnknown     Kind = "unknown"
	KindFile        Kind = "file"
	KindDirectory   Kind = "directory"
	KindSymlink     Kind = "symlink"
	KindPipe        Kind = "pipe"
	KindSocket      Kind = "socket"
	KindTTY         Kind = "tty"
	KindChar        Kind = "char"
	KindBlock       Kind = "block"
	KindMemfd       Kind = "memfd"
	KindEventfd     Kind = "eventfd"
	KindTimerfd     Kind = "timerfd"
	KindSignalfd    Kind = "signalfd"
	KindInotify     Kind = "inotify"
	KindFanotify    Kind = "fanotify"
	KindEpoll       Kind = "epoll"
	KindPidfd       Kind = "pidfd"
	KindIOUring     Kind = "io_uring"
	KindUserfaultfd Kind = "userfaultfd"
	KindPerfEvent   Kind = "perf_event"
	KindBPF         Kind = "bpf"
	KindNamespace   Kind = "namespace"
	KindMqueue      Kind = "mqueue"
	KindDMABuf      Kind = "dma-buf"
	KindSecretMem   Kind = "secretmem"
)

// kindRow is how descriptors of a kind are described and read.
type kindRow struct {
	kind     Kind
	describe func(*Inspector, *Descriptor)
	content  source
}

// kinds has a row for each kind of which more can be found out than its inode says.
var kinds = [...]kindRow{
	{KindFile, describeSeekable, wholeFile},
	{KindDirectory, describeSeekable, none},
	{KindSymlink, describeSymlink, none},
	{KindMemfd, describeMemfd, wholeFile},
	{KindPipe, describePipe, stream},
	{KindTTY, describeTTY, stream},
	{KindSocket, describeSocket, none},
	{KindChar, describeDevice, none},
	{KindBlock, describeDevice, none},
	{KindEventfd, describeEventfd, none},
	{KindTimerfd, describeTimerfd, none},
	{KindSignalfd, describeSignalfd, none},
	{KindInotify, describeInotify, none},
	{KindFanotify, describeFanotify, none},
	{KindEpoll, describeEpoll, none},
	{KindPidfd, describePidfd, none},
	{KindIOUring, describeIOUring, none},
	{KindUserfaultfd, describeUserfaultfd, none},
	{KindPerfEvent, describePerfEvent, none},
	{KindBPF, describeBPF, none},
	{KindNamespace, describeNamespace, none},
	{KindMqueue, describeMqueue, none},
	{KindDMABuf, describeDMABuf, none},
}

// row returns the row of k, an empty one if it has none.
func (k Kind) row() *kindRow {
	for i := range kinds {
		if kinds[i].kind == k {
			return &kinds[i]
		}
	}
	return &kindRow{}
}

// anonymous are the kinds without an inode of their own whose name in
// /proc/self/fd, after "anon_inode:", is not that of the kind.
var anonymous = [...]struct {
	name string
	kind Kind
}{
	{"[eventpoll]", KindEpoll},
	{"bpf-map", KindBPF},
	{"bpf-prog", KindBPF},
	{"bpf_link", KindBPF},
	{"bpf_iter", KindBPF},
	{"btf", KindBPF},
	{"bpf_token", KindBPF},
}

// inMemory reports whether the link of files of this kind looks like a path and is
// none.
func (k Kind) inMemory() bool { return k == KindMemfd || k == KindDMABuf || k == KindSecretMem }

// namespaces are the prefixes of the links of namespaces: namespaces(7).
var namespaces = [...]string{"cgroup:[", "ipc:[", "mnt:[", "net:[", "pid:[", "time:[", "user:[", "uts:["}

// kind finds the kind, by the type of the inode and, for what is not an ordinary
// file, by the link in /proc/self/fd. Kinds of later kernels have the name that is
// there.
func (d *Descriptor) kind(link string) Kind {
	if name, ok := strings.CutPrefix(link, "anon_inode:"); ok {
		for _, row := range anonymous {
			if row.name == name {
				return row.kind
			}
		}
		if name = strings.Trim(name, "[]"); name != "" {
			return Kind(name)
		}
		return KindUnknown
	}
	if !d.Inode.known {
		return KindUnknown
	}
	switch d.Inode.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return regularKind(&d.Inode, link)
	case unix.S_IFDIR:
		return KindDirectory
	case unix.S_IFLNK:
		return KindSymlink
	case unix.S_IFIFO:
		return KindPipe
	case unix.S_IFSOCK:
		return KindSocket
	case unix.S_IFBLK:
		return KindBlock
	case unix.S_IFCHR:
		if d.isTerminal() {
			return KindTTY
		}
		return KindChar
	}
	return KindUnknown
}

func regularKind(inode *Inode, link string) Kind {
	switch {
	case inode.Links == 0 && strings.HasPrefix(link, "/memfd:"):
		return KindMemfd
	case inode.Links <= 1 && link == "/secretmem"+deletedSuffix: // memfd_secret(2)
		return KindSecretMem
	case strings.HasPrefix(link, "/dmabuf:"):
		return KindDMABuf
	case strings.HasPrefix(link, "pidfd:"):
		return KindPidfd
	}
	for _, prefix := range namespaces {
		if strings.HasPrefix(link, prefix) {
			return KindNamespace
		}
	}
	return KindFile
}

// isTerminal reports whether d is a terminal, as isatty(3) does, except for the
// master side of a pseudo-terminal: pty(7).
func (d *Descriptor) isTerminal() bool {
	const misc = 10 // the major number of no terminal; /dev/btrfs-control accepts every ioctl
	if d.AccessPath() || d.isPtyMaster() || d.Inode.Special.Major == misc {
		return false
	}
	_, err := unix.IoctlGetTermios(d.FD, unix.TCGETS)
	return err == nil || err == unix.EIO // EIO: its master side is closed
}

func (d *Descriptor) isPtyMaster() bool {
	const ptmx = 2 // of major 5
	return d.Inode.Special == Device{5, ptmx}
}
