package commands

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// flagsOf returns the flags of a subcommand.
func flagsOf(t testing.TB, name string) []*kong.Flag {
	t.Helper()
	parser, err := kong.New(findSubcommand(name).new(), kong.NoDefaultHelp(), kong.Vars{"timeout": timeoutHelp})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Flags
}

func TestSortCommandLine(t *testing.T) {
	recv, send := flagsOf(t, "recv"), flagsOf(t, "send")
	for _, c := range []struct {
		known []*kong.Flag
		args  []string
		want  commandLine
	}{
		{recv, []string{"S", "--", "cmd", "-x", "--"}, commandLine{nil, []string{"S"}, []string{"cmd", "-x", "--"}, nil}},
		{recv, []string{"-n", "--", "S", "--"}, commandLine{[]string{"--count=--"}, []string{"S"}, []string{}, []string{"count"}}},
		{recv, []string{"--timeout", "--", "S"}, commandLine{[]string{"--timeout=--"}, []string{"S"}, nil, []string{"timeout"}}},
		{recv, []string{"-qt5", "S"}, commandLine{[]string{"--quiet", "--timeout=5"}, []string{"S"}, nil, []string{"quiet", "timeout"}}},
		{recv, []string{"-t=5"}, commandLine{[]string{"--timeout==5"}, nil, nil, []string{"timeout"}}},
		{recv, []string{"-", "--quiet"}, commandLine{[]string{"--quiet"}, []string{"-"}, nil, []string{"quiet"}}},
		{send, []string{"-m", "-x", "S", "a", "-M", "-", "-m", "--", "b"}, commandLine{[]string{"--message=-x", "--message-file=-", "--message=--"}, []string{"S", "a", "b"}, nil, []string{"message", "message-file", "message"}}},
		{send, []string{"-mx=y", "--message=", "S"}, commandLine{[]string{"--message=x=y", "--message="}, []string{"S"}, nil, []string{"message", "message"}}},
		{send, []string{"S", "--", "-m", "--"}, commandLine{nil, []string{"S", "-m", "--"}, nil, nil}},
	} {
		var got commandLine
		err := got.sort(c.known, c.args, len(c.known) == len(recv))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q is sorted into %q, %v; want %q", c.args, got, err, c.want)
		}
	}
	for _, args := range [][]string{{"-m"}, {"S", "--message"}, {"-qm"}, {"--unknown"}, {"-v"}, {"-qv"}, {"-\xff"}} {
		if err := new(commandLine).sort(send, args, false); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// Arguments are bytes, and reach the command as they are.
func TestArgumentsAreBytes(t *testing.T) {
	var send sendCommand
	_, err := parse(findSubcommand("send"), &send, []string{"/\xff", "-m", "\xfe", "-M", "\xfd", "-m", "", "a\x80,b", "r:\x81"})
	if err != nil {
		t.Fatal(err)
	}
	got := [][]string{{send.address.Name}, send.Message, send.MessageFile, send.Descriptors, send.order}
	want := [][]string{{"/\xff"}, {"\xfe", ""}, {"\xfd"}, {"a\x80,b", "r:\x81"}, {"message", "message-file", "message"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("parsed as %q, want %q", got, want)
	}
	var recv recvCommand
	_, err = parse(findSubcommand("recv"), &recv, []string{"./s", "--output", "a,\xff", "--save=\xfe", "--", "\xfd"})
	if err != nil || recv.Output != "a,\xff" || recv.Save != "\xfe" || !reflect.DeepEqual(recv.argv, []string{"\xfd"}) {
		t.Errorf("parsed as %q, %q, %q, %v", recv.Output, recv.Save, recv.argv, err)
	}
}

// Wrong usage is one line, whatever part of the program finds it, and exit code 2.
func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		command     string
		args        []string
		words, hint string
	}{
		{"send", nil, "missing ADDRESS", "fdmsg send --help lists the flags"},
		{"listen", []string{"-q"}, "missing ADDRESS", "fdmsg listen --help lists the flags"},
		{"open", nil, "missing DESCRIPTOR", "fdmsg open --help lists the flags"},
		{"recv", []string{"./a", "cat"}, "unexpected argument cat", "put -- before COMMAND"},
		{"recv", []string{"./a", "sh", "-c", "echo"}, "unknown flag -c", "put -- before COMMAND"},
		{"listen", []string{"./a", "cat"}, "cat: parse address: ", "put -- before COMMAND"},
		{"call", []string{"./a", "-m", "x", "sh", "-x"}, "unknown flag -x", "put -- before COMMAND"},
		{"send", []string{"./a", "sh", "-x"}, "unknown flag -x", "fdmsg send --help lists the flags"},
		{"send", []string{"./a"}, "nothing to send", "-m TEXT sends a text, -M - standard input"},
		{"send", []string{"localhost:80", "-m", "x"}, `unknown scheme "localhost"`, "write tcp:localhost:80"},
		{"send", []string{"http://a.example:80/", "-m", "x"}, `unknown scheme "http"`, "write tcp:a.example:80"},
		{"recv", []string{"127.0.0.1:80"}, "no scheme", "write tcp:127.0.0.1:80"},
		{"recv", []string{"[::1]:80"}, "no scheme", "write tcp:[::1]:80"},
		{"send", []string{"tcp://127.0.0.1:80", "-m", "x"}, "write tcp:HOST:PORT, without //", ""},
		{"listen", []string{"./a", "--connect"}, "unknown flag --connect", "fdmsg listen --help lists the flags"},
		{"recv", []string{"./a", "./b"}, "unexpected argument ./b", "fdmsg recv --help lists the flags"},
		{"recv", []string{"-v", "./s"}, "unknown flag -v", "fdmsg recv --help lists the flags"},
		{"recv", []string{"--tiemout", "5", "./s"}, "unknown flag --tiemout", `did you mean "--timeout"?`},
		{"recv", []string{"./s", "-n"}, "--count: missing N", "fdmsg recv --help lists the flags"},
		{"recv", []string{"./s", "--quiet=perhaps"}, "--quiet: ", "fdmsg recv --help lists the flags"},
		{"listen", []string{"./s", "--fds", "keep"}, `--fds: unknown action "keep"`, "use one of pass, drop, cut, refuse"},
		{"recv", []string{"./s", "--fds", "drpo"}, `--fds: unknown action "drpo"`, `did you mean "drop"?`},
		{"open", []string{"./s", "--content", "some"}, `--content: unknown choice "some"`, "use one of files, all, none"},
		{"recv", []string{"./s", "-n", "99999999999999999999"}, "--count: count 99999999999999999999 is too large: at most 2147483647", "fdmsg recv --help lists the flags"},
		{"listen", []string{"./s", "--backlog", "5000000000"}, "--backlog: count 5000000000 is too large: at most", "fdmsg listen --help lists the flags"},
		{"recv", []string{"./s", "-t", "99999999999999"}, "--timeout: duration 99999999999999 is too long: at most 2562047h", "fdmsg recv --help lists the flags"},
		{"listen", []string{"./s", "--mode", "7777"}, "--mode: mode 7777 is out of range: permissions only, at most 0777", "fdmsg listen --help lists the flags"},
		{"listen", []string{"./s", "--frame", "foo"}, `unknown frame "foo"`, "use one of chunk, line, nul, u32be, u32le, json, eof"},
		{"listen", []string{"./s", "--mode", "rw"}, `--mode: "rw" is not a valid mode`, "fdmsg listen --help lists the flags"},
		{"send", []string{"", "-m", "x"}, "ADDRESS is empty", ""},
		{"listen", []string{"./s", ""}, "ADDRESS is empty", ""},
		{"listen", []string{"./s", "tcp::1", "unix:./s"}, "unix:./s: address given twice", ""},
		{"listen", []string{"fd:9", "fd:9"}, "fd:9: address given twice", ""},
		{"listen", []string{"./s", "--allow-uid", "nosuchuser"}, `--allow-uid: unknown user "nosuchuser"`, ""},
		{"listen", []string{"./s", "--allow-gid", "nosuchgroup"}, `--allow-gid: unknown group "nosuchgroup"`, ""},
		{"recv", []string{"./s", "--size", "0"}, "--size 0 receives nothing", "-n 1 receives one message"},
		{"send", []string{"./s", "-m", "x", "--listen", "--wait", "1"}, "--listen does not go with", "leave them out: the peer connects to ADDRESS"},
		{"listen", []string{"./s", "--"}, "no COMMAND after --", ""},
	} {
		sub := findSubcommand(c.command)
		_, err := parse(sub, sub.new(), c.args)
		e, ok := errors.AsType[*exitError](err)
		if !ok || e.code != exitUsage || !strings.Contains(e.Error(), c.words) || strings.Contains(e.Error(), "\n") || hintFor(err) != c.hint {
			t.Errorf("%s %q: %v, hint %q; want wrong usage with %q, hint %q", c.command, c.args, err, hintFor(err), c.words, c.hint)
		}
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
				if _, err := parse(sub, sub.new(), c.args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
