package descriptor

import (
	"path/filepath"
	"strconv"
	"testing"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

func TestEventfdTellsItsCount(t *testing.T) {
	fd, err := unix.Eventfd(300, unix.EFD_CLOEXEC|unix.EFD_SEMAPHORE)
	d := describe(t, owned(t, fd, err))
	if d.Kind != KindEventfd || told(d, "count") != "300" || told(d, "semaphore") != "true" || told(d, "id") == "" {
		t.Errorf("%+v", d)
	}
}

func TestTimerfdTellsClockAndTime(t *testing.T) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC)
	fd = owned(t, fd, err)
	spec := unix.ItimerSpec{Interval: unix.Timespec{Sec: 2, Nsec: 500_000_000}, Value: unix.Timespec{Sec: 1000}}
	if err := unix.TimerfdSettime(fd, 0, &spec, nil); err != nil {
		t.Fatal(err)
	}
	d := describe(t, fd)
	var remaining cmsg.Float
	for _, f := range d.Details {
		if f.Name == "remaining" {
			remaining = f.Value.(cmsg.Float)
		}
	}
	if d.Kind != KindTimerfd || told(d, "clock") != "CLOCK_BOOTTIME" || told(d, "interval") != "2.5" || told(d, "ticks") != "0" || remaining <= 900 || remaining > 1000 {
		t.Errorf("%+v", d)
	}
}

func TestSignalfdNamesItsSignals(t *testing.T) {
	var set unix.Sigset_t
	for _, s := range []unix.Signal{unix.SIGINT, unix.SIGTERM, 40} {
		set.Val[(int(s)-1)/strconv.IntSize] |= 1 << ((int(s) - 1) % strconv.IntSize)
	}
	fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC)
	d := describe(t, owned(t, fd, err))
	if d.Kind != KindSignalfd || told(d, "signals") != "[SIGINT SIGTERM 40]" {
		t.Errorf("%+v", d)
	}
}

func TestInotifyTellsItsWatches(t *testing.T) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	fd = owned(t, fd, err)
	dir := tempDir(t)
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY|unix.IN_CREATE); err != nil {
		t.Fatal(err)
	}
	in := describe(t, open(t, dir, unix.O_RDONLY)).Inode
	d := describe(t, fd)
	want := "[[{wd 1} {inode " + itoa(int(in.Number)) + "} {device " + in.Device.String() + "} {mask [IN_MODIFY IN_CREATE]}]]"
	if d.Kind != KindInotify || told(d, "watches") != want {
		t.Errorf("%+v, want %s", d.Details, want)
	}
}

func TestEpollTellsItsTargets(t *testing.T) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	fd = owned(t, fd, err)
	r, _, _ := pipe(t)
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: 7}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, r, &event); err != nil {
		t.Fatal(err)
	}
	in := describe(t, r).Inode
	d := describe(t, fd)
	want := "[[{fd " + itoa(r) + "} {events [EPOLLIN EPOLLERR EPOLLHUP EPOLLONESHOT]} {data 7} {inode " + itoa(int(in.Number)) + "} {device " + in.Device.String() + "}]]"
	if d.Kind != KindEpoll || told(d, "targets") != want {
		t.Errorf("%+v, want %s", d.Details, want)
	}
}

func TestSymlinkTellsItsTarget(t *testing.T) {
	link := filepath.Join(tempDir(t), "link")
	if err := unix.Symlink("/some\n/where", link); err != nil {
		t.Fatal(err)
	}
	d := describe(t, made(t, "opath:"+link))
	if d.Kind != KindSymlink || d.Path != link || told(d, "target") != "/some\n/where" {
		t.Errorf("%+v", d)
	}
}

func TestFileTellsItsMount(t *testing.T) {
	d := describe(t, open(t, "/proc/self/mountinfo", unix.O_RDONLY))
	if d.FileSystem != "proc" || d.Mount == 0 {
		t.Errorf("mount %d, file system %q", d.Mount, d.FileSystem)
	}
	if d := describe(t, open(t, file(t, ""), unix.O_RDONLY)); d.FileSystem == "" || d.Mount == 0 {
		t.Errorf("mount %d, file system %q", d.Mount, d.FileSystem)
	}
}
