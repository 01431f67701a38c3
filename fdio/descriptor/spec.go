package descriptor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/internal/syntax"

	"golang.org/x/sys/unix"
)

// Errors of parsing and opening a DESCRIPTOR.
var (
	ErrUnknownScheme = errors.New("unknown scheme")
	ErrNoReader      = errors.New("FIFO has no reader")
	ErrIsSocket      = errors.New("is a socket file and cannot be opened")
	ErrEmpty         = errors.New("empty path")
	ErrPtrace        = errors.New("not permitted to take descriptors of the process (ptrace)")
	ErrNoProcess     = errors.New("no such process")
	ErrNoDescriptor  = errors.New("descriptor not open in the process")
)

// scheme is how what follows a scheme is parsed and opened.
type scheme struct {
	name  string
	parse func(s *Spec, rest string) error
	open  func(ctx context.Context, s Spec) (int, error)
}

// inherited is the scheme of a descriptor that is open already.
const inherited = "fd"

// schemes are all schemes. Opening waits for nothing but the network.
var schemes = [...]scheme{
	{inherited, parseInherited, openInherited},
	{"r", parsePath, openToRead},
	{"w", parsePath, openToWrite},
	{"rw", parsePath, openForBoth},
	{"a", parsePath, openToAppend},
	{"opath", parsePath, openOnlyPath},
	{"memfd", parsePath, openCopy},
	{"connect", parseSocket, openConnected},
	{"listen", parseSocket, openListening},
	{"pid", parseOther, openOther},
	{"pidfd", parsePID, openPidfd},
}

// findScheme returns the scheme of that name, nil for none.
func findScheme(name string) *scheme {
	for i := range schemes {
		if schemes[i].name == name {
			return &schemes[i]
		}
	}
	return nil
}

// Spec is a DESCRIPTOR: what is to be opened, and how.
type Spec struct {
	Scheme  string // see ParseSpec
	Path    string // r, w, rw, a, opath, memfd
	Address fdio.Address
	PID     int
	FD      int // fd, pid

	// Wait is how long connecting is tried again while nobody listens there.
	Wait time.Duration
}

// ParseSpec parses a DESCRIPTOR:
//
//	PATH                           opened for reading
//	r:PATH w:PATH rw:PATH a:PATH   for reading, writing, both, appending; all but r create
//	fd:N, and - for fd:0           one that this process inherited
//	opath:PATH                     only the place in the file system: O_PATH of open(2)
//	memfd:PATH memfd:-             a sealed copy in memory of a file or of standard input
//	connect:ADDRESS listen:ADDRESS a socket
//	pid:PID:FD                     a descriptor of another process
//	pidfd:PID                      a process
//
// What precedes the first colon is a scheme if it matches ^[a-z][a-z0-9-]*, known
// or not. Errors are of type *fdio.Error.
func ParseSpec(text string) (Spec, error) {
	s, err := parseSpec(text)
	if err != nil {
		return Spec{}, &fdio.Error{Name: text, Op: "parse descriptor", Err: err}
	}
	return s, nil
}

func parseSpec(text string) (Spec, error) {
	if text == "-" {
		return Spec{Scheme: inherited}, nil
	}
	name, rest, ok := syntax.CutScheme(text)
	if !ok {
		name, rest = "r", text
	}
	row := findScheme(name)
	if row == nil {
		return Spec{}, fmt.Errorf("%w %q", ErrUnknownScheme, name)
	}
	s := Spec{Scheme: name}
	err := row.parse(&s, rest)
	return s, err
}

func parsePath(s *Spec, rest string) error {
	if rest == "" {
		return ErrEmpty
	}
	s.Path = rest
	return nil
}

func parseInherited(s *Spec, rest string) (err error) {
	s.FD, err = fdio.ParseFD(rest)
	return err
}

func parseSocket(s *Spec, rest string) error {
	a, err := fdio.ParseAddress(rest)
	if e, ok := errors.AsType[*fdio.Error](err); ok {
		return e.Err
	}
	if a.Network == fdio.Inherited || a.Network == fdio.Raw {
		return syntax.Errorf("not an address to connect to or to listen on")
	}
	s.Address = a
	return nil
}

func parsePID(s *Spec, rest string) error {
	n, err := strconv.ParseUint(rest, 10, 31)
	if err != nil || n == 0 {
		return syntax.Errorf("invalid process ID %q", rest)
	}
	s.PID = int(n)
	return nil
}

func parseOther(s *Spec, rest string) error {
	pid, fd, ok := strings.Cut(rest, ":")
	if !ok {
		return syntax.Errorf("missing descriptor number: write pid:PID:FD")
	}
	if err := parsePID(s, pid); err != nil {
		return err
	}
	return parseInherited(s, fd)
}

// String returns the DESCRIPTOR in a form that ParseSpec reads.
func (s Spec) String() string {
	rest := s.Path
	switch s.Scheme {
	case inherited:
		rest = strconv.Itoa(s.FD)
	case "connect", "listen":
		rest = s.Address.String()
	case "pid":
		rest = strconv.Itoa(s.PID) + ":" + strconv.Itoa(s.FD)
	case "pidfd":
		rest = strconv.Itoa(s.PID)
	}
	return s.Scheme + ":" + rest
}

// Inherited reports whether the descriptor was open when this process started. Open
// returns its own number, which is not to be closed.
func (s Spec) Inherited() bool { return s.Scheme == inherited }

// OtherProcess reports whether the descriptor is another process's, so that taking
// it needs the permission to trace that process.
func (s Spec) OtherProcess() bool { return s.Scheme == "pid" }

// Stdin reports whether opening uses standard input, as a descriptor or to copy
// from.
func (s Spec) Stdin() bool {
	return s.Inherited() && s.FD == unix.Stdin || s.Scheme == "memfd" && s.Path == "-"
}
