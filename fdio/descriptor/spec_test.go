package descriptor

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"fdmsg/fdio"
)

func TestParseSpec(t *testing.T) {
	tests := []struct {
		text string
		want Spec
	}{
		{"file", Spec{Scheme: "r", Path: "file"}},
		{"/a/b c", Spec{Scheme: "r", Path: "/a/b c"}},
		{"-x", Spec{Scheme: "r", Path: "-x"}},
		{"--", Spec{Scheme: "r", Path: "--"}},
		{"\xff\n", Spec{Scheme: "r", Path: "\xff\n"}},
		{"r:file", Spec{Scheme: "r", Path: "file"}},
		{"w:file", Spec{Scheme: "w", Path: "file"}},
		{"rw:file", Spec{Scheme: "rw", Path: "file"}},
		{"a:file", Spec{Scheme: "a", Path: "file"}},
		{"-", Spec{Scheme: "fd", FD: 0}},
		{"fd:0", Spec{Scheme: "fd", FD: 0}},
		{"fd:3", Spec{Scheme: "fd", FD: 3}},
		{"fd:2147483647", Spec{Scheme: "fd", FD: 1<<31 - 1}},
		// Only the first scheme counts, and so r: saves every name.
		{"r:-", Spec{Scheme: "r", Path: "-"}},
		{"r:fd:3", Spec{Scheme: "r", Path: "fd:3"}},
		{"r:r:x", Spec{Scheme: "r", Path: "r:x"}},
		{"r::", Spec{Scheme: "r", Path: ":"}},
		// What does not match ^[a-z][a-z0-9-]*: is no scheme.
		{"./fd:3", Spec{Scheme: "r", Path: "./fd:3"}},
		{":file", Spec{Scheme: "r", Path: ":file"}},
		{"R:file", Spec{Scheme: "r", Path: "R:file"}},
		{"fD:3", Spec{Scheme: "r", Path: "fD:3"}},
		{"1:30", Spec{Scheme: "r", Path: "1:30"}},
		{"-r:file", Spec{Scheme: "r", Path: "-r:file"}},
		{"a b:file", Spec{Scheme: "r", Path: "a b:file"}},
		{"a_b:file", Spec{Scheme: "r", Path: "a_b:file"}},
		{"a/b:file", Spec{Scheme: "r", Path: "a/b:file"}},
		{"\u00e9:file", Spec{Scheme: "r", Path: "\u00e9:file"}},
	}
	for _, test := range tests {
		got, err := ParseSpec(test.text)
		if err != nil || got != test.want {
			t.Errorf("%q: got %+v, %v; want %+v", test.text, got, err, test.want)
			continue
		}
		if again, err := ParseSpec(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q, which reads as %+v, %v", test.text, got.String(), again, err)
		}
		if inherited := test.want.Scheme == "fd"; got.Inherited() != inherited {
			t.Errorf("%q: Inherited is %v", test.text, got.Inherited())
		}
	}
}

func TestParseSpecRefuses(t *testing.T) {
	tests := []struct {
		text string
		want error
	}{
		{"", ErrEmpty},
		{"r:", ErrEmpty},
		{"w:", ErrEmpty},
		{"rw:", ErrEmpty},
		{"a:", ErrEmpty},
		{"x:file", ErrUnknownScheme},
		{"http://host/", ErrUnknownScheme},
		{"unix:/run/s", ErrUnknownScheme},
		{"r-w:file", ErrUnknownScheme},
		{"r2:file", ErrUnknownScheme},
		{"x:", ErrUnknownScheme},
		{"fd:", fdio.ErrSyntax},
		{"fd:x", fdio.ErrSyntax},
		{"fd:-1", fdio.ErrSyntax},
		{"fd:+1", fdio.ErrSyntax},
		{"fd: 1", fdio.ErrSyntax},
		{"fd:1 ", fdio.ErrSyntax},
		{"fd:0x1", fdio.ErrSyntax},
		{"fd:1_0", fdio.ErrSyntax},
		{"fd:2147483648", fdio.ErrSyntax},
		{"fd:18446744073709551616", fdio.ErrSyntax},
	}
	for _, test := range tests {
		got, err := ParseSpec(test.text)
		if !errors.Is(err, test.want) || got != (Spec{}) {
			t.Errorf("%q: got %+v, error %v; want %v", test.text, got, err, test.want)
			continue
		}
		if e, ok := errors.AsType[*fdio.Error](err); !ok || e.Name != test.text {
			t.Errorf("%q: the error does not name it: %#v", test.text, err)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, seed := range []string{"", "-", "file", "r:file", "rw:-", "a:a:a", "fd:3", "fd:007", "fd:-1", "x:y", "R:x", ":", "a-9:", "./-"} {
		f.Add(seed)
	}
	scheme := regexp.MustCompile(`^[a-z][a-z0-9-]*:`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			if s != (Spec{}) {
				t.Fatalf("%q: %+v with error %v", text, s, err)
			}
			return
		}
		if again, err := ParseSpec(s.String()); err != nil || again != s {
			t.Fatalf("%q is %+v, written %q, which reads as %+v, %v", text, s, s.String(), again, err)
		}
		prefix := scheme.FindString(text)
		switch {
		case text == "-":
			if s != (Spec{Scheme: "fd"}) {
				t.Fatalf("- is %+v", s)
			}
		case prefix == "":
			if s != (Spec{Scheme: "r", Path: text}) {
				t.Fatalf("%q has no scheme and is %+v", text, s)
			}
		case s.Scheme+":" != prefix:
			t.Fatalf("%q has the scheme %q and is %+v", text, prefix, s)
		case s.Inherited():
			if s.FD < 0 || s.FD > 1<<31-1 || s.Path != "" {
				t.Fatalf("%q is %+v", text, s)
			}
		case s.Path != strings.TrimPrefix(text, prefix) || s.Path == "" || s.FD != 0:
			t.Fatalf("%q is %+v", text, s)
		}
	})
}
