package fdio

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

func TestZoneByNameOrNumber(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []string{"lo", fmt.Sprint(lo.Index)} {
		if index, err := zoneIndex(zone); err != nil || int(index) != lo.Index {
			t.Errorf("zone %q is interface %d, %v; want %d", zone, index, err, lo.Index)
		}
	}
	if _, err := zoneIndex("nowhere"); err == nil {
		t.Error("an interface that is not there has an index")
	}
}

func TestDialTriesEveryAddressOfAHost(t *testing.T) {
	l := mustListen(t, Address{Network: TCP6, Host: "::1", Port: "0"})
	s := mustDial(t, Address{Network: TCP, Host: "", Port: l.Local().Port}) // 127.0.0.1 first
	if got := s.Peer().String(); got != l.Local().String() {
		t.Errorf("connected to %s, want %s", got, l.Local())
	}
}

func TestDialErrors(t *testing.T) {
	dir := t.TempDir()
	stream := mustListen(t, Address{Network: Unix, Name: dir + "/stream"})
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	for _, c := range []struct {
		a    Address
		want error
	}{
		{Address{Network: Unix, Name: dir + "/none"}, unix.ENOENT},
		{Address{Network: Unix, Name: dir + "/none/s"}, unix.ENOENT},
		{Address{Network: Unix, Name: dir + "/file"}, ErrNotSocket},
		{Address{Network: UnixDatagram, Name: dir}, ErrNotSocket},
		{Address{Network: UnixDatagram, Name: stream.Local().Name}, unix.EPROTOTYPE},
		{Address{Network: Unix, Name: autobind}, ErrAutobind},
		{Address{Network: TCP, Host: "127.0.0.1", Port: port}, unix.ECONNREFUSED},
		{Address{Network: TCP6, Host: "127.0.0.1", Port: port}, errors.ErrUnsupported},
	} {
		s, err := Dial(testContext(t), c.a, DialOptions{})
		if err == nil {
			s.Close()
		}
		if c.want == errors.ErrUnsupported {
			if err == nil || !strings.Contains(err.Error(), "for tcp6") {
				t.Errorf("Dial(%s): %v", c.a, err)
			}
			continue
		}
		if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), c.a.String()+": connect: ") {
			t.Errorf("Dial(%s): %v, want %v", c.a, err, c.want)
		}
	}
}

func TestDialWaitsForTheServer(t *testing.T) {
	a := Address{Network: Unix, Name: t.TempDir() + "/s"}
	dialed := make(chan error, 1)
	go func() {
		s, err := Dial(testContext(t), a, DialOptions{Wait: 20 * time.Second})
		if err == nil {
			s.Close()
		}
		dialed <- err
	}()
	mustListen(t, a)
	if err := <-dialed; err != nil {
		t.Error(err)
	}
	_, err := Dial(testContext(t), Address{Network: Unix, Name: a.Name + "-never"}, DialOptions{Wait: 10 * time.Millisecond})
	if !errors.Is(err, unix.ENOENT) || !errors.Is(err, ErrWaited) {
		t.Errorf("after the wait: %v, want ENOENT and ErrWaited", err)
	}
}

func TestDialDoesNotWaitForWhatIsNoSocket(t *testing.T) {
	_, err := Dial(testContext(t), Address{Network: Unix, Name: t.TempDir()}, DialOptions{Wait: time.Hour})
	if !errors.Is(err, ErrNotSocket) {
		t.Errorf("%v, want ErrNotSocket", err)
	}
}

func TestDialNamesTheMissingDirectory(t *testing.T) {
	dir := t.TempDir() + "/none"
	_, err := Dial(testContext(t), Address{Network: Unix, Name: dir + "/s"}, DialOptions{})
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "directory "+dir+": ") {
		t.Errorf("%v, want ENOENT that names %s", err, dir)
	}
}

// The backlog of a Unix listener is full: connecting waits for accept.
func TestDialWaitsForAFullBacklog(t *testing.T) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	a := abstractName(t, Unix)
	name := sockname.Unix(a.Name)
	if err := errors.Join(sockname.Bind(fd, &name), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	mustDial(t, a) // the one that the backlog has room for
	dialed := make(chan error, 1)
	go func() {
		s, err := Dial(testContext(t), a, DialOptions{})
		if err == nil {
			s.Close()
		}
		dialed <- err
	}()
	nfd, _, err := unix.Accept(fd)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(nfd)
	if err := <-dialed; err != nil {
		t.Error(err)
	}
}
