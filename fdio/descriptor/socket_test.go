package descriptor

import (
	"path/filepath"
	"strings"
	"testing"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

func newSocket(t testing.TB, domain, typ int) int {
	t.Helper()
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT {
		t.Skip("the kernel has no such sockets:", domain)
	}
	return owned(t, fd, err)
}

func bound(t testing.TB, domain, typ int, name unix.Sockaddr) int {
	t.Helper()
	fd := newSocket(t, domain, typ)
	err := unix.Bind(fd, name)
	if err == unix.EADDRNOTAVAIL && domain == unix.AF_INET6 {
		t.Skip("no IPv6 here")
	}
	if err != nil {
		t.Fatal("bind:", err)
	}
	return fd
}

func listening(t testing.TB, domain, typ int, name unix.Sockaddr) int {
	t.Helper()
	fd := bound(t, domain, typ, name)
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal("listen:", err)
	}
	return fd
}

// connected connects a new socket to the one that server is.
func connected(t testing.TB, domain, typ, server int) int {
	t.Helper()
	name, err := unix.Getsockname(server)
	if err != nil {
		t.Fatal(err)
	}
	fd := newSocket(t, domain, typ)
	if err := unix.Connect(fd, name); err != nil {
		t.Fatal("connect:", err)
	}
	return fd
}

func accepted(t testing.TB, server int) int {
	t.Helper()
	fd, _, err := unix.Accept4(server, unix.SOCK_CLOEXEC)
	return owned(t, fd, err)
}

// shown is what is told of a socket, with addresses as text.
type shown struct{ domain, typ, protocol, state, local, peer string }

func wantSocket(t *testing.T, name string, fd int, want shown) {
	t.Helper()
	d := describe(t, fd)
	if d.Kind != KindSocket || d.Details == nil {
		t.Errorf("%s: kind %q, details %v", name, d.Kind, d.Details)
		return
	}
	got := shown{told(d, "domain"), told(d, "type"), told(d, "protocol"), told(d, "state"), told(d, "local"), told(d, "peer")}
	if got != want {
		t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, want)
	}
	if !d.Readable() || !d.Writable() {
		t.Errorf("%s: flags %#x, want read and write access", name, d.Flags)
	}
}

var unixTypes = []struct {
	typ     int
	name    string
	network string
}{
	{unix.SOCK_STREAM, "stream", "unix"},
	{unix.SOCK_DGRAM, "dgram", "unix-dgram"},
	{unix.SOCK_SEQPACKET, "seqpacket", "unix-seqpacket"},
}

