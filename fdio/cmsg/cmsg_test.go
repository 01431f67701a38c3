package cmsg

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// withLength is a control message whose header says length, whatever follows
// it: a struct cmsghdr by way of x/sys/unix, not of this package.
func withLength(length uint64, level, typ int, data []byte) []byte {
	b := make([]byte, 0, unix.SizeofCmsghdr+len(data))
	if unix.SizeofCmsghdr == 16 {
		b = binary.NativeEndian.AppendUint64(b, length)
	} else {
		b = binary.NativeEndian.AppendUint32(b, uint32(length))
	}
	b = binary.NativeEndian.AppendUint32(b, uint32(level))
	b = binary.NativeEndian.AppendUint32(b, uint32(typ))
	return append(b, data...)
}

// sequence is n bytes that differ from their neighbours.
func sequence(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 1)
	}
	return b
}

func joined(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestSizesAreThoseOfTheKernelHeaders(t *testing.T) {
	if HeaderSize != unix.SizeofCmsghdr {
		t.Errorf("HeaderSize = %d, want %d", HeaderSize, unix.SizeofCmsghdr)
	}
	sizes := []int{16<<10 - 1, 16 << 10, 1 << 20, 1<<20 + 1, math.MaxInt32 - 64}
	for n := range 1100 {
		sizes = append(sizes, n)
	}
	for _, n := range sizes {
		if got, want := Len(n), unix.CmsgLen(n); got != want {
			t.Errorf("Len(%d) = %d, want %d", n, got, want)
		}
		if got, want := Space(n), unix.CmsgSpace(n); got != want {
			t.Errorf("Space(%d) = %d, want %d", n, got, want)
		}
		if got, want := Align(n), unix.CmsgSpace(n)-unix.CmsgSpace(0); got != want {
			t.Errorf("Align(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestAppendedMessagesParseAsTheReferenceSays(t *testing.T) {
	var messages []Message
	for n := range 20 { // every padding, with and without data before and after
		messages = append(messages, Message{Level: unix.SOL_SOCKET, Type: n, Data: sequence(n)})
	}
	messages = append(messages,
		Message{Level: unix.IPPROTO_IPV6, Type: unix.IPV6_PKTINFO, Data: sequence(unix.SizeofInet6Pktinfo)},
		Message{Level: -1, Type: -2, Data: sequence(1)},
		Message{Level: math.MaxInt32, Type: math.MinInt32},
		Message{Level: 283, Type: 7, Data: sequence(4096 + 3)},
	)
	var control []byte
	space := 0
	for _, m := range messages {
		control = Append(control, m)
		if space += unix.CmsgSpace(len(m.Data)); len(control) != space {
			t.Fatalf("after %d bytes of data the buffer has %d bytes, want %d", len(m.Data), len(control), space)
		}
	}
	parsed, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(parsed) != len(messages) {
		t.Fatalf("the reference reads %d messages, error %v; want %d", len(parsed), err, len(messages))
	}
	for i, p := range parsed {
		m := messages[i]
		if int(p.Header.Level) != m.Level || int(p.Header.Type) != m.Type || !bytes.Equal(p.Data, m.Data) {
			t.Errorf("message %d is read as level %d, type %d, data %x; want %+v", i, p.Header.Level, p.Header.Type, p.Data, m)
		}
	}
	if got := slices.Collect(Messages(control)); !slices.EqualFunc(got, messages, sameMessage) {
		t.Errorf("Messages gives %+v, want %+v", got, messages)
	}
}

func sameMessage(a, b Message) bool {
	return a.Level == b.Level && a.Type == b.Type && bytes.Equal(a.Data, b.Data)
}

func TestAppendKeepsWhatIsThereAndPadsWithZeros(t *testing.T) {
	first := Append(nil, Message{Level: 1, Type: 2, Data: []byte("abc")})
	// Memory that was used before must not shine through in the padding.
	dirty := append(bytes.Clone(first), bytes.Repeat([]byte{0xff}, 64)...)
	both := Append(dirty[:len(first)], Message{Level: 3, Type: 4, Data: []byte("d")})
	want := joined(
		withLength(uint64(unix.CmsgLen(3)), 1, 2, []byte("abc")), make([]byte, Align(3)-3),
		withLength(uint64(unix.CmsgLen(1)), 3, 4, []byte("d")), make([]byte, Align(1)-1),
	)
	if !bytes.Equal(both, want) {
		t.Errorf("got  %x\nwant %x", both, want)
	}
}

func TestNextAcceptsALastMessageWithoutPadding(t *testing.T) {
	first := Append(nil, Message{Level: 1, Type: 2, Data: []byte("first")})
	last := withLength(uint64(Len(3)), 5, 6, []byte("end"))
	_, rest, ok, err := Next(joined(first, last))
	if !ok || err != nil {
		t.Fatalf("first: ok %v, error %v", ok, err)
	}
	m, rest, ok, err := Next(rest)
	if want := (Message{5, 6, []byte("end")}); !ok || err != nil || !sameMessage(m, want) || len(rest) != 0 {
		t.Errorf("last: %+v, rest %x, ok %v, error %v; want %+v", m, rest, ok, err, want)
	}
	if _, _, ok, err = Next(rest); ok || err != nil {
		t.Errorf("after the last: ok %v, error %v; want the end", ok, err)
	}
}

func TestNextIgnoresATailShorterThanAHeader(t *testing.T) {
	whole := Append(nil, Message{Level: 1, Type: 2, Data: []byte("data")})
	for n := range HeaderSize {
		tail := bytes.Repeat([]byte{0xff}, n)
		if m, rest, ok, err := Next(tail); ok || err != nil || m.Data != nil || rest != nil {
			t.Errorf("%d bytes: %+v, rest %x, ok %v, error %v; want nothing", n, m, rest, ok, err)
		}
		if got := slices.Collect(Messages(joined(whole, tail))); len(got) != 1 {
			t.Errorf("a message and %d bytes: %d messages, want 1", n, len(got))
		}
	}
}

func TestNextReportsLengthsThatCannotBe(t *testing.T) {
	data := sequence(24)
	all := uint64(HeaderSize + len(data))
	word := uint64(math.MaxUint32)
	if wordSize == 8 {
		word = math.MaxUint64
	}
	lengths := []uint64{
		0, 1, uint64(HeaderSize) - 1, // less than the header itself
		all + 1, all + uint64(wordSize), 1 << 20, // more than is there
		1 << 31, 1<<31 - 1, // the sign of an int32
		word, word - 1, word - 7, word - uint64(HeaderSize), // wraps around when it is aligned or added to
		word>>1 + 1, word >> 1, word>>1 + uint64(HeaderSize), // the sign of an int
	}
	if wordSize == 8 {
		lengths = append(lengths, 1<<32, 1<<32+uint64(HeaderSize)) // would fit if it were 32 bits wide
	}
	for _, length := range lengths {
		control := withLength(length, 41, 50, data)
		m, rest, ok, err := Next(control)
		if !ok || err != ErrMalformed {
			t.Errorf("length %#x: ok %v, error %v; want ErrMalformed", length, ok, err)
			continue
		}
		if want := (Message{41, 50, data}); !sameMessage(m, want) || len(rest) != 0 {
			t.Errorf("length %#x: %+v, rest %x; want %+v and no rest", length, m, rest, want)
		}
		if _, err := unix.ParseSocketControlMessage(control); err == nil {
			t.Errorf("length %#x: the reference finds nothing wrong", length)
		}
		if got := slices.Collect(Messages(control)); len(got) != 0 {
			t.Errorf("length %#x: Messages gives %+v, want none", length, got)
		}
	}
}

func TestMessagesEndBeforeAMalformedOne(t *testing.T) {
	good := Append(nil, Message{Level: 1, Type: 2, Data: []byte("good")})
	bad := withLength(3, 1, 3, nil)
	got := slices.Collect(Messages(joined(good, good, bad, good)))
	if len(got) != 2 {
		t.Errorf("%d messages, want the 2 before the malformed one", len(got))
	}
}

func TestMessagesStopWhenTheCallerDoes(t *testing.T) {
	control := Append(Append(nil, Message{Type: 1}), Message{Type: 2})
	var types []int
	for m := range Messages(control) {
		types = append(types, m.Type)
		break
	}
	if !slices.Equal(types, []int{1}) {
		t.Errorf("types %v, want [1]", types)
	}
}

func TestDataOfAMessageCannotGrowIntoTheNext(t *testing.T) {
	control := Append(Append(nil, Message{Type: 1, Data: []byte("one")}), Message{Type: 2, Data: []byte("two")})
	before := bytes.Clone(control)
	m, _, _, _ := Next(control)
	_ = append(m.Data, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee)
	if !bytes.Equal(control, before) {
		t.Errorf("appending to the data of one message changed the buffer:\n%x\n%x", before, control)
	}
}

func TestParsingDoesNotAllocate(t *testing.T) {
	control := AppendRights(nil, numbers(MaxDescriptors))
	control = append(control, unix.UnixCredentials(&unix.Ucred{Pid: 1, Uid: 2, Gid: 3})...)
	fds := make([]int, 0, MaxDescriptors)
	allocs := testing.AllocsPerRun(100, func() {
		fds = fds[:0]
		for m := range Messages(control) {
			fds = m.Rights(fds)
			m.Credentials()
		}
		fds = fds[:0]
		for m := range Messages(control) {
			fds = m.Descriptors(fds)
		}
	})
	if allocs != 0 || len(fds) != MaxDescriptors {
		t.Errorf("%v allocations for %d descriptors, want 0", allocs, len(fds))
	}
}

func TestBuildingIntoABufferDoesNotAllocate(t *testing.T) {
	fds := numbers(MaxDescriptors)
	data := sequence(100)
	b := make([]byte, 0, Space(4*len(fds))+Space(len(data)))
	allocs := testing.AllocsPerRun(100, func() {
		b = AppendRights(b[:0], fds)
		b = Append(b, Message{Level: 1, Type: 2, Data: data})
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}

func BenchmarkMessages(b *testing.B) {
	control := AppendRights(nil, numbers(MaxDescriptors))
	control = append(control, unix.UnixCredentials(&unix.Ucred{Pid: 1})...)
	b.ReportAllocs()
	b.SetBytes(int64(len(control)))
	count := 0
	for b.Loop() {
		for range Messages(control) {
			count++
		}
	}
	if count != 2*b.N {
		b.Fatalf("%d messages in %d rounds", count, b.N)
	}
}
