package commands

import (
	"errors"
	"strings"
	"testing"
)

// What an inherited socket refuses shows when it is open: the rules are the same.
func TestRulesWaitForTheSocket(t *testing.T) {
	unixStream := facts{address: "fd:0", known: true, unix: true, stream: true}
	unixDatagram := facts{address: "fd:0", known: true, unix: true, datagram: true}
	tcp := facts{address: "fd:0", known: true, stream: true}
	for _, c := range []struct {
		command string
		args    []string
		refused facts
		words   string
		allowed facts
	}{
		{"recv", []string{"-", "--frame", "line"}, unixDatagram, "boundaries", tcp},
		{"recv", []string{"-", "--size", "0"}, tcp, "--size 0", unixDatagram},
		{"call", []string{"-", "-m", "x", "--frame", "nul"}, unixDatagram, "boundaries", unixStream},
		{"call", []string{"-", "/dev/null"}, tcp, "Unix sockets", unixStream},
		{"send", []string{"-", "/dev/null"}, tcp, "Unix sockets", unixDatagram},
		{"send", []string{"-", "-c", "1:2:int=1"}, unixStream, "byte", unixDatagram},
		{"listen", []string{"-", "--allow-uid", "0"}, tcp, "--allow-uid", unixStream},
		{"listen", []string{"-", "--size", "0"}, unixStream, "--size 0", unixDatagram},
	} {
		sub := findSubcommand(c.command)
		cmd := sub.new()
		if _, err := parse(sub, cmd, c.args); err != nil {
			t.Errorf("%s %q: refused before the socket is open: %v", c.command, c.args, err)
			continue
		}
		checker := cmd.(interface{ check(facts) error })
		err := checker.check(c.refused)
		if e, ok := errors.AsType[*exitError](err); !ok || e.code != exitUsage || !strings.Contains(e.Error(), c.words) {
			t.Errorf("%s %q: %v; want an error of usage with %q", c.command, c.args, err, c.words)
		}
		if err := checker.check(c.allowed); err != nil {
			t.Errorf("%s %q: %v", c.command, c.args, err)
		}
	}
}

// A frame may be what gives a message its byte.
func TestControlAloneWithFrame(t *testing.T) {
	for frame, ok := range map[string]bool{"line": true, "nul": true, "u32be": true, "chunk": false, "eof": false} {
		sub := findSubcommand("send")
		_, err := parse(sub, sub.new(), []string{"./s", "-c", "1:2:int=1", "--frame", frame})
		if (err == nil) != ok {
			t.Errorf("--frame %s: %v", frame, err)
		}
	}
}
