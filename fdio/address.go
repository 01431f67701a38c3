package fdio

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/sockname"
	"fdmsg/fdio/internal/syntax"

	"golang.org/x/sys/unix"
)

// Network is the kind of socket that an address belongs to: the scheme of the
// address.
type Network string

// The networks that an address can name.
const (
	Unix          Network = "unix"           // AF_UNIX, SOCK_STREAM: unix(7)
	UnixDatagram  Network = "unix-dgram"     // AF_UNIX, SOCK_DGRAM
	UnixSeqpacket Network = "unix-seqpacket" // AF_UNIX, SOCK_SEQPACKET
	TCP           Network = "tcp"            // tcp(7), over IPv4 or IPv6
	TCP4          Network = "tcp4"
	TCP6          Network = "tcp6"
	UDP           Network = "udp" // udp(7), over IPv4 or IPv6
	UDP4          Network = "udp4"
	UDP6          Network = "udp6"
	Inherited     Network = "fd"       // a socket that this process inherited
	Raw           Network = "sockaddr" // of any other family: a destination on an open socket
)

// networks says which sockets each network consists of; family 0 is AF_INET or
// AF_INET6. Tables in this package are arrays and not maps, which would have to be
// filled whenever a process starts.
var networks = [...]struct {
	network     Network
	family, typ int
}{
	{Unix, unix.AF_UNIX, unix.SOCK_STREAM},
	{UnixDatagram, unix.AF_UNIX, unix.SOCK_DGRAM},
	{UnixSeqpacket, unix.AF_UNIX, unix.SOCK_SEQPACKET},
	{TCP, 0, unix.SOCK_STREAM},
	{TCP4, unix.AF_INET, unix.SOCK_STREAM},
	{TCP6, unix.AF_INET6, unix.SOCK_STREAM},
	{UDP, 0, unix.SOCK_DGRAM},
	{UDP4, unix.AF_INET, unix.SOCK_DGRAM},
	{UDP6, unix.AF_INET6, unix.SOCK_DGRAM},
}

// sockets returns the address family and the type of the sockets of n, 0 for both
// where n does not say.
func (n Network) sockets() (family, typ int) {
	for i := range networks {
		if row := &networks[i]; row.network == n {
			return row.family, row.typ
		}
	}
	return 0, 0
}

func (n Network) family() int {
	family, _ := n.sockets()
	return family
}

func (n Network) typ() int {
	_, typ := n.sockets()
	return typ
}

// IsUnix reports whether n is one of the Unix networks.
func (n Network) IsUnix() bool { return n.family() == unix.AF_UNIX }

// IsDatagram reports whether sockets of n carry datagrams, without connections.
func (n Network) IsDatagram() bool { return n.typ() == unix.SOCK_DGRAM }

// IsStream reports whether sockets of n carry bytes without message boundaries.
func (n Network) IsStream() bool { return n.typ() == unix.SOCK_STREAM }

// SameType reports whether a socket of n can be connected to one of other, as far
// as their types go.
func (n Network) SameType(other Network) bool {
	return n.typ() == other.typ() && n.IsUnix() == other.IsUnix()
}

// What can be wrong with an address. errors.Is finds it in the error of
// ParseAddress.
var (
	ErrUnknownScheme = errors.New("unknown scheme")
	ErrNoScheme      = errors.New("invalid address: no scheme and not a path")
	ErrSyntax        = cmsg.ErrSyntax
	ErrDBus          = errors.New("D-Bus address")
)

func syntaxErrorf(format string, args ...any) error { return syntax.Errorf(format, args...) }

// Address is where a socket is bound or connected to. The zero Address stands for
// none: a socket without a name.
type Address struct {
	Network Network
	Name    string // Unix networks: sun_path; a leading NUL is the abstract namespace. Raw: struct sockaddr
	Host    string // TCP and UDP: a name or an IP address, with its zone; may be empty
	Port    string // TCP and UDP: a number or a service name
	FD      int    // Inherited
}

