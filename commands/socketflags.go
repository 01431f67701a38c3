package commands

import (
	"errors"
	"fmt"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// SocketFlags are the flags of sendmsg(2) and recvmsg(2), and the options of
// setsockopt(2).
type SocketFlags struct {
	Flag   []string `short:"F" placeholder:"NAME" sep:"none" help:"Pass a flag such as MSG_OOB to the call, by name or number. May be repeated."`
	Option []string `short:"o" placeholder:"NAME[=VALUE]" sep:"none" help:"Set a socket option such as SO_RCVBUF=1M before binding or connecting. May be repeated."`

	options []fdio.Option
}

// FrameFlag says how messages in a stream are told apart.
type FrameFlag struct {
	Frame frame.Kind `placeholder:"KIND" default:"chunk" help:"How messages are told apart in a stream, see Frames: chunk, line, nul, u32be, u32le, json or eof."`
}

// The calls that a flag can be for.
const (
	sending   = fdio.SendFlags
	receiving = fdio.RecvFlags
)

// parse parses the options, and the flags of the calls in sides. If sides has both calls,
// send: or recv: before a flag selects one.
func (f *SocketFlags) parse(sides int) (send, recv int, err error) {
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
		f.options = append(f.options, o)
	}
	return send, recv, nil
}

// rules refuses options without effect on sockets that fdmsg has opened itself.
func (f *SocketFlags) rules(own bool) []rule {
	rules := make([]rule, len(f.Option))
	for i, text := range f.Option {
		rules[i] = rule{own && isTimeout(f.options[i]), errors.New("--option " + text + " has no effect: fdmsg does not block in calls on its own sockets"), "--timeout DURATION limits the whole run"}
	}
	return rules
}

// rules refuses --frame for sockets that keep message boundaries.
func (f *FrameFlag) rules(s facts) []rule {
	return []rule{
		{f.Frame != frame.Chunk && s.known && !s.stream, fmt.Errorf("--frame %s: %s: its messages have boundaries already", f.Frame, s.address), ""},
	}
}

func isTimeout(o fdio.Option) bool {
	for _, name := range []int{unix.SO_RCVTIMEO_OLD, unix.SO_SNDTIMEO_OLD, unix.SO_RCVTIMEO_NEW, unix.SO_SNDTIMEO_NEW} {
		if o.Is(unix.SOL_SOCKET, name) {
			return true
		}
	}
	return false
}
