package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// splitAll feeds stream in parts that end at cuts, and returns the messages and
// what is left.
func splitAll(t *testing.T, kind Kind, most int, stream []byte, cuts []int) (messages []string, rest string, err error) {
	t.Helper()
	s := Splitter{Kind: kind, Max: most}
	var frame []byte
	begin := 0
	for _, cut := range append(cuts, len(stream)) {
		part := stream[begin:cut]
		begin = cut
		for len(part) > 0 {
			n, end, err := s.Feed(part)
			if n < 0 || n > len(part) || n < len(part) && !end && err == nil {
				t.Fatalf("Feed(%q) takes %d bytes and goes on", part, n)
			}
			if err != nil {
				return messages, string(frame), err
			}
			frame = append(frame, part[:n]...)
			part = part[n:]
			if !end {
				continue
			}
			message, err := kind.Message(frame)
			if err != nil {
				return messages, string(frame), err
			}
			messages, frame = append(messages, string(message)), nil
		}
	}
	return messages, string(frame), nil
}

func TestSplitterFindsFrames(t *testing.T) {
	for _, test := range []struct {
		kind   Kind
		stream string
		want   []string
		rest   string
		err    error
	}{
		{Line, "a\n\nbc\nd", []string{"a", "", "bc"}, "d", nil},
		{NUL, "a\n\x00\x00b", []string{"a\n", ""}, "b", nil},
		{U32BE, "\x00\x00\x00\x02ab\x00\x00\x00\x00\x00\x00\x00\x03c", []string{"ab", ""}, "\x00\x00\x00\x03c", nil},
		{U32LE, "\x02\x00\x00\x00ab\x01\x00", []string{"ab"}, "\x01\x00", nil},
		{EOF, "all\nof it", nil, "all\nof it", nil},
		{JSON, ` {"a":"}\"]"} [1,[2]]3 "x" true` + "\n{", []string{`{"a":"}\"]"}`, "[1,[2]]", "3", `"x"`, "true"}, "{", nil},
		{JSON, "1{}", []string{"1", "{}"}, "", nil},
		{JSON, "{}}", []string{"{}"}, "", ErrInvalidJSON},
		{JSON, "{x}", nil, "{x}", ErrInvalidJSON},
		{JSON, "nul ", nil, "nul ", ErrInvalidJSON},
		{Line, "0123456789\n", []string{"0123456789"}, "", nil},
		{Line, "0123456789a\n", nil, "", ErrTooLong},
		{NUL, "0123456789a", nil, "", ErrTooLong},
		{U32BE, "\x00\x00\x00\x0a0123456789", []string{"0123456789"}, "", nil},
		{U32BE, "\x00\x00\x00\x0b", nil, "", ErrTooLong},
		{U32LE, "\xff\xff\xff\xff", nil, "", ErrTooLong},
		{EOF, "0123456789a", nil, "", ErrTooLong},
	} {
		most := 10
		if test.kind == JSON {
			most = 100
		}
		messages, rest, err := splitAll(t, test.kind, most, []byte(test.stream), nil)
		if !slices.Equal(messages, test.want) || rest != test.rest || !errors.Is(err, test.err) {
			t.Errorf("%s %q: %q, rest %q, %v; want %q, %q, %v", test.kind, test.stream, messages, rest, err, test.want, test.rest, test.err)
		}
	}
}

// What Complete makes of messages is split into the same messages.
func TestCompleteFramesAreSplit(t *testing.T) {
	for _, kind := range []Kind{Line, NUL, U32BE, U32LE} {
		var stream []byte
		want := []string{"", "one", "two parts", string(bytes.Repeat([]byte{'x'}, 70000))}
		for _, message := range want {
			half := len(message) / 2
			buffers, err := kind.Complete([][]byte{[]byte(message[:half]), []byte(message[half:])})
			if err != nil {
				t.Fatal(err)
			}
			stream = append(stream, bytes.Join(buffers, nil)...)
		}
		if got, rest, err := splitAll(t, kind, 1<<20, stream, nil); !slices.Equal(got, want) || rest != "" || err != nil {
			t.Errorf("%s: %d messages, rest %q, %v", kind, len(got), rest, err)
		}
	}
}

