package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fdmsg/fdio/cmsg"
)

// stream is what a sender puts on a stream: frames, and descriptors with the last
// byte of some of them.
type stream struct {
	bytes    []byte
	messages []string
	ends     []int
	fds      [][]int // with each frame
}

func newStream(t *testing.T, kind Kind, random *rand.Rand, count int) *stream {
	t.Helper()
	s := &stream{}
	for i := range count {
		message := fmt.Sprintf("%d %s", i, strings.Repeat("x", random.IntN(60)))
		switch {
		case kind == JSON && i%3 == 0:
			message = fmt.Sprint(i)
		case kind == JSON:
			message = `"` + message + `"`
		case i%10 == 9:
			message = ""
		}
		buffers, err := kind.Complete([][]byte{[]byte(message)})
		if err != nil {
			t.Fatal(err)
		}
		s.bytes = append(s.bytes, bytes.Join(buffers, nil)...)
		s.messages, s.ends = append(s.messages, message), append(s.ends, len(s.bytes))
		if kind == JSON {
			s.bytes = append(s.bytes, '\n') // which a number needs
			s.ends[i]++
		}
		var fds []int
		if i%7 == 6 {
			fds = []int{100 + i, 200 + i}
		}
		s.fds = append(s.fds, fds)
	}
	return s
}

// chunks cuts the stream as recvmsg(2) does: anywhere, and right after the bytes
// that came with descriptors.
func (s *stream) chunks(random *rand.Rand) (all []Received) {
	begin := 0
	for i, end := range s.ends {
		for s.fds[i] == nil && end > begin && random.IntN(3) == 0 {
			cut := begin + 1 + random.IntN(end-begin)
			all = append(all, Received{Data: s.bytes[begin:cut]})
			begin = cut
		}
		if s.fds[i] != nil {
			all = append(all, Received{Data: s.bytes[begin:end], Control: cmsg.AppendRights(nil, s.fds[i])})
			begin = end
		}
	}
	if begin < len(s.bytes) {
		all = append(all, Received{Data: s.bytes[begin:]})
	}
	return all
}

func fdsOf(control []byte) (fds []int) {
	for m := range cmsg.Messages(control) {
		fds = m.Rights(fds)
	}
	return fds
}

var splitKinds = []Kind{Line, NUL, U32BE, U32LE, JSON}

// However a stream is cut into chunks, its frames are the same, each with its own
// descriptors. The memory of a chunk is used again for the next one.
func TestAssemblerGivesEachFrameItsDescriptors(t *testing.T) {
	for _, kind := range splitKinds {
		for seed := range uint64(50) {
			random := rand.New(rand.NewPCG(seed, 1))
			s := newStream(t, kind, random, 80)
			a := NewAssembler(kind, 1000)
			data, control := make([]byte, len(s.bytes)), make([]byte, 1000)
			i := 0
			for _, chunk := range s.chunks(random) {
				chunk.Data = data[:copy(data, chunk.Data)]
				chunk.Control = control[:copy(control, chunk.Control)]
				a.Add(chunk)
				for {
					f, ok, err := a.Next()
					if err != nil {
						t.Fatal(err)
					}
					if !ok {
						break
					}
					if string(f.Data) != s.messages[i] || !slices.Equal(fdsOf(f.Control), s.fds[i]) {
						t.Fatalf("%s, seed %d: frame %d is %q with %v, want %q with %v", kind, seed, i, f.Data, fdsOf(f.Control), s.messages[i], s.fds[i])
					}
					i++
				}
				if random.IntN(2) == 0 {
					a.Trim()
				}
			}
			if f, e := a.Rest(); i != len(s.messages) || e != Nothing || a.Pending() || len(a.Abandon()) > 0 {
				t.Fatalf("%s, seed %d: %d frames, and %+v is left", kind, seed, i, f)
			}
		}
	}
}

