package commands

import (
	"errors"
	"fmt"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// SocketFlags are what sendmsg(2), recvmsg(2) and setsockopt(2) are to be told.
type SocketFlags struct {
	Flag   []string
	Option []string

	Frame frame.Kind

	options []fdio.Option
}

func (f *SocketFlags) declare(g *grammar) {
	f.Frame = frame.Chunk
	g.flag(many(&f.Flag, asGiven), "flag", "NAME", "A flag of the call, MSG_OOB for example, by name or number; may be repeated").Short = 'F'
	g.flag(many(&f.Option, asGiven), "option", "NAME[=VALUE]", "Set a socket option first, as in SO_RCVBUF=1M; may be repeated").Short = 'o'
	g.flag(one(&f.Frame, frame.Parse), "frame", "KIND", "What makes a message in a stream: line, nul, u32be, u32le, json, eof; chunk, the default: what one call sends or returns")
}

// The sides of a socket that a flag may be for.
const (
	sending   = fdio.SendFlags
	receiving = fdio.RecvFlags
)

// parse reads the options, and the flags that have a meaning for one of sides;
// where there are both, send: or recv: before a flag says which is meant. own
// says that the socket is fdmsg's, not one that it inherited.
func (f *SocketFlags) parse(own bool, sides int) (send, recv int, err error) {
	for _, text := range f.Flag {
		name, allowed := text, sides
		if sides == sending|receiving {
			if rest, ok := strings.CutPrefix(text, "send:"); ok {
				name, allowed = rest, sending
			} else if rest, ok := strings.CutPrefix(text, "recv:"); ok {
				name, allowed = rest, receiving
			}
		}
		bits, err := fdio.ParseFlag(name, allowed)
		if err != nil {
			return 0, 0, usage(fmt.Errorf("--flag %s: %w", text, err), "")
		}
		switch allowed {
		case sending:
			send |= bits
		case receiving:
			recv |= bits
		default:
			send |= bits &^ (receiving &^ sending)
			recv |= bits &^ (sending &^ receiving)
		}
	}
	for _, text := range f.Option {
		o, err := fdio.ParseOption(text)
		if err != nil {
			return 0, 0, usage(fmt.Errorf("--option %s: %w", text, err), "")
		}
		if own && isTimeout(o) {
			return 0, 0, usagef("--timeout DURATION bounds the whole run", "--option %s: fdmsg never waits in a call on a socket of its own", text)
		}
		f.options = append(f.options, o)
	}
	return send, recv, nil
}

func isTimeout(o fdio.Option) bool {
	for _, name := range []int{unix.SO_RCVTIMEO_OLD, unix.SO_SNDTIMEO_OLD, unix.SO_RCVTIMEO_NEW, unix.SO_SNDTIMEO_NEW} {
		if o.Is(unix.SOL_SOCKET, name) {
			return true
		}
	}
	return false
}

// nameHint says which known name was most likely meant, or which there are.
func nameHint(err error) string {
	unknown, ok := errors.AsType[*cmsg.NameError](err)
	if !ok || len(unknown.Known) == 0 {
		return ""
	}
	best, least := "", len(unknown.Name)/3+2
	name := strings.ToUpper(unknown.Name)
	for _, known := range unknown.Known {
		d := distance(name, strings.ToUpper(known))
		if strings.HasPrefix(strings.ToUpper(known), name) {
			d = min(d, 2)
		}
		if d < least {
			best, least = known, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	if len(unknown.Known) <= 20 {
		return "known are " + strings.Join(unknown.Known, ", ")
	}
	return ""
}

// distance is how many bytes must be put in, taken out or replaced to make a of
// b: the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
