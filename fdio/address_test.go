package fdio

import (
	"fdmsg/fdio/internal/sockname"

	"errors"
	"os"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		text string
		want Address
		back string // what it is printed as, if not as text
	}{
		{"unix:/run/s", Address{Network: Unix, Name: "/run/s"}, ""},
		{"/run/s", Address{Network: Unix, Name: "/run/s"}, "unix:/run/s"},
		{"./s", Address{Network: Unix, Name: "./s"}, "unix:./s"},
		{"./a:b", Address{Network: Unix, Name: "./a:b"}, "unix:./a:b"},
		{"unix:./path=x", Address{Network: Unix, Name: "./path=x"}, ""},
		{"unix-hex:706174683d78", Address{Network: Unix, Name: "path=x"}, ""},
		{"unix:s", Address{Network: Unix, Name: "s"}, ""},
		{"unix:path with space", Address{Network: Unix, Name: "path with space"}, ""},
		{"@name", Address{Network: Unix, Name: "\x00name"}, "unix:@name"},
		{"unix:@", Address{Network: Unix, Name: "\x00"}, "unix-hex:00"},
		{"unix-dgram:@a:b", Address{Network: UnixDatagram, Name: "\x00a:b"}, ""},
		{"unix-seqpacket:/x", Address{Network: UnixSeqpacket, Name: "/x"}, ""},
		{"unix-hex:00ff00", Address{Network: Unix, Name: "\x00\xff\x00"}, ""},
		{"unix-hex:40", Address{Network: Unix, Name: "@"}, ""},
		{"unix-dgram-hex:0061", Address{Network: UnixDatagram, Name: "\x00a"}, "unix-dgram:@a"},
		{"unix-seqpacket-hex:2f0a", Address{Network: UnixSeqpacket, Name: "/\n"}, ""},
		{"tcp:localhost:80", Address{Network: TCP, Host: "localhost", Port: "80"}, ""},
		{"tcp:::1:80", Address{Network: TCP, Host: "::1", Port: "80"}, "tcp:[::1]:80"},
		{"tcp6:[fe80::1%lo]:http", Address{Network: TCP6, Host: "fe80::1%lo", Port: "http"}, ""},
		{"udp::0", Address{Network: UDP, Port: "0"}, ""},
		{"udp4:127.0.0.1:65535", Address{Network: UDP4, Host: "127.0.0.1", Port: "65535"}, ""},
		{"fd:7", Address{Network: Inherited, FD: 7}, ""},
		{"-", Address{Network: Inherited}, "fd:0"},
	} {
		a, err := ParseAddress(c.text)
		if err != nil {
			t.Errorf("ParseAddress(%q): %v", c.text, err)
			continue
		}
		if a != c.want {
			t.Errorf("ParseAddress(%q) = %#v, want %#v", c.text, a, c.want)
		}
		want := c.back
		if want == "" {
			want = c.text
		}
		if got := a.String(); got != want {
			t.Errorf("ParseAddress(%q).String() = %q, want %q", c.text, got, want)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for _, c := range []struct {
		text  string
		cause error
		says  string
	}{
		{"", ErrNoScheme, "no scheme"},
		{"name", ErrNoScheme, "no scheme"},
		{"Unix:/x", nil, ""}, // no scheme, as it has a capital: a path
		{"http:x", ErrUnknownScheme, `"http"`},
		{"c:/x", ErrUnknownScheme, `"c"`},
		{"unix:", ErrSyntax, "empty"},
		{"unix-hex:", ErrSyntax, "empty"},
		{"unix-hex:0", ErrSyntax, "hexadecimal"},
		{"unix-hex:2f00", ErrSyntax, "NUL"},
		{"tcp-hex:00", ErrUnknownScheme, "tcp-hex"},
		{"@" + strings.Repeat("x", 108), ErrSyntax, "at most 107"},
		{"unix:/" + strings.Repeat("x", 4096), ErrSyntax, "at most 4095"},
		{"tcp:80", ErrSyntax, "tcp:HOST:PORT"},
		{"tcp://127.0.0.1:80", ErrSyntax, "write tcp:HOST:PORT, without //"},
		{"udp6://host", ErrSyntax, "write udp6:HOST:PORT, without //"},
		{"tcp:host:", ErrSyntax, "empty port"},
		{"tcp:host:65536", ErrSyntax, "out of range"},
		{"tcp::: ", ErrSyntax, "service"},
		{"udp:a b:1", ErrSyntax, "host"},
		{"tcp:\xff:1", ErrSyntax, "host"},
		{"unix:path=/run/bus", ErrDBus, "D-Bus"},
		{"unix:abstract=/tmp/x", ErrDBus, "D-Bus"},
		{"fd:", ErrSyntax, "descriptor"},
		{"fd:-1", ErrSyntax, "descriptor"},
		{"fd:2147483648", ErrSyntax, "descriptor"},
	} {
		_, err := ParseAddress(c.text)
		if c.cause == nil {
			if err != nil {
				t.Errorf("ParseAddress(%q): %v", c.text, err)
			}
			continue
		}
		if !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("ParseAddress(%q): %v, want %v that says %q", c.text, err, c.cause, c.says)
		}
	}
}

func TestWordHasNoSpace(t *testing.T) {
	a := Address{Network: UnixDatagram, Name: "/my dir/s"}
	if got, want := a.Word(), "unix-dgram-hex:2f6d79206469722f73"; got != want {
		t.Errorf("Word() = %q, want %q", got, want)
	}
}

func TestAbsoluteKeepsDotDot(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"s": dir + "/s", "./s": dir + "/s", "../s": dir + "/../s", "/s": "/s", "\x00s": "\x00s",
	} {
		if got := (Address{Network: Unix, Name: path}).absolute().Name; got != want {
			t.Errorf("absolute(%q) = %q, want %q", path, got, want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"unix:/x", "@a", "unix-hex:00ff", "tcp:::1:80", "udp6:[::1%lo]:http", "fd:3", "-", "unix:@", "./x y", "tcp:: ", "tcp:a b:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		back, err := ParseAddress(a.String())
		if err != nil || back != a {
			t.Errorf("%q is %#v, printed as %q, which is %#v, %v", text, a, a, back, err)
		}
		word, err := ParseAddress(a.Word())
		if err != nil || a.Network.IsUnix() && word != a {
			t.Errorf("%q is %#v, as one word %q, which is %#v, %v", text, a, a.Word(), word, err)
		}
	})
}

func FuzzSockName(f *testing.F) {
	f.Add("/x")
	f.Add("\x00a\x00b\x00")
	f.Add("")
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > sockname.MaxPath || name != "" && name[0] != 0 && strings.Contains(name, "\x00") {
			return
		}
		n := sockname.Unix(name)
		if got := addressOf(&n, typeOf(Unix)); got.Name != name {
			t.Errorf("name %q comes back as %q", name, got.Name)
		}
	})
}

func typeOf(n Network) int { return n.typ() }
