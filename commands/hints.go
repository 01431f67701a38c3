package commands

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// A causeHint is what a user can do about an error whose cause is likely.
type causeHint struct {
	cause error
	hint  string
}

// causeHints returns all hints, of which the first that fits is used. It is a function
// because a variable that refers to other variables is filled at every start.
func causeHints() []causeHint {
	return []causeHint{
		{fdio.ErrUnknownScheme, "a word before the first colon is a scheme; for a file of that name, write ./NAME"},
		{descriptor.ErrUnknownScheme, "a word before the first colon is a scheme; for a file of that name, write ./NAME or r:NAME"},
		{fdio.ErrDBus, "write unix:/PATH for unix:path=/PATH, and unix:@NAME for unix:abstract=NAME"},
		{fdio.ErrNoScheme, "write ./NAME for a Unix socket, @NAME for an abstract name, tcp:HOST:PORT, udp:HOST:PORT or fd:N"},
		{errNotActivated, "systemd.socket(5) and systemd-socket-activate pass sockets to the process that they start, not to the children of a shell"},
		{errFewerPassed, "what is passed are the descriptors from 3 on, and LISTEN_FDS is their number"},
		{fdio.ErrNotOpen, "pass it in the shell with N<FILE or N<&M"},
		{fdio.ErrControlAlone, "-m or -M adds a byte to the message"},
		{fdio.ErrOptmem, "sysctl net.core.optmem_max limits the control messages of one call"},
		{fdio.ErrCredentials, "pid must be a living process, and your own without CAP_SYS_ADMIN; uid and gid must be your own without CAP_SETUID and CAP_SETGID"},
		{fdio.ErrRightsRefused, "the receiver has turned off the socket option SO_PASSRIGHTS"},
		{fdio.ErrNoDescriptorsHere, "use a unix:, unix-dgram: or unix-seqpacket: address"},
		{fdio.ErrFromTooLong, "use a name in the abstract namespace, such as unix-dgram:@NAME"},
		{fdio.ErrInTheWay, "remove it, or use another path"},
		{descriptor.ErrIsSocket, "a socket file is an ADDRESS, not a DESCRIPTOR; connect:PATH opens a connection to it"},
		{descriptor.ErrPtrace, "this needs the permission to trace the process: the same user, a dumpable process and kernel.yama.ptrace_scope, or CAP_SYS_PTRACE"},
		{descriptor.ErrNoReader, "start the reader first, or open the FIFO for reading and writing with rw:PATH"},
		{unix.EADDRINUSE, "ss -lxnp and ss -lntup show which process uses the address"},
		{unix.EPROTOTYPE, "the server has a socket of another type: try unix:, unix-dgram: or unix-seqpacket:"},
		{unix.EMSGSIZE, "the message is larger than a datagram of this socket can be"},
	}
}

// hintFor returns the hint for err, or "" if there is none.
func hintFor(err error) string {
	if e, ok := errors.AsType[*exitError](err); ok && e.hint != "" {
		return e.hint
	}
	if hint := cmp.Or(nameHint(err), addressHint(err)); hint != "" {
		return hint
	}
	for _, h := range causeHints() {
		if errors.Is(err, h.cause) {
			return h.hint
		}
	}
	return operationHint(err)
}

// operationHint returns the hint for a cause that has one with some operations only.
func operationHint(err error) string {
	e, ok := errors.AsType[*fdio.Error](err)
	if !ok || !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ECONNREFUSED) {
		return ""
	}
	switch {
	case e.Op == "connect" && !errors.Is(err, fdio.ErrWaited):
		return "nobody listens there; --wait DURATION waits for a server that is about to start"
	case e.Op == "save":
		return "create the directory first"
	}
	return ""
}

// nameHint returns the hint for an unknown name.
func nameHint(err error) string {
	if unknown, ok := errors.AsType[*cmsg.NameError](err); ok {
		return guess(unknown.Name, unknown.Known)
	}
	return ""
}

// hostPort matches a host and a port, also in a URL.
const hostPort = `^(?:[a-z]+://)?((?:[\w.-]+|\[[\w.:%]+\]):\d+)/?$`

// addressHint returns the hint for an address that has a host and a port, but no scheme.
func addressHint(err error) string {
	e, ok := errors.AsType[*fdio.Error](err)
	if !ok || !errors.Is(err, fdio.ErrUnknownScheme) && !errors.Is(err, fdio.ErrNoScheme) {
		return ""
	}
	if m := regexp.MustCompile(hostPort).FindStringSubmatch(e.Name); m != nil {
		return "write tcp:" + m[1]
	}
	return ""
}

// guess returns a hint with the known name that was most likely meant, or with all of them
// if they are few.
func guess(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return didYouMean(near)
	}
	if len(known) == 0 || len(known) > 20 {
		return ""
	}
	return "use one of " + strings.Join(known, ", ")
}

func didYouMean(name string) string { return `did you mean "` + name + `"?` }

// nearest returns the known name that is nearest to name and differs from it in one letter,
// or in a quarter of those after a prefix such as MSG_; or else the only one that begins with
// name or has it after a prefix. Case does not matter. It returns "" if there is none.
func nearest(name string, known []string) string {
	if name == "" || len(known) == 0 {
		return ""
	}
	upper := strings.ToUpper(name)
	far := func(k string) int { return distance(upper, strings.ToUpper(k)) }
	best := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(far(a), far(b)) })
	letters := name[strings.IndexByte(name, '_')+1:]
	if far(best) <= max(len(letters)/4, min(len(letters)/3, 1)) {
		return best
	}
	var parts []string
	for _, k := range known {
		if K := strings.ToUpper(k); strings.HasPrefix(K, upper) || strings.HasSuffix(K, "_"+upper) {
			parts = append(parts, k)
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return ""
}

// distance returns the number of insertions, deletions and replacements of bytes, and swaps
// of neighbours, that turn a into b: the Levenshtein distance with transpositions.
func distance(a, b string) int {
	var before []int // the row of a[:i-1]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			replaced := row[j]
			if a[i] != b[j] {
				replaced++
			}
			next[j+1] = min(replaced, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
