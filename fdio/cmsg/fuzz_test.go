package cmsg

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// within reports whether part lies in whole, its spare capacity in that of
// whole.
func within(part, whole []byte) bool {
	if cap(part) == 0 {
		return true
	}
	first := uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	start := uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	return start >= first && start+uintptr(len(part)) <= first+uintptr(len(whole)) &&
		start+uintptr(cap(part)) <= first+uintptr(cap(whole))
}

func FuzzNext(f *testing.F) {
	rights := unix.UnixRights(3, 4, 5)
	creds := unix.UnixCredentials(&unix.Ucred{Pid: 1, Uid: 2, Gid: 3})
	f.Add([]byte{})
	f.Add(rights)
	f.Add(rights[:len(rights)-1])
	f.Add(joined(rights, creds, Append(nil, Message{Level: 41, Type: 50, Data: []byte("odd")})))
	f.Add(joined(creds, []byte("short tail")))
	f.Add(joined(rights, withLength(0, 1, 2, nil)))
	f.Add(joined(rights, withLength(uint64(HeaderSize)-1, 1, 2, []byte("data"))))
	f.Add(withLength(math.MaxUint64, -1, -1, sequence(9)))
	f.Add(withLength(math.MaxUint64>>1, 1, 1, sequence(9)))
	f.Fuzz(func(t *testing.T, input []byte) {
		// What is behind the end must not be looked at.
		control := append(make([]byte, 0, len(input)+64), input...)
		spare := control[len(control):cap(control)]
		for i := range spare {
			spare[i] = 0x5a
		}
		messages, malformed := walk(t, control)
		if !bytes.Equal(control, input) {
			t.Fatal("parsing changed the buffer")
		}
		if got := slices.Collect(Messages(control)); !slices.EqualFunc(got, messages, sameMessage) {
			t.Fatalf("Messages gives %+v, Next %+v", got, messages)
		}
		agreesWithReference(t, control, messages, malformed)
		rebuilds(t, messages)
	})
}

// walk takes control apart with Next and returns its well-formed messages.
func walk(t *testing.T, control []byte) (messages []Message, malformed bool) {
	rest := control
	for {
		m, next, ok, err := Next(rest)
		if !within(m.Data, control) || !within(next, control) {
			t.Fatal("Next handed out bytes from outside of the buffer")
		}
		switch {
		case !ok:
			if err != nil || len(rest) >= HeaderSize {
				t.Fatalf("the end with %d bytes left, error %v", len(rest), err)
			}
			return messages, false
		case err == ErrMalformed:
			if len(next) != 0 || !bytes.Equal(m.Data, rest[HeaderSize:]) {
				t.Fatalf("malformed: %+v, rest %x", m, next)
			}
			return messages, true
		case err != nil:
			t.Fatal(err)
		case len(next) > len(rest)-HeaderSize:
			t.Fatalf("%d bytes became %d", len(rest), len(next))
		case cap(m.Data) != len(m.Data):
			t.Fatal("the data of a message can grow into what follows it")
		}
		messages, rest = append(messages, m), next
	}
}

func agreesWithReference(t *testing.T, control []byte, messages []Message, malformed bool) {
	want, err := unix.ParseSocketControlMessage(control)
	if (err != nil) != malformed {
		t.Fatalf("malformed: %v; the reference: %v", malformed, err)
	}
	if malformed {
		return
	}
	if len(messages) != len(want) {
		t.Fatalf("%d messages, the reference finds %d", len(messages), len(want))
	}
	for i, m := range messages {
		w := want[i]
		if m.Level != int(w.Header.Level) || m.Type != int(w.Header.Type) || !bytes.Equal(m.Data, w.Data) {
			t.Fatalf("message %d is %+v, the reference finds %+v", i, m, w)
		}
	}
}

func rebuilds(t *testing.T, messages []Message) {
	var built []byte
	size := 0
	for _, m := range messages {
		built = Append(built, m)
		size += unix.CmsgSpace(len(m.Data))
	}
	if len(built) != size {
		t.Fatalf("built %d bytes, want %d", len(built), size)
	}
	if again := slices.Collect(Messages(built)); !slices.EqualFunc(again, messages, sameMessage) {
		t.Fatalf("%+v became %+v", messages, again)
	}
	isRights := func(m Message) bool { return m.Level == unix.SOL_SOCKET && m.Type == unix.SCM_RIGHTS }
	kept := slices.Collect(Messages(WithoutRights(built)))
	if want := slices.DeleteFunc(messages, isRights); !slices.EqualFunc(kept, want, sameMessage) {
		t.Fatalf("WithoutRights keeps %+v, want %+v", kept, want)
	}
}

func FuzzRights(f *testing.F) {
	f.Add([]byte{})
	f.Add(ints(3))
	f.Add(ints(3, 4, -1, math.MaxInt32, math.MinInt32))
	f.Add(ints(5, 6)[:7])
	f.Add(ints(numbers32(MaxDescriptors)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var want []int
		for i := 0; i+4 <= len(data); i += 4 {
			want = append(want, int(int32(binary.NativeEndian.Uint32(data[i:]))))
		}
		rights := Message{Level: unix.SOL_SOCKET, Type: unix.SCM_RIGHTS, Data: data}
		if got := rights.Rights(nil); !slices.Equal(got, want) {
			t.Fatalf("Rights gives %v, want %v", got, want)
		}
		if got := rights.Descriptors(nil); !slices.Equal(got, want) {
			t.Fatalf("Descriptors gives %v, want %v", got, want)
		}
		pidfd := Message{Level: unix.SOL_SOCKET, Type: unix.SCM_PIDFD, Data: data}
		if got := pidfd.Descriptors(nil); len(got) > 1 || len(got) == 1 && (got[0] < 0 || got[0] != want[0]) {
			t.Fatalf("the descriptors of a pidfd are %v, its data %v", got, want)
		}
		if c, ok := (Message{unix.SOL_SOCKET, unix.SCM_CREDENTIALS, data}).Credentials(); ok &&
			!bytes.Equal(data, ints(c.PID, int32(c.UID), int32(c.GID))) {
			t.Fatalf("%x became %+v", data, c)
		}
		built := AppendRights(nil, want)
		if len(want) == 0 {
			if len(built) != 0 {
				t.Fatalf("no descriptors became %x", built)
			}
			return
		}
		if reference := unix.UnixRights(want...); !bytes.Equal(built, reference) {
			t.Fatalf("AppendRights builds %x, the reference %x", built, reference)
		}
		m, rest, ok, err := Next(built)
		if !ok || err != nil || len(rest) != 0 || !slices.Equal(m.Rights(nil), want) {
			t.Fatalf("%v became %+v, rest %x, ok %v, error %v", want, m, rest, ok, err)
		}
	})
}

func numbers32(n int) []int32 {
	var all []int32
	for _, fd := range numbers(n) {
		all = append(all, int32(fd))
	}
	return all
}
