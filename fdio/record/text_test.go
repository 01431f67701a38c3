package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func unquote(t *testing.T, quoted []byte) string {
	t.Helper()
	s, ok := parse(t, quoted).(string)
	if !ok {
		t.Fatalf("no string: %q", quoted)
	}
	return s
}

func TestQuoteKeepsEveryCharacter(t *testing.T) {
	var all strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		if r < 0x3000 || r >= 0xd000 && r < 0x11000 || r&0xff == 0 || r > 0x10ff00 {
			// Between plain characters, alone, and next to itself.
			for _, s := range []string{string(r), "a" + string(r) + "z", string([]rune{r, r})} {
				if got := unquote(t, AppendQuote(nil, s)); got != s {
					t.Fatalf("%U in %+q became %+q", r, s, got)
				}
			}
		}
		all.WriteRune(r)
	}
	if got := unquote(t, AppendQuote(nil, all.String())); got != all.String() {
		t.Error("a text of all characters is not what it was")
	}
}

func TestQuoteEscapesOnlyWhatActs(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", ``, `""`},
		{"ASCII", `all <is> & 'well'/`, `"all <is> & 'well'/"`},
		{"quote and backslash", `"\`, `"\"\\"`},
		{"newline, return, tab", "\n\r\t", `"\n\r\t"`},
		{"other controls", "\x00\x01\b\f\x1b\x1f", `"\u0000\u0001\u0008\u000c\u001b\u001f"`},
		{"DEL", "~\x7f", `"~\u007f"`},
		{"C1 controls", "\u0080\u0085\u009b\u009f", `"\u0080\u0085\u009b\u009f"`},
		{"the neighbours of C1", "\u00a0\u00bf\u00c0\u00c2", "\"\u00a0\u00bf\u00c0\u00c2\""},
		{"line and paragraph separator", "\u2028\u2029", `"\u2028\u2029"`},
		{"their neighbours", "\u2027\u202f\u2000\u203f", "\"\u2027\u202f\u2000\u203f\""},
		{"directions", "a\u061c\u200e\u200f\u202a\u202e\u2066\u2069z", `"a\u061c\u200e\u200f\u202a\u202e\u2066\u2069z"`},
		{"invisible", "\u200b\u200d\u2060\u206f\ufeff\ufff9", `"\u200b\u200d\u2060\u206f\ufeff\ufff9"`},
		{"tags", "\U000e0001\U000e0020\U000e007f", `"\udb40\udc01\udb40\udc20\udb40\udc7f"`},
		{"the neighbours of tags", "\U000dffff\U000e0080\U000e0100", "\"\U000dffff\U000e0080\U000e0100\""},
		{"same last bytes, another middle", "\u20a8\u20ae\u20a9", "\"\u20a8\u20ae\u20a9\""},
		{"same last bytes, another first", "\u1028\u3028\u3029", "\"\u1028\u3028\u3029\""},
		{"the ends of the planes", "\ud7ff\ue000\ufffd\uffff\U00010000\U0001f600\U0010ffff", "\"\ud7ff\ue000\ufffd\uffff\U00010000\U0001f600\U0010ffff\""},
		{"escapes at both ends", "\x7fabc\u2028", `"\u007fabc\u2028"`},
	}
	for _, test := range tests {
		if got := string(AppendQuote(nil, test.text)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if got := string(AppendQuote([]byte("x"), []byte(test.text))); got != "x"+test.want {
			t.Errorf("%s, as bytes after an x: got %s, want x%s", test.name, got, test.want)
		}
	}
}

func TestQuoteOfATextThatEndsInTheMiddleStaysInIt(t *testing.T) {
	for _, s := range []string{"\xc2", "\xe2", "\xe2\x80", "a\xc2", "a\xe2\x80"} {
		room := append(make([]byte, 0, 16), s...)
		copy(room[len(s):cap(room)], "\xa8\xa8\xa8") // what would complete it
		if got := AppendQuote(nil, room); len(got) < 2 || bytes.ContainsRune(got, '\u2028') {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestTextThatIsNotUTF8BecomesBase64(t *testing.T) {
	tests := []struct {
		name, bytes string
		utf8        bool
	}{
		{"empty", "", true},
		{"ASCII", "text", true},
		{"NUL", "\x00", true},
		{"two bytes", "\u00e9", true},
		{"the replacement character", "\ufffd", true},
		{"a single high byte", "\xff", false},
		{"a character cut short", "text\xc3", false},
		{"a continuation byte", "\x80text", false},
		{"too long a form", "\xc0\xaf", false},
		{"a surrogate", "\xed\xa0\x80", false},
		{"beyond the last character", "\xf4\x90\x80\x80", false},
	}
	for _, test := range tests {
		for form, got := range map[string]map[string]any{
			"bytes":  members(t, func(dst []byte) []byte { return appendText(dst, "k", []byte(test.bytes)) }),
			"string": members(t, func(dst []byte) []byte { return appendText(dst, "k", test.bytes) }),
		} {
			key, want := "k", test.bytes
			if !test.utf8 {
				key, want = "k_base64", base64.StdEncoding.EncodeToString([]byte(test.bytes))
			}
			if len(got) != 1 || got[key] != want {
				t.Errorf("%s, as %s: got %v, want %q under %s alone", test.name, form, got, want, key)
			}
		}
	}
}

func TestCutTextEndsAtItsLastWholeCharacter(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", ""},
		{"ASCII", "abc", "abc"},
		{"whole characters", "a\u00e9\u20ac\U0001f600", "a\u00e9\u20ac\U0001f600"},
		{"one byte of two", "a\xc3", "a"},
		{"one byte of three", "a\xe2", "a"},
		{"two bytes of three", "a\xe2\x82", "a"},
		{"one byte of four", "a\xf0", "a"},
		{"two bytes of four", "a\xf0\x9f", "a"},
		{"three bytes of four", "a\xf0\x9f\x98", "a"},
		{"nothing but a part", "\xf0\x9f\x98", ""},
		{"a part after a long character", "\U0001f600\xf0\x9f", "\U0001f600"},
		// These are no UTF-8 in any case, and so keep all of their bytes.
		{"no UTF-8 before the part", "\xffa\xc3", "\xffa\xc3"},
		{"a byte that begins nothing", "a\xff", "a\xff"},
		{"a continuation byte", "a\x80", "a\x80"},
		{"four continuation bytes", "a\x80\x80\x80\x80", "a\x80\x80\x80\x80"},
		{"a part of a surrogate", "a\xed\xa0", "a\xed\xa0"},
		{"a part of what is beyond the last character", "a\xf4\x90", "a\xf4\x90"},
		{"a part of too long a form", "a\xe0\x80", "a\xe0\x80"},
	}
	for _, test := range tests {
		if got, isText := textOf([]byte(test.text), true); string(got) != test.want || isText != utf8.ValidString(test.want) {
			t.Errorf("%s: %q became %q, text: %v, want %q", test.name, test.text, got, isText, test.want)
		}
		if got, isText := textOf([]byte(test.text), false); string(got) != test.text || isText != utf8.ValidString(test.text) {
			t.Errorf("%s, whole: %q became %q, text: %v", test.name, test.text, got, isText)
		}
	}
}

func TestQuotingDoesNotAllocate(t *testing.T) {
	text := bytes.Repeat([]byte("\u00fcber\u2014\u20ac\u2028\n"), 1000)
	dst := make([]byte, 0, 4*len(text))
	if allocs := testing.AllocsPerRun(10, func() { dst = AppendQuote(dst[:0], text) }); allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}

func TestTimesAreUTCWithNanoseconds(t *testing.T) {
	east := time.FixedZone("east", 2*60*60)
	tests := []struct {
		time time.Time
		want string
	}{
		{time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC), "2026-01-02T03:04:05.123456789Z"},
		{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "2026-01-02T03:04:05.000000000Z"},
		{time.Date(2026, 1, 2, 3, 4, 5, 100, time.UTC), "2026-01-02T03:04:05.000000100Z"},
		{time.Date(2026, 1, 1, 1, 4, 5, 7, east), "2025-12-31T23:04:05.000000007Z"},
		{time.Unix(0, 0), "1970-01-01T00:00:00.000000000Z"},
		{time.Unix(-1, 999999999), "1969-12-31T23:59:59.999999999Z"},
	}
	for _, test := range tests {
		got := members(t, func(dst []byte) []byte { return appendTime(dst, "t", test.time) })["t"]
		if got != test.want {
			t.Errorf("got %v, want %v", got, test.want)
		}
		if back, err := time.Parse(time.RFC3339Nano, test.want); err != nil || !back.Equal(test.time) {
			t.Errorf("%s reads back as %v, %v", test.want, back, err)
		}
	}
}

func TestModesHaveAZeroAndAtLeastThreeDigits(t *testing.T) {
	tests := map[uint32]string{
		0: "0000", 0o7: "0007", 0o10: "0010", 0o77: "0077", 0o100: "0100",
		0o644: "0644", 0o777: "0777", 0o1777: "01777", 0o4755: "04755", 0o7777: "07777",
		0o100644: "0644", 0o040755: "0755", 0o120777: "0777", // with the type of the file
	}
	for mode, want := range tests {
		if got := members(t, func(dst []byte) []byte { return appendMode(dst, "m", mode) })["m"]; got != want {
			t.Errorf("%#o: got %v, want %v", mode, got, want)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{
		"", "plain", "\"\\\n\r\t\x00\x1b\x7f", "\u0080\u009f\u00a0", "\u2027\u2028\u2029\u202a",
		"\U0001f600", "\xff", "\xc2", "\xe2\x80", "a\xc2\"", "\xe2\"\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := members(t, func(dst []byte) []byte { return appendText(dst, "k", b) })
		if len(got) != 1 {
			t.Fatalf("%d members: %v", len(got), got)
		}
		if !utf8.Valid(b) {
			if back, err := base64.StdEncoding.DecodeString(got["k_base64"].(string)); err != nil || !bytes.Equal(back, b) {
				t.Fatalf("%q came back as %q, %v", b, back, err)
			}
			return
		}
		if got["k"] != string(b) {
			t.Fatalf("%q came back as %q", b, got["k"])
		}
		quoted := AppendQuote(nil, b)
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil || back != string(b) {
			t.Fatalf("%q as bytes came back as %q, %v", b, back, err)
		}
		if s := AppendQuote(nil, string(b)); !bytes.Equal(s, quoted) {
			t.Fatalf("as a string %q, as bytes %q", s, quoted)
		}
	})
}

func BenchmarkQuote(b *testing.B) {
	texts := []struct {
		name, piece string
		size        int
	}{
		{"ASCII", "time temp 00.00 ", 1 << 20},
		{"lines of 9", "00.00 23\n", 1 << 20},
		{"lines of 16", "time temp 00.00\n", 1 << 20},
		{"lines of 60", "2026-01-02T03:04:05Z sensor 7: the temperature is 23.4 deg\n", 1 << 20},
		{"UTF-8", "\u00fcber\u2014\u20ac\u65e5!", 1 << 20},
		{"German", "Die Temperatur \u00fcberschreitet das Ma\u00df. ", 1 << 20},
		{"64 bytes", "A message has about this many bytes and a newline at its end: 23\n", 64},
		{"16 bytes", "/run/temps.socks", 16},
	}
	for _, test := range texts {
		b.Run(test.name, func(b *testing.B) {
			text := bytes.Repeat([]byte(test.piece), max(1, test.size/len(test.piece)))
			dst := make([]byte, 0, 2*len(text)+2*blockRoom)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendQuote(dst[:0], text)
			}
		})
	}
}

func BenchmarkBase64(b *testing.B) {
	for _, size := range []int{12, 100, 1 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			data := bytes.Repeat([]byte{0xff, 7, 33}, size/3+1)[:size]
			dst := make([]byte, 0, 2*size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				dst = appendBase64Text(dst[:0], data)
			}
		})
	}
}

func BenchmarkTimestamp(b *testing.B) {
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = appendTimestamp(dst[:0], noon)
	}
}
