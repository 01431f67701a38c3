package record

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"testing"
	"time"
	"unicode/utf8"

	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// referenceQuote is AppendQuote without anything that makes it fast.
func referenceQuote(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		if r == '"' || r == '\\' || acts(r) {
			dst = appendEscape(dst, r)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// randomText is UTF-8 with a mixture of its own of what has an escape, what looks
// like it, and runs of what has none.
func randomText(r *rand.Rand, size int) []byte {
	pieces := []func() string{
		func() string {
			return "plain text, rather a long piece of it: as long as a block, and a word more."[:r.IntN(76)]
		},
		func() string { return string(rune(r.IntN(0x80))) },
		func() string { return []string{"\n", "\"", "\\", "\r\n", "\t", "\x7f", "!", "#", "]", "~"}[r.IntN(10)] },
		func() string { return string(rune(0x80 + r.IntN(0x40))) },
		func() string { return string(rune(0x2000 + r.IntN(0x80))) },
		func() string { return string(rune(r.IntN(0xd800))) },
		func() string { return string(rune(0x10000 + r.IntN(0x100000))) },
	}
	pieces = pieces[:1+r.IntN(len(pieces))]
	var text []byte
	for len(text) < size {
		text = append(text, pieces[r.IntN(len(pieces))]()...)
	}
	return text
}

// Every length, at every place in a block, with room for it and without.
func TestQuoteIsWhatTheReferenceSays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		text := randomText(r, r.IntN(300))
		before := bytes.Clone(text)
		room := make([]byte, r.IntN(10), 10+r.IntN(8*len(text)+10))
		want := referenceQuote(bytes.Clone(room), string(text))
		if got := AppendQuote(room, text); !bytes.Equal(got, want) {
			t.Fatalf("%q\nbecame %q\nwant   %q", text, got, want)
		}
		if got := AppendQuote(room[:len(room):len(room)], string(text)); !bytes.Equal(got, want) {
			t.Fatalf("%q, as a string,\nbecame %q\nwant   %q", text, got, want)
		}
		if !bytes.Equal(text, before) {
			t.Fatalf("%q was made %q", before, text)
		}
	}
}

// Each character in each place of a block and of what is shorter than one.
func TestQuoteEscapesInEveryPlace(t *testing.T) {
	for _, s := range []string{"\"", "\n", "\x00", "\x7f", "\u0080", "\u009f", "\u00a0", "\u2028", "\u2029", "\u202e", "\u20a8",
		"\u061b", "\u061c", "\u200a", "\u200b", "\u2069", "\ufefe", "\ufeff", "\ufffa", "\ufffd", "\U000dffff", "\U000e0000", "\U000e007f", "\U000e0080", "\U0001f600"} {
		for before := range 2 * blockSize {
			for _, after := range []int{0, 1, 7, 8, 9, blockSize, 2 * blockSize} {
				text := string(bytes.Repeat([]byte{'#'}, before)) + s + string(bytes.Repeat([]byte{']'}, after))
				if got, want := AppendQuote(nil, []byte(text)), referenceQuote(nil, text); !bytes.Equal(got, want) {
					t.Fatalf("%q became %q, want %q", text, got, want)
				}
			}
		}
	}
}

func TestBase64IsWhatEncodingBase64Says(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for size := range 1000 {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		for _, room := range [][]byte{nil, []byte("x"), make([]byte, 1, 1+size)} {
			want := base64.StdEncoding.AppendEncode(bytes.Clone(room), b)
			if got := appendBase64Text(room, b); !bytes.Equal(got, want) {
				t.Fatalf("%d bytes became %q, want %q", size, got, want)
			}
		}
	}
}

func TestTimestampIsWhatPackageTimeSays(t *testing.T) {
	check := func(at time.Time) {
		t.Helper()
		want := at.UTC().Format("2006-01-02T15:04:05.000000000Z")
		if got := string(appendTimestamp([]byte("x"), at)); got != "x"+want {
			t.Fatalf("%d.%09d became %s, want %s", at.Unix(), at.Nanosecond(), got, want)
		}
	}
	for year := -1; year <= 10001; year++ {
		for _, month := range []time.Month{1, 2, 3, 4, 12} {
			first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
			check(first)
			check(first.Add(-1))
		}
	}
	for _, seconds := range []int64{firstSecond - 1, firstSecond, lastSecond, lastSecond + 1, -1 << 63, 1<<63 - 1, -1, 0, 1 << 31, 1 << 32} {
		check(time.Unix(seconds, 0))
		check(time.Unix(seconds, 999_999_999))
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 10000 {
		check(time.Unix(firstSecond+r.Int64N(lastSecond-firstSecond), r.Int64N(1e9)))
		check(time.Unix(int64(r.Uint64()), 1))
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("00.00 23\n01.00 22\n02.00 22\n03.00 21\n04.00 21\n05.00 20\n06.00 20\n07.00 20\n08.00 20\n09.00 20\n"), 3)
	f.Add([]byte("\u00fcber\u2014\u20ac\u65e5!\u2028\x7f\u0085 and a block of plain text, and a bit more of it, behind that"), 0)
	f.Add([]byte("text that is not UTF-8, as it has this \xff in it, and is longer than what is short for base64"), 1)
	f.Fuzz(func(t *testing.T, b []byte, room int) {
		dst := make([]byte, 0, room&0xfff)
		got := appendText(dst, "k", b)
		want := append([]byte(`,"k_base64":"`), base64.StdEncoding.EncodeToString(b)+`"`...)
		if utf8.Valid(b) {
			want = referenceQuote([]byte(`,"k":`), string(b))
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%q\nbecame %q\nwant   %q", b, got, want)
		}
		if s := appendText(nil, "k", string(b)); !bytes.Equal(s, want) {
			t.Fatalf("%q, as a string,\nbecame %q\nwant   %q", b, s, want)
		}
	})
}

// A line with large values is written as it would be made at once.
func TestLineIsWrittenAsItWouldBeMade(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var sizes []int
	for i := range 40 {
		sizes = append(sizes, largeSize-10+i)
		if i%8 == 0 {
			sizes = append(sizes, 2*pieceSize-20+i)
		}
	}
	for _, size := range sizes {
		text, noText := randomText(r, size), randomText(r, size)
		noText[size/2] = 0xff
		for _, data := range [][]byte{text, noText} {
			m := Message{Time: noon, Data: data, Flags: unix.MSG_TRUNC, Descriptors: []descriptor.Descriptor{
				{FD: 5, Kind: "file", Content: descriptor.Content{Read: true, Data: data[:size], Truncated: true}},
				{FD: 6, Kind: "file", Content: descriptor.Content{Read: true, Data: data[:100]}},
				{FD: 7, Kind: "memfd", Content: descriptor.Content{Read: true, Data: data}},
			}}
			want := AppendMessage(nil, &m)
			var line Line
			line.Message(&m)
			if size > largeSize+utf8.UTFMax && (len(line.large) != 3 || len(line.text) > 2000) {
				t.Fatalf("%d bytes: %d large values, a text of %d bytes", size, len(line.large), len(line.text))
			}
			if got := line.Bytes(); !bytes.Equal(got, want) {
				t.Fatalf("%d bytes: got  %q\nwant %q", size, got, want)
			}
			var got bytes.Buffer
			if n, err := line.WriteTo(&got); n != int64(len(want)) || err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Fatalf("%d bytes, written: got  %q (%d, %v)\nwant %q", size, got.Bytes(), n, err, want)
			}
		}
	}
}