// autobind is the Name of unix:@, for which the kernel picks a name in the abstract
// namespace.
const autobind = "\x00"

// ParseAddress parses an address:
//
//	unix:PATH  unix:@NAME  unix-hex:HEX  and unix-dgram, unix-seqpacket alike
//	PATH or @NAME, when it contains a '/' or begins with '@': unix
//	tcp:HOST:PORT, also tcp4 tcp6 udp udp4 udp6
//	fd:N, and - for fd:0
//	sockaddr-hex:HEX
//
// What precedes the first colon is a scheme if it matches ^[a-z][a-z0-9-]*, known
// or not. Errors are of type *Error and wrap ErrUnknownScheme, ErrNoScheme, ErrDBus
// or ErrSyntax.
func ParseAddress(text string) (Address, error) {
	a, err := parseAddress(text)
	if err != nil {
		return Address{}, &Error{Name: text, Op: "parse address", Err: err}
	}
	return a, nil
}

func parseAddress(text string) (Address, error) {
	if text == "-" {
		return Address{Network: Inherited}, nil
	}
	scheme, rest, ok := syntax.CutScheme(text)
	if !ok {
		if strings.Contains(text, "/") || strings.HasPrefix(text, "@") {
			return unixAddress(Unix, text)
		}
		return Address{}, ErrNoScheme
	}
	network := Network(scheme)
	if base, isHex := strings.CutSuffix(scheme, "-hex"); isHex && Network(base).IsUnix() {
		return unixHexAddress(Network(base), rest)
	}
	switch {
	case scheme == string(Raw)+"-hex":
		return rawAddress(rest)
	case network == Inherited:
		fd, err := ParseFD(rest)
		return Address{Network: Inherited, FD: fd}, err
	case network.IsUnix():
		return unixAddress(network, rest)
	case network.typ() != 0:
		return inetAddress(network, rest)
	}
	return Address{}, fmt.Errorf("%w %q", ErrUnknownScheme, scheme)
}

// ParseFD parses a descriptor number: decimal digits, at most 2^31-1. The error
// wraps ErrSyntax.
func ParseFD(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, syntaxErrorf("invalid descriptor number %q", text)
	}
	return int(n), nil
}

func unixAddress(network Network, text string) (Address, error) {
	if strings.HasPrefix(text, "path=") || strings.HasPrefix(text, "abstract=") {
		return Address{}, ErrDBus
	}
	name := text
	if abstract, ok := strings.CutPrefix(text, "@"); ok {
		name = "\x00" + abstract
	}
	return unixName(network, name)
}

func unixHexAddress(network Network, text string) (Address, error) {
	name, err := hex.DecodeString(text)
	if err != nil {
		return Address{}, syntaxErrorf("invalid hexadecimal %q: write an even number of digits", text)
	}
	return unixName(network, string(name))
}

func rawAddress(text string) (Address, error) {
	name, err := hex.DecodeString(text)
	if err != nil {
		return Address{}, syntaxErrorf("invalid hexadecimal %q: write an even number of digits", text)
	}
	if len(name) < sockname.FamilySize || len(name) > sockname.MaxSize {
		return Address{}, syntaxErrorf("invalid struct sockaddr: %[3]d bytes, must be %[1]d to %[2]d", sockname.FamilySize, sockname.MaxSize, len(name))
	}
	return Address{Network: Raw, Name: string(name)}, nil
}

func unixName(network Network, name string) (Address, error) {
	switch {
	case name == "":
		return Address{}, syntaxErrorf("empty path")
	case name[0] == 0 && len(name) > sockname.SunPath:
		return Address{}, syntaxErrorf("abstract name too long: %d bytes, at most %d", len(name)-1, sockname.SunPath-1)
	case name[0] != 0 && strings.Contains(name, "\x00"):
		return Address{}, syntaxErrorf("path contains a NUL byte")
	case name[0] != 0 && len(name) >= unix.PathMax:
		return Address{}, syntaxErrorf("path too long: %d bytes, at most %d", len(name), unix.PathMax-1)
	}
	return Address{Network: network, Name: name}, nil
}

