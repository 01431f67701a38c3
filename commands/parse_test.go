package commands

import (
	"reflect"
	"testing"

	"github.com/alecthomas/kong"
)

func TestSplit(t *testing.T) {
	recv := grammarOf(&recvCommand{}).app.Flags
	send := grammarOf(&sendCommand{}).app.Flags
	for _, c := range []struct {
		known                    []*kong.Flag
		args                     []string
		flags, positionals, rest []string
	}{
		{recv, []string{"S", "--", "cmd", "-x", "--"}, nil, []string{"S"}, []string{"cmd", "-x", "--"}},
		{recv, []string{"-n", "--", "S", "--"}, []string{"--count=--"}, []string{"S"}, []string{}},
		{recv, []string{"--timeout", "--", "S"}, []string{"--timeout=--"}, []string{"S"}, nil},
		{recv, []string{"-qt5", "S"}, []string{"--quiet", "--timeout=5"}, []string{"S"}, nil},
		{recv, []string{"-t=5"}, []string{"--timeout==5"}, nil, nil},
		{recv, []string{"-", "--quiet"}, []string{"--quiet"}, []string{"-"}, nil},
		{recv, []string{"--unknown", "S", "-q"}, []string{"--unknown", "--quiet"}, []string{"S"}, nil},
		{send, []string{"-m", "-x", "S", "a", "-m", "--", "b"}, []string{"--message=-x", "--message=--"}, []string{"S", "a", "b"}, nil},
		{send, []string{"-mx=y", "--message=", "S"}, []string{"--message=x=y", "--message="}, []string{"S"}, nil},
		{send, []string{"S", "--", "-m", "--"}, nil, []string{"S", "-m", "--"}, nil},
	} {
		flags, positionals, rest, err := split(c.known, c.args, len(c.known) == len(recv))
		if err != nil || !reflect.DeepEqual(flags, c.flags) || !reflect.DeepEqual(positionals, c.positionals) || !reflect.DeepEqual(rest, c.rest) {
			t.Errorf("split(%q) = %q, %q, %q, %v; want %q, %q, %q", c.args, flags, positionals, rest, err, c.flags, c.positionals, c.rest)
		}
	}
	for _, args := range [][]string{{"-m"}, {"S", "--message"}, {"-qm"}} {
		if _, _, _, err := split(send, args, false); err == nil {
			t.Errorf("split(%q): no error for a missing value", args)
		}
	}
}

// Arguments are bytes, and reach the command as they are.
func TestArgumentsAreBytes(t *testing.T) {
	cmd, err := parse(findSubcommand("send"), []string{"/\xff", "-m", "\xfe", "-M", "\xfd", "-m", "", "a\x80,b", "r:\x81"})
	if err != nil {
		t.Fatal(err)
	}
	send := cmd.(*sendCommand)
	got := [][]string{{send.address.Name}, send.Message, send.MessageFile, send.Descriptors, send.order}
	want := [][]string{{"/\xff"}, {"\xfe", ""}, {"\xfd"}, {"a\x80,b", "r:\x81"}, {"message", "message-file", "message"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("parsed as %q, want %q", got, want)
	}
}

func TestSubcommandByLinkName(t *testing.T) {
	for _, c := range []struct {
		argv []string
		name string
		args []string
	}{
		{[]string{"fdmsg", "send", "x"}, "send", []string{"x"}},
		{[]string{"/usr/bin/fdmsg-recv", "send"}, "recv", []string{"send"}},
		{[]string{"fdmsg-nothing", "listen"}, "listen", []string{}},
		{[]string{"fdmsg"}, "", []string{}},
		{[]string{"fdmsg", "--help"}, "", []string{"--help"}},
	} {
		sub, args := selectSubcommand(c.argv)
		name := ""
		if sub != nil {
			name = sub.name
		}
		if name != c.name || !reflect.DeepEqual(args, c.args) {
			t.Errorf("%q: subcommand %q, arguments %q; want %q, %q", c.argv, name, args, c.name, c.args)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name string
		args []string
	}{
		{"send", []string{"./socket", "-m", "hello", "file"}},
		{"recv", []string{"./socket", "-n", "1", "--", "cat"}},
		{"listen", []string{"unix:./a", "tcp:127.0.0.1:0", "--frame", "line", "-o", "SO_RCVBUF=1M"}},
	} {
		sub := findSubcommand(c.name)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parse(sub, c.args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
