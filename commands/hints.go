package commands

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// A causeHint says what one could do where the cause of an error is likely.
type causeHint struct {
	cause error
	hint  string
}

// causeHints are all there are; the first that fits is given. They are a function's, as
// a table of variables would have to be filled whenever the process begins.
func causeHints() []causeHint {
	return []causeHint{
		{fdio.ErrUnknownScheme, "what stands before the first colon is a scheme; for a file of that name write ./NAME"},
		{descriptor.ErrUnknownScheme, "what stands before the first colon is a scheme; for a file of that name write ./NAME or r:NAME"},
		{fdio.ErrDBus, "write unix:/PATH for unix:path=/PATH and unix:@NAME for unix:abstract=NAME"},
		{fdio.ErrNoScheme, "write ./NAME for a Unix socket's path, @NAME for an abstract name, tcp:HOST:PORT, udp:HOST:PORT or fd:N"},
		{errNotActivated, "systemd.socket(5) and systemd-socket-activate pass sockets; a shell in between has another pid than LISTEN_PID says"},
		{fdio.ErrNotOpen, "pass it on in the shell, as in N<FILE or N<&M"},
		{fdio.ErrControlAlone, "-m or -M gives the message a byte"},
		{fdio.ErrOptmem, "sysctl net.core.optmem_max is the most bytes of control messages in one call"},
		{fdio.ErrCredentials, "the pid must be of a living process, and one's own without CAP_SYS_ADMIN; the uid and gid one's own without CAP_SETUID, CAP_SETGID"},
		{fdio.ErrRightsRefused, "it has the socket option SO_PASSRIGHTS off"},
		{fdio.ErrNoDescriptorsHere, "use a unix:, unix-dgram: or unix-seqpacket: address"},
		{fdio.ErrFromTooLong, "use a name in the abstract namespace, as in unix-dgram:@NAME"},
		{fdio.ErrInTheWay, "remove it, or use another path"},
		{descriptor.ErrIsSocket, "a socket file is an address, not a descriptor"},
		{descriptor.ErrPtrace, "it takes the permission to trace the process: the same user, a dumpable process, kernel.yama.ptrace_scope; or CAP_SYS_PTRACE"},
		{descriptor.ErrNoReader, "start the reader first, or open it for both: rw:PATH"},
		{unix.EADDRINUSE, "something has this address already; ss -lxnp and ss -lntup show what"},
		{unix.EPROTOTYPE, "the server has a socket of another type: unix:, unix-dgram: or unix-seqpacket:"},
		{unix.EMSGSIZE, "the message is larger than one datagram of this socket can be"},
	}
}

func hintFor(err error) string {
	if e, ok := errors.AsType[*exitError](err); ok && e.hint != "" {
		return e.hint
	}
	if hint := nameHint(err); hint != "" {
		return hint
	}
	for _, h := range causeHints() {
		if errors.Is(err, h.cause) {
			return h.hint
		}
	}
	if e, ok := errors.AsType[*fdio.Error](err); ok && e.Op == "connect" &&
		(errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)) {
		return "nobody listens there; --wait DURATION waits for a server that is about to start"
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

// guess returns which of the known names was most likely meant, or all of them if
// they are few.
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

// nearest returns the known name that differs from name in at most a third of its
// letters, or the only one that begins with it, or that has only a prefix such as
// MSG_ before it. Upper and lower case are the same. It returns "" if there is none.
func nearest(name string, known []string) string {
	if name == "" || len(known) == 0 {
		return ""
	}
	upper := strings.ToUpper(name)
	far := func(k string) int { return distance(upper, strings.ToUpper(k)) }
	best := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(far(a), far(b)) })
	if far(best) <= len(name)/3 {
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

// distance returns how many bytes of a must be inserted, deleted or replaced, or
// swapped with their neighbour, to get b: the Levenshtein distance with
// transpositions.
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
