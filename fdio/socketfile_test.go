package fdio

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fdmsg/fdio/internal/poll"
	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

func unixAt(path string) Address { return Address{Network: Unix, Name: path} }

// deadSocketFile leaves a socket file behind as a server that was killed does.
func deadSocketFile(t *testing.T, path string, typ int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, typ, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	name := sockname.Unix(path)
	if err := sockname.Bind(fd, &name); err != nil {
		t.Fatal(err)
	}
}

func TestSocketFileHasItsModeWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		for _, mode := range []os.FileMode{0o600, 0o666, 0o640} {
			path := filepath.Join(t.TempDir(), "s")
			old := unix.Umask(umask)
			s, err := Listen(testContext(t), unixAt(path), ListenOptions{Mode: &mode})
			unix.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			fi, err := os.Lstat(path)
			if err != nil || fi.Mode() != mode|os.ModeSocket {
				t.Errorf("umask %03o, mode %03o: the file has %v, %v", umask, mode, fi.Mode(), err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("after Close: %v", err)
			}
		}
	}
}

func TestStaleSocketFileIsReplaced(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		path := filepath.Join(t.TempDir(), "s")
		deadSocketFile(t, path, typ)
		mustListen(t, unixAt(path))
		mustDial(t, unixAt(path))
	}
}

func TestLiveServerKeepsItsPathAndNoticesNothing(t *testing.T) {
	for _, network := range []Network{Unix, UnixDatagram, UnixSeqpacket} {
		path := filepath.Join(t.TempDir(), "s")
		live := mustListen(t, Address{Network: network, Name: path})
		for _, other := range []Network{Unix, UnixDatagram, UnixSeqpacket} {
			_, err := Listen(testContext(t), Address{Network: other, Name: path}, ListenOptions{})
			if !errors.Is(err, unix.EADDRINUSE) {
				t.Errorf("%s on the path of a live %s: %v", other, network, err)
			}
		}
		if poll.Ready(live.fd, unix.POLLIN) {
			t.Errorf("a %s server was given something by the probe", network)
		}
		mustDial(t, live.Local())
	}
}

func TestWhatIsNoSocketStaysWhereItIs(t *testing.T) {
	dir := t.TempDir()
	deadSocketFile(t, dir+"/dead", unix.SOCK_STREAM)
	for name, make := range map[string]func(path string) error{
		"regular file":  func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
		"directory":     func(path string) error { return os.Mkdir(path, 0o700) },
		"symbolic link": func(path string) error { return os.Symlink("dead", path) },
		"FIFO":          func(path string) error { return unix.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Listen(testContext(t), unixAt(path), ListenOptions{})
		if !errors.Is(err, ErrInTheWay) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: it is not there any more: %v", name, err)
		}
	}
	if _, err := os.Lstat(dir + "/dead"); err != nil {
		t.Error("the target of the link:", err)
	}
}

func TestOnlyOurOwnFileIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s := mustListen(t, unixAt(path))
	if err := os.Rename(path, path+"-moved"); err != nil {
		t.Fatal(err)
	}
	other := mustListen(t, unixAt(path))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error("the file of the other server:", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

func TestOneOfManyServersGetsThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	deadSocketFile(t, path, unix.SOCK_STREAM)
	var wg sync.WaitGroup
	servers := make(chan *Socket, 50)
	for range cap(servers) {
		wg.Go(func() {
			s, err := Listen(testContext(t), unixAt(path), ListenOptions{})
			if err == nil {
				servers <- s
			} else if !errors.Is(err, unix.EADDRINUSE) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(servers)
	if len(servers) != 1 {
		t.Errorf("%d servers got the path, want 1", len(servers))
	}
	for s := range servers {
		s.Close()
	}
}

func TestLongPaths(t *testing.T) {
	dir := t.TempDir() + strings.Repeat("/"+strings.Repeat("d", 50), 4)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, network := range []Network{Unix, UnixDatagram, UnixSeqpacket} {
		a := Address{Network: network, Name: dir + "/" + string(network)}
		receiver, sender := connectedPair(t, a)
		mustSend(t, sender, text("x"))
		in := newIncoming(10, 100)
		if err := receiver.Recv(t.Context(), in, 0); err != nil {
			t.Errorf("%s: %v", network, err)
		}
		if receiver.Local() != a || sender.Peer() != a {
			t.Errorf("addresses are %s and %s, want %s", receiver.Local(), sender.Peer(), a)
		}
		_, err := Listen(testContext(t), a, ListenOptions{})
		if !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("%s: bound twice: %v", network, err)
		}
	}
	receiver := mustListen(t, abstractName(t, UnixDatagram))
	from := Address{Network: UnixDatagram, Name: dir + "/from"}
	if _, err := Dial(testContext(t), receiver.Local(), DialOptions{From: &from}); !errors.Is(err, ErrFromTooLong) {
		t.Errorf("sending from a long path: %v", err)
	}
}

// The last part of a path alone is longer than sun_path.
func TestLongFileNames(t *testing.T) {
	dir := t.TempDir()
	a := unixAt(dir + "/" + strings.Repeat("n", 255))
	deadSocketFile(t, dir+"/dead", unix.SOCK_STREAM)
	if err := os.Rename(dir+"/dead", a.Name); err != nil {
		t.Fatal(err)
	}
	l := mustListen(t, a)
	mustDial(t, a)
	if _, err := Listen(testContext(t), a, ListenOptions{}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("bound twice: %v", err)
	}
	if fi, err := os.Lstat(a.Name); err != nil || fi.Mode() != DefaultMode|os.ModeSocket {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	l.Close()
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if _, err := Listen(testContext(t), unixAt(a.Name+"n"), ListenOptions{}); !errors.Is(err, unix.ENAMETOOLONG) {
		t.Errorf("256 bytes: %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// The longest names that fit into sun_path, and one byte more.
func TestPathsAtTheLimitOfSunPath(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "fdmsg")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, n := range []int{106, 107, 108, 109} {
		a := unixAt(dir + "/" + strings.Repeat("p", n-len(dir)-1))
		l := mustListen(t, a)
		if s := mustDial(t, a); s.Peer() != a {
			t.Errorf("%d bytes: peer %s", n, s.Peer())
		}
		l.Close()
	}
	a := abstractName(t, Unix)
	a.Name += strings.Repeat("a", sockname.SunPath-len(a.Name))
	mustListen(t, a)
	if s := mustDial(t, a); s.Peer() != a {
		t.Errorf("abstract name of 107 bytes: peer %s", s.Peer())
	}
}

func TestListenErrorsNameTheDirectory(t *testing.T) {
	_, err := Listen(testContext(t), unixAt("/nonexistent/dir/s"), ListenOptions{})
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "/nonexistent/dir") {
		t.Error(err)
	}
}
