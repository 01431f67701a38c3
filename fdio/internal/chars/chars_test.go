package chars

import (
	"testing"
	"unicode/utf8"
)

func TestWholeCharacters(t *testing.T) {
	const text = "a\u00b0\u20ac\U0001f321"
	starts := map[int]bool{len(text): true}
	for i := range text {
		starts[i] = true
	}
	want := 0
	for n := range len(text) + 1 {
		if starts[n] {
			want = n
		}
		if got := Whole([]byte(text[:n])); got != want {
			t.Errorf("Whole of %d bytes = %d, want %d", n, got, want)
		}
	}
	for _, bytes := range []string{"", "\xff", "a\x80", "\x80\x80\x80\x80"} { // not the beginning of a character
		if got := Whole([]byte(bytes)); got != len(bytes) {
			t.Errorf("Whole(%q) = %d", bytes, got)
		}
	}
}

func FuzzValid(f *testing.F) {
	for _, s := range []string{"", "a\u20ac", "a\xe2\x82", "\xff", "\ufffd\x80"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := Valid(b)
		if !utf8.Valid(b[:n]) {
			t.Errorf("%q is not valid", b[:n])
		}
		if _, size := utf8.DecodeRune(b[n:]); n < len(b) && utf8.Valid(b[:n+size]) {
			t.Errorf("%q ends at %d although more is valid", b, n)
		}
	})
}