func TestDescribeUnixSocketPair(t *testing.T) {
	for _, test := range unixTypes {
		pair, err := unix.Socketpair(unix.AF_UNIX, test.typ|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range pair {
			wantSocket(t, test.name, owned(t, fd, nil), shown{"unix", test.name, "", "connected", "", ""})
		}
	}
}

func TestDescribeUnixSocketsWithNames(t *testing.T) {
	names := []string{
		filepath.Join(tempDir(t), "path "),
		"@fdmsg test " + itoa(unix.Getpid()) + " ",
		filepath.Join(tempDir(t), "\xff"),
	}
	for _, prefix := range names {
		for _, test := range unixTypes {
			name := prefix + test.name
			address := fdio.Address{Network: fdio.Network(test.network), Name: name}
			if abstract, ok := strings.CutPrefix(name, "@"); ok {
				address.Name = "\x00" + abstract
			}
			text := address.String()
			server := bound(t, unix.AF_UNIX, test.typ, &unix.SockaddrUnix{Name: name})
			wantSocket(t, "bound "+text, server, shown{"unix", test.name, "", "bound", text, ""})
			if test.typ != unix.SOCK_DGRAM {
				if err := unix.Listen(server, 1); err != nil {
					t.Fatal(err)
				}
				wantSocket(t, "listening "+text, server, shown{"unix", test.name, "", "listen", text, ""})
			}
			client := connected(t, unix.AF_UNIX, test.typ, server)
			wantSocket(t, "client of "+text, client, shown{"unix", test.name, "", "connected", "", text})
			if test.typ != unix.SOCK_DGRAM {
				wantSocket(t, "accepted by "+text, accepted(t, server), shown{"unix", test.name, "", "connected", text, ""})
			}
		}
	}
}

func TestDescribeSocketsOverLoopback(t *testing.T) {
	loopbacks := []struct {
		domain int
		name   string
		any    unix.Sockaddr
		host   string
	}{
		{unix.AF_INET, "inet", &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, "127.0.0.1"},
		{unix.AF_INET6, "inet6", &unix.SockaddrInet6{Addr: [16]byte{15: 1}}, "[::1]"},
	}
	for _, loopback := range loopbacks {
		address := func(scheme string, fd int) string {
			name, err := unix.Getsockname(fd)
			if err != nil {
				t.Fatal(err)
			}
			port := 0
			switch name := name.(type) {
			case *unix.SockaddrInet4:
				port = name.Port
			case *unix.SockaddrInet6:
				port = name.Port
			}
			return scheme + ":" + loopback.host + ":" + itoa(port)
		}
		t.Run("tcp "+loopback.name, func(t *testing.T) {
			fresh := bound(t, loopback.domain, unix.SOCK_STREAM, loopback.any)
			wantSocket(t, "bound", fresh, shown{loopback.name, "stream", "tcp", "bound", address("tcp", fresh), ""})
			server := listening(t, loopback.domain, unix.SOCK_STREAM, loopback.any)
			wantSocket(t, "listening", server, shown{loopback.name, "stream", "tcp", "listen", address("tcp", server), ""})
			client := connected(t, loopback.domain, unix.SOCK_STREAM, server)
			wantSocket(t, "client", client, shown{loopback.name, "stream", "tcp", "connected", address("tcp", client), address("tcp", server)})
			wantSocket(t, "accepted", accepted(t, server), shown{loopback.name, "stream", "tcp", "connected", address("tcp", server), address("tcp", client)})
		})
		t.Run("udp "+loopback.name, func(t *testing.T) {
			server := bound(t, loopback.domain, unix.SOCK_DGRAM, loopback.any)
			wantSocket(t, "bound", server, shown{loopback.name, "dgram", "udp", "bound", address("udp", server), ""})
			client := connected(t, loopback.domain, unix.SOCK_DGRAM, server)
			wantSocket(t, "client", client, shown{loopback.name, "dgram", "udp", "connected", address("udp", client), address("udp", server)})
		})
	}
}

func TestSocketThatIsNotBoundIsUnconnected(t *testing.T) {
	tests := []struct {
		domain, typ int
		name        string
	}{
		{unix.AF_UNIX, unix.SOCK_STREAM, "unix stream"},
		{unix.AF_UNIX, unix.SOCK_DGRAM, "unix dgram"},
		{unix.AF_INET, unix.SOCK_STREAM, "tcp over IPv4"},
		{unix.AF_INET, unix.SOCK_DGRAM, "udp over IPv4"},
		{unix.AF_INET6, unix.SOCK_STREAM, "tcp over IPv6"},
		{unix.AF_INET6, unix.SOCK_DGRAM, "udp over IPv6"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := describe(t, newSocket(t, test.domain, test.typ))
			if told(d, "state") != "unconnected" {
				t.Errorf("%+v, want the state unconnected", d.Details)
			}
		})
	}
}

// A socket that is bound to every address has a port, and so is bound.
func TestSocketBoundToEveryAddressIsBound(t *testing.T) {
	d := describe(t, bound(t, unix.AF_INET, unix.SOCK_DGRAM, &unix.SockaddrInet4{}))
	if local := told(d, "local"); told(d, "state") != "bound" || !strings.HasPrefix(local, "udp:0.0.0.0:") || strings.HasSuffix(local, ":0") {
		t.Errorf("%+v, want bound to 0.0.0.0 and a port", d.Details)
	}
}

func TestDescribeNetlinkSocket(t *testing.T) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	fd = owned(t, fd, err)
	d := describe(t, fd)
	if told(d, "domain") != "netlink" || told(d, "type") != "raw" || told(d, "protocol") != "15" || told(d, "local") != "" {
		t.Errorf("%+v", d.Details)
	}
}

func TestFileOfASocketIsNoSocketToAsk(t *testing.T) {
	path := filepath.Join(tempDir(t), "s")
	bound(t, unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: path})
	d := describe(t, open(t, path, unix.O_PATH))
	if d.Kind != KindSocket || d.Details != nil || d.Path != path || d.Readable() || d.Writable() {
		t.Errorf("%+v", d)
	}
}