// A frame with its length has to be no longer than what an int can count, of 32 bits even.
func TestLargestLengthsAreTooLongOrAwaited(t *testing.T) {
	for _, length := range []string{"\x7f\xff\xff\xfb", "\x7f\xff\xff\xfc", "\x7f\xff\xff\xff", "\x80\x00\x00\x00", "\xff\xff\xff\xff"} {
		s := Splitter{Kind: U32BE, Max: math.MaxInt}
		n, end, err := s.Feed([]byte(length + "x"))
		tooLong := n == lengthSize && !end && errors.Is(err, ErrTooLong)
		awaited := n == lengthSize+1 && !end && err == nil
		if fits := length < "\x7f\xff\xff\xfc" || math.MaxInt > math.MaxInt32; fits && !awaited || !fits && !tooLong {
			t.Errorf("length %x: %d bytes, end %v, error %v", length, n, end, err)
		}
	}
}

func TestRestOfAStream(t *testing.T) {
	for _, test := range []struct {
		kind  Kind
		frame string
		want  string
		end   Ending
	}{
		{Line, "half", "half", Unfinished},
		{Line, "", "", Nothing},
		{U32BE, "\x00\x00\x00\x05ab", "ab", Unfinished},
		{U32BE, "\x00\x00\x00\x05", "", Unfinished},
		{U32BE, "\x00\x00", "", Unfinished},
		{JSON, " 12 ", "12", Complete},
		{JSON, "[1", "[1", Unfinished},
		{JSON, " \n", "", Nothing},
		{EOF, "all", "all", Complete},
		{EOF, "", "", Nothing},
	} {
		if got, e := test.kind.Rest([]byte(test.frame)); string(got) != test.want || e != test.end {
			t.Errorf("%s, %q: %q, %v", test.kind, test.frame, got, e)
		}
	}
}

// However a stream is cut into parts, its frames are the same; a copy that looks
// ahead sees what the splitter itself then does.
func FuzzSplitter(f *testing.F) {
	for i, stream := range []string{"a\nb\n", "x\x00y", "\x00\x00\x00\x01a\x01\x00\x00\x00b", `{"a":[1,"\"}"]} 12 "s"[]nul`} {
		f.Add(uint8(i), uint16(20), uint64(i), []byte(stream))
	}
	f.Fuzz(func(t *testing.T, k uint8, most uint16, seed uint64, stream []byte) {
		kind, _ := Parse(Names()[int(k)%len(kinds)])
		if kind == Chunk {
			return // nothing but where it is cut
		}
		random := rand.New(rand.NewPCG(seed, 0))
		var cuts []int
		for range random.IntN(8) {
			cuts = append(cuts, random.IntN(len(stream)+1))
		}
		slices.Sort(cuts)
		whole, wholeRest, wholeErr := splitAll(t, kind, int(most), stream, nil)
		parts, partsRest, partsErr := splitAll(t, kind, int(most), stream, cuts)
		if kind == JSON { // white space behind a value may come with it
			wholeRest, partsRest = strings.Trim(wholeRest, jsonSpace), strings.Trim(partsRest, jsonSpace)
		}
		if !slices.Equal(whole, parts) || (wholeErr == nil) != (partsErr == nil) || wholeErr == nil && wholeRest != partsRest {
			t.Fatalf("%s %q: %q %q %v, cut at %v: %q %q %v", kind, stream, whole, wholeRest, wholeErr, cuts, parts, partsRest, partsErr)
		}
		for _, message := range whole {
			if len(message) > int(most) {
				t.Fatalf("%s %q: a message of %d bytes, at most %d", kind, stream, len(message), most)
			}
			if kind == JSON && !json.Valid([]byte(message)) {
				t.Fatalf("%q is no JSON", message)
			}
		}
		s := Splitter{Kind: kind, Max: int(most)}
		ahead := s
		n, end, _ := ahead.Feed(stream)
		if m, sameEnd, _ := s.Feed(stream); n != m || end != sameEnd {
			t.Fatalf("%s %q: %d, %v ahead, and %d, %v", kind, stream, n, end, m, sameEnd)
		}
	})
}
