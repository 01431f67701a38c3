package descriptor

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call makes a system call that x/sys/unix has no function for.
func call(number, a, b, c uintptr) (int, error) {
	fd, _, errno := unix.Syscall(number, a, b, c)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func TestKindsWithoutAnInodeOfTheirOwn(t *testing.T) {
	tests := []struct {
		kind Kind
		make func() (int, error)
	}{
		{"eventfd", func() (int, error) { return unix.Eventfd(3, unix.EFD_CLOEXEC) }},
		{"epoll", func() (int, error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) }},
		{"timerfd", func() (int, error) { return unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC) }},
		{"signalfd", func() (int, error) { return unix.Signalfd(-1, &unix.Sigset_t{}, unix.SFD_CLOEXEC) }},
		{"inotify", func() (int, error) { return unix.InotifyInit1(unix.IN_CLOEXEC) }},
		{"pidfd", func() (int, error) { return unix.PidfdOpen(os.Getpid(), 0) }},
		{"fanotify", func() (int, error) { return unix.FanotifyInit(unix.FAN_CLOEXEC|unix.FAN_REPORT_FID, unix.O_RDONLY) }},
		{"perf_event", func() (int, error) {
			attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY, Bits: unix.PerfBitDisabled | unix.PerfBitExcludeKernel}
			attr.Size = uint32(unsafe.Sizeof(attr))
			return unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		}},
		{"userfaultfd", func() (int, error) {
			const userModeOnly = 1
			return call(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|userModeOnly, 0, 0)
		}},
		{"io_uring", func() (int, error) {
			var params [120]byte // struct io_uring_params
			fd, err := call(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
			runtime.KeepAlive(&params)
			return fd, err
		}},
		{"bpf", func() (int, error) {
			attr := [32]uint32{0: unix.BPF_MAP_TYPE_ARRAY, 1: 4, 2: 4, 3: 1} // type, key size, value size, entries
			fd, err := call(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
			runtime.KeepAlive(&attr)
			return fd, err
		}},
	}
	for _, test := range tests {
		t.Run(string(test.kind), func(t *testing.T) {
			fd, err := test.make()
			if err != nil {
				t.Skip("not to be had here:", err)
			}
			d := describe(t, owned(t, fd, nil))
			if d.Kind != test.kind {
				t.Errorf("%q is of the kind %q", d.Name, d.Kind)
			}
			if d.Path != "" || d.Deleted || !strings.Contains(d.Name, ":") {
				t.Errorf("path %q, deleted %v, name %q; want a name alone", d.Path, d.Deleted, d.Name)
			}
			if _, rest := namesOf(d.Flags&^unix.O_ACCMODE, StatusFlags); rest != 0 {
				t.Errorf("flags %#x: %#x has no name", d.Flags, rest)
			}
			wantNothing(t, "content", read(t, fd, generous(All)))
		})
	}
}

func TestDescribeNamespaces(t *testing.T) {
	for _, name := range []string{"net", "mnt", "pid", "user", "uts", "ipc", "cgroup", "time"} {
		path := "/proc/self/ns/" + name
		link, err := os.Readlink(path)
		if err != nil {
			continue // not in this kernel
		}
		fd := open(t, path, unix.O_RDONLY)
		if d := describe(t, fd); d.Kind != "namespace" || d.Name != link || d.Path != "" {
			t.Errorf("%s: kind %q, name %q, path %q; want namespace, %q", name, d.Kind, d.Name, d.Path, link)
		}
		wantNothing(t, name, read(t, fd, generous(All)))
	}
}

func TestNewAnonymousInodeGoesByItsName(t *testing.T) {
	d := Descriptor{Inode: Inode{known: true}}
	for link, want := range map[string]Kind{
		"anon_inode:[something new]": "something new", "anon_inode:kvm-vm": "kvm-vm",
		"anon_inode:": KindUnknown, "anon_inode:[]": KindUnknown,
	} {
		if got := d.kind(link); got != want {
			t.Errorf("%s: kind %q, want %q", link, got, want)
		}
	}
}