// Who takes what Want says takes whole frames, and nothing of the next one.
func TestWantEndsWithAFrame(t *testing.T) {
	for _, kind := range splitKinds {
		for most := range 6 {
			random := rand.New(rand.NewPCG(uint64(most), 2))
			s := newStream(t, kind, random, 40)
			a := NewAssembler(kind, 1000)
			taken, frames := 0, 0
			for frames < most+1 {
				room := min(len(s.bytes), taken+1+random.IntN(100))
				n, err := a.Want(s.bytes[taken:room], most+1-frames)
				if err != nil {
					t.Fatal(err)
				}
				a.Add(Received{Data: s.bytes[taken : taken+n]})
				taken += n
				for {
					f, ok, err := a.Next()
					if err != nil {
						t.Fatal(err)
					}
					if !ok {
						break
					}
					if string(f.Data) != s.messages[frames] {
						t.Fatalf("%s: frame %d is %q, want %q", kind, frames, f.Data, s.messages[frames])
					}
					frames++
				}
			}
			end := s.ends[most]
			if kind == JSON && s.bytes[taken-1] != '\n' {
				end-- // the value alone
			}
			if frames != most+1 || taken != end || a.Pending() || len(a.partial) > 0 {
				t.Fatalf("%s: %d frames of %d bytes, want %d of %d", kind, frames, taken, most+1, end)
			}
		}
	}
}

// A number of JSON has ended where something else begins, which is not taken.
func TestWantLeavesWhatFollowsANumber(t *testing.T) {
	a := NewAssembler(JSON, 100)
	n, err := a.Want([]byte("12"), 1)
	if n != 2 || err != nil {
		t.Fatal(n, err)
	}
	a.Add(Received{Data: []byte("12")})
	if _, ok, _ := a.Next(); ok {
		t.Fatal("a number has ended that may go on")
	}
	if n, err = a.Want([]byte(`{"a":1}`), 1); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	f, ok, err := a.Next()
	if !ok || string(f.Data) != "12" || err != nil {
		t.Fatalf("%q, %v, %v", f.Data, ok, err)
	}
}

func TestAssemblerLimitsTheDescriptorsOfAFrame(t *testing.T) {
	a := NewAssembler(Line, 1000)
	fds := make([]int, cmsg.MaxDescriptors)
	var err error
	for range MaxDescriptors/len(fds) + 1 {
		a.Add(Received{Data: []byte("x"), Control: cmsg.AppendRights(nil, fds)})
		if _, _, err = a.Next(); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrTooManyDescriptors) || len(fdsOf(a.Abandon())) != MaxDescriptors+len(fds) {
		t.Error("no limit, or descriptors lost: ", err)
	}
}

// readAll reads frames until there is an error.
func readAll(r *Reader) (messages []string, err error) {
	for {
		f, err := r.Next()
		if err != nil {
			return messages, err
		}
		messages = append(messages, string(f.Data))
	}
}

func TestReaderReadsToTheEnd(t *testing.T) {
	for _, test := range []struct {
		kind   Kind
		chunks []string
		want   []string
		err    error
	}{
		{Line, []string{"a\nb", "c\n"}, []string{"a", "bc"}, io.EOF},
		{Line, []string{"a\n", "b"}, []string{"a"}, ErrUnfinished},
		{EOF, []string{"all", " of it"}, []string{"all of it"}, io.EOF},
		{JSON, []string{"1", "2 "}, []string{"12"}, io.EOF},
		{JSON, []string{"12"}, []string{"12"}, io.EOF},
		{U32BE, []string{"\x00\x00\x00", "\x01xy"}, []string{"x"}, ErrUnfinished},
		{Line, []string{"0123456789a\n"}, nil, ErrTooLong},
	} {
		i := 0
		r := NewReader(test.kind, 10, func() (Received, error) {
			if i == len(test.chunks) {
				return Received{}, io.EOF
			}
			i++
			return Received{Data: []byte(test.chunks[i-1])}, nil
		})
		if got, err := readAll(r); !slices.Equal(got, test.want) || !errors.Is(err, test.err) {
			t.Errorf("%s %q: %q, %v; want %q, %v", test.kind, test.chunks, got, err, test.want, test.err)
		}
	}
}
