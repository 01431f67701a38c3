package commands

import (
	"fmt"
	"strings"
	"testing"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

func TestGuess(t *testing.T) {
	commands := []string{"send", "recv", "call", "listen", "open"}
	frames := []string{"chunk", "line", "nul", "u32be", "u32le", "json", "eof"}
	flags := []string{"MSG_OOB", "MSG_PEEK", "MSG_TRUNC", "MSG_DONTWAIT"}
	many := make([]string, 21)
	for i := range many {
		many[i] = "SO_" + string(rune('A'+i)) + "_NAME"
	}
	for _, c := range []struct {
		name  string
		known []string
		want  string
	}{
		{"sned", commands, `did you mean "send"?`},
		{"Listne", commands, `did you mean "listen"?`},
		{"op", commands, `did you mean "open"?`},
		{"frobnicate", commands, "use one of send, recv, call, listen, open"},
		{"foo", frames, "use one of chunk, line, nul, u32be, u32le, json, eof"},
		{"u32", frames, "use one of chunk, line, nul, u32be, u32le, json, eof"},
		{"", frames, "use one of chunk, line, nul, u32be, u32le, json, eof"},
		{"msg_peek", flags, `did you mean "MSG_PEEK"?`},
		{"PEEK", flags, `did you mean "MSG_PEEK"?`},
		{"MSG_DONTWIAT", flags, `did you mean "MSG_DONTWAIT"?`},
		{"MSG_FOO", []string{"MSG_EOR", "MSG_OOB"}, "use one of MSG_EOR, MSG_OOB"},
		{"connect", []string{"content", "count"}, "use one of content, count"},
		{"mesage-fil", []string{"message-file"}, `did you mean "message-file"?`},
		{"IP_TLL", []string{"IP_TTL", "IP_TOS"}, `did you mean "IP_TTL"?`},
		{"MSG_", flags, "use one of MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT"},
		{"frobnicate", many, ""},
		{"SO_B_NAMES", many, `did you mean "SO_B_NAME"?`},
		{"name", nil, ""},
	} {
		if got := guess(c.name, c.known); got != c.want {
			t.Errorf("guess(%q, %q) = %q, want %q", c.name, c.known, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"abc", "abd", 1}, {"abc", "abcd", 1}, {"abcd", "acd", 1}, {"abcd", "abdc", 1},
		{"kitten", "sitting", 3}, {"foo", "eof", 2},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestHintFollowsTheCause(t *testing.T) {
	connect := func(cause error) error { return &fdio.Error{Name: "S", Op: "connect", Err: cause} }
	for _, c := range []struct {
		err  error
		hint string // words of it, none at all if empty
	}{
		{connect(unix.ECONNREFUSED), "--wait DURATION"},
		{connect(unix.ENOENT), "--wait DURATION"},
		{connect(fmt.Errorf("%w (%w)", unix.ENOENT, fdio.ErrWaited)), ""},
		{connect(fdio.ErrNotSocket), ""},
		{&fdio.Error{Name: "DIR", Op: "save", Err: unix.ENOENT}, "create the directory"},
		{&fdio.Error{Name: "DIR", Op: "save", Err: unix.ENOTDIR}, ""},
		{connect(unix.EPROTOTYPE), "unix-dgram:"},
	} {
		if got := hintFor(c.err); !strings.Contains(got, c.hint) || (got == "") != (c.hint == "") {
			t.Errorf("%v: hint %q, want %q", c.err, got, c.hint)
		}
	}
}