func inetAddress(network Network, text string) (Address, error) {
	if strings.HasPrefix(text, "//") {
		return Address{}, syntaxErrorf("not a URL: write %s:HOST:PORT, without //", network)
	}
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return Address{}, syntaxErrorf("missing port: write %s:HOST:PORT", network)
	}
	host, port := text[:colon], text[colon+1:]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if port == "" {
		return Address{}, syntaxErrorf("empty port: write %s:HOST:PORT", network)
	}
	for _, part := range []string{host, port} {
		if strings.ContainsFunc(part, notInWord) {
			return Address{}, syntaxErrorf("invalid host or service name %q", part)
		}
	}
	if strings.Trim(port, "+-0123456789") == "" { // no service has such a name
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return Address{}, syntaxErrorf("port %s out of range: 0 to 65535", port)
		}
	}
	return Address{Network: network, Host: host, Port: port}, nil
}

// notInWord reports whether r cannot be in the name of a host, an interface or a
// service. utf8.RuneError stands for bytes that are not UTF-8.
func notInWord(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

// String returns the address in a form that ParseAddress reads. The name of a Unix
// socket that is not printable UTF-8 is written in hexadecimal.
func (a Address) String() string {
	switch {
	case a.Network == "":
		return ""
	case a.Network == Inherited:
		return "fd:" + strconv.Itoa(a.FD)
	case a.Network == Raw:
		return string(Raw) + "-hex:" + hex.EncodeToString([]byte(a.Name))
	case a.Network.IsUnix():
		if text, ok := a.printable(); ok {
			return string(a.Network) + ":" + text
		}
		return string(a.Network) + "-hex:" + hex.EncodeToString([]byte(a.Name))
	case strings.Contains(a.Host, ":"):
		return string(a.Network) + ":[" + a.Host + "]:" + a.Port
	}
	return string(a.Network) + ":" + a.Host + ":" + a.Port
}

// Word is String without spaces, for lists in which spaces separate addresses.
func (a Address) Word() string {
	if s := a.String(); !strings.Contains(s, " ") {
		return s
	}
	return string(a.Network) + "-hex:" + hex.EncodeToString([]byte(a.Name))
}

// printable returns what follows the scheme in a Unix address, if its name can be
// written as text. A lone NUL cannot, since unix:@ stands for a name that the
// kernel picks.
func (a Address) printable() (text string, ok bool) {
	text = a.Name
	if strings.HasPrefix(text, "path=") || strings.HasPrefix(text, "abstract=") {
		return "", false
	}
	if strings.HasPrefix(text, "\x00") {
		if text = text[1:]; text == "" {
			return "", false
		}
		text = "@" + text
	} else if strings.HasPrefix(text, "@") {
		return "", false
	}
	if !utf8.ValidString(text) {
		return "", false
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return "", false
		}
	}
	return text, true
}

// Abstract reports whether a is a name in the abstract namespace: unix(7).
func (a Address) Abstract() bool { return strings.HasPrefix(a.Name, "\x00") }

// Path returns the path of a Unix address. ok is false where it has none.
func (a Address) Path() (path string, ok bool) {
	return a.Name, a.Network.IsUnix() && !a.Abstract() && a.Name != ""
}

// absolute returns a with its path, if it has one, made absolute, for processes
// with another working directory.
func (a Address) absolute() Address {
	path, ok := a.Path()
	if !ok || path[0] == '/' {
		return a
	}
	// Not filepath.Abs: it resolves ".." without regard to symbolic links.
	if dir, err := os.Getwd(); err == nil {
		a.Name = strings.TrimSuffix(dir, "/") + "/" + strings.TrimPrefix(path, "./")
	}
	return a
}
