package syntax

import (
	"errors"
	"strconv"
	"testing"
)

func TestCutScheme(t *testing.T) {
	tests := []struct {
		text, scheme, rest string
		ok                 bool
	}{
		{"unix:/x", "unix", "/x", true},
		{"no-such9:", "no-such9", "", true},
		{"a:b:c", "a", "b:c", true},
		{"/a:b", "", "/a:b", false},
		{"9p:x", "", "9p:x", false},
		{"Unix:x", "", "Unix:x", false},
		{"-x:y", "", "-x:y", false},
		{":x", "", ":x", false},
		{"name", "", "name", false},
		{"", "", "", false},
	}
	for _, test := range tests {
		if scheme, rest, ok := CutScheme(test.text); scheme != test.scheme || rest != test.rest || ok != test.ok {
			t.Errorf("CutScheme(%q) = %q, %q, %v", test.text, scheme, rest, ok)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-1": -1, "0x7f": 127, "017": 15, "0b11": 3} {
		if got, err := ParseInt(text, 8); err != nil || got != want {
			t.Errorf("ParseInt(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "1_0", "128", "1.5"} {
		_, err := ParseInt(text, 8)
		if err == nil {
			t.Errorf("ParseInt(%q) succeeds", text)
			continue
		}
		said := NumberError(err, "from -128 to 127")
		if isRange := errors.Is(err, strconv.ErrRange); !errors.Is(said, ErrSyntax) || isRange != (said.Error() == "out of range: from -128 to 127") {
			t.Errorf("%q: %v", text, said)
		}
	}
	if _, err := ParseUint("-1", 8); err == nil {
		t.Error("ParseUint parses a negative number")
	}
}
