package cmsg

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// numbers are n different numbers of descriptors, none of which need be open.
func numbers(n int) []int {
	fds := make([]int, n)
	for i := range fds {
		fds[i] = i*i + 3
	}
	return fds
}

// ints are int32s as the kernel has them.
func ints(numbers ...int32) []byte {
	var b []byte
	for _, n := range numbers {
		b = binary.NativeEndian.AppendUint32(b, uint32(n))
	}
	return b
}

func TestAppendRightsBuildsWhatTheReferenceBuilds(t *testing.T) {
	for n := 1; n <= MaxDescriptors; n++ {
		fds := numbers(n)
		if got, want := AppendRights(nil, fds), unix.UnixRights(fds...); !bytes.Equal(got, want) {
			t.Errorf("%d descriptors:\ngot  %x\nwant %x", n, got, want)
		}
	}
	fds := []int{0, math.MaxInt32, -1, math.MinInt32}
	if got, want := AppendRights(nil, fds), unix.UnixRights(fds...); !bytes.Equal(got, want) {
		t.Errorf("%d:\ngot  %x\nwant %x", fds, got, want)
	}
}

func TestAppendRightsWithoutDescriptorsAppendsNothing(t *testing.T) {
	before := []byte("before")
	if got := AppendRights(before, nil); !bytes.Equal(got, before) {
		t.Errorf("got %q, want %q", got, before)
	}
	if got := AppendRights(nil, []int{}); len(got) != 0 {
		t.Errorf("got %x, want nothing", got)
	}
}

func TestRightsComeBackInOrder(t *testing.T) {
	for n := range MaxDescriptors + 1 {
		want := numbers(n)
		got := []int{-7}
		for m := range Messages(AppendRights(nil, want)) {
			got = m.Rights(got)
		}
		if !slices.Equal(got, append([]int{-7}, want...)) {
			t.Fatalf("%d descriptors: got %v, want %v after -7", n, got, want)
		}
	}
}

func TestRightsOfTwoMessagesAreJoined(t *testing.T) {
	control := AppendRights(AppendRights(nil, []int{5, 6, 7}), []int{8})
	var got []int
	for m := range Messages(control) {
		got = m.Rights(got)
	}
	if want := []int{5, 6, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRightsIgnoreAPartOfANumber(t *testing.T) {
	for n := range 13 {
		m := Message{Level: unix.SOL_SOCKET, Type: unix.SCM_RIGHTS, Data: ints(3, 4, 5)[:n]}
		if got, want := m.Rights(nil), []int{3, 4, 5}[:n/4]; !slices.Equal(got, want) {
			t.Errorf("%d bytes: got %v, want %v", n, got, want)
		}
	}
}

func TestDescriptorsAreThoseThatTheKernelInstalled(t *testing.T) {
	tests := []struct {
		name        string
		level, typ  int
		data        []byte
		rights      []int
		descriptors []int
	}{
		{"rights", unix.SOL_SOCKET, unix.SCM_RIGHTS, ints(5, 6), []int{5, 6}, []int{5, 6}},
		{"pidfd", unix.SOL_SOCKET, unix.SCM_PIDFD, ints(9), nil, []int{9}},
		{"pidfd 0", unix.SOL_SOCKET, unix.SCM_PIDFD, ints(0), nil, []int{0}},
		{"pidfd that is an errno", unix.SOL_SOCKET, unix.SCM_PIDFD, ints(-int32(unix.ESRCH)), nil, nil},
		{"pidfd cut short", unix.SOL_SOCKET, unix.SCM_PIDFD, ints(9)[:3], nil, nil},
		{"pidfd with more behind it", unix.SOL_SOCKET, unix.SCM_PIDFD, ints(9, 10), nil, []int{9}},
		{"credentials", unix.SOL_SOCKET, unix.SCM_CREDENTIALS, ints(1, 2, 3), nil, nil},
		{"rights of another level", unix.IPPROTO_IP, unix.SCM_RIGHTS, ints(5, 6), nil, nil},
		{"pidfd of another level", unix.IPPROTO_IP, unix.SCM_PIDFD, ints(5), nil, nil},
	}
	for _, test := range tests {
		m := Message{Level: test.level, Type: test.typ, Data: test.data}
		if got := m.Rights(nil); !slices.Equal(got, test.rights) {
			t.Errorf("%s: Rights gives %v, want %v", test.name, got, test.rights)
		}
		if got := m.Descriptors([]int{2}); !slices.Equal(got, append([]int{2}, test.descriptors...)) {
			t.Errorf("%s: Descriptors gives %v, want %v after 2", test.name, got, test.descriptors)
		}
	}
}

func TestWithoutRightsKeepsAllElseInOrder(t *testing.T) {
	creds := unix.UnixCredentials(&unix.Ucred{Pid: 4, Uid: 5, Gid: 6})
	odd := Append(nil, Message{Level: 41, Type: 50, Data: []byte("odd")})
	otherLevel := Append(nil, Message{Level: unix.IPPROTO_IP, Type: unix.SCM_RIGHTS, Data: ints(1)})
	rights := AppendRights(nil, []int{3, 4, 5})
	tests := []struct {
		name          string
		control, want []byte
	}{
		{"nothing", nil, nil},
		{"rights alone", rights, nil},
		{"rights first", joined(rights, creds, odd), joined(creds, odd)},
		{"rights in between and last", joined(odd, rights, creds, rights), joined(odd, creds)},
		{"no rights", joined(creds, otherLevel, odd), joined(creds, otherLevel, odd)},
		{"the last one without padding", joined(rights, odd[:Len(3)]), odd},
	}
	for _, test := range tests {
		before := bytes.Clone(test.control)
		if got := WithoutRights(test.control); !bytes.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %x\nwant %x", test.name, got, test.want)
		}
		if !bytes.Equal(test.control, before) {
			t.Errorf("%s: the control buffer itself was changed", test.name)
		}
	}
}

func TestCredentialsDecodeWhatTheReferenceEncodes(t *testing.T) {
	tests := []unix.Ucred{
		{}, {Pid: 1, Uid: 2, Gid: 3}, {Pid: -1, Uid: 0, Gid: 1},
		{Pid: math.MaxInt32, Uid: math.MaxUint32, Gid: math.MaxUint32 - 1},
	}
	for _, ucred := range tests {
		m, _, _, _ := Next(unix.UnixCredentials(&ucred))
		got, ok := m.Credentials()
		if want := (Credentials{ucred.Pid, ucred.Uid, ucred.Gid}); !ok || got != want {
			t.Errorf("got %+v, %v; want %+v", got, ok, want)
		}
	}
}

func TestCredentialsNeedTheirTypeAndSize(t *testing.T) {
	right := ints(1, 2, 3)
	tests := []struct {
		name string
		m    Message
	}{
		{"another type", Message{unix.SOL_SOCKET, unix.SCM_RIGHTS, right}},
		{"another level", Message{unix.IPPROTO_IP, unix.SCM_CREDENTIALS, right}},
		{"too short", Message{unix.SOL_SOCKET, unix.SCM_CREDENTIALS, right[:11]}},
		{"too long", Message{unix.SOL_SOCKET, unix.SCM_CREDENTIALS, ints(1, 2, 3, 4)}},
		{"empty", Message{unix.SOL_SOCKET, unix.SCM_CREDENTIALS, nil}},
	}
	for _, test := range tests {
		if c, ok := test.m.Credentials(); ok || c != (Credentials{}) {
			t.Errorf("%s: got %+v, %v; want none", test.name, c, ok)
		}
	}
}

func TestCredentialsOfNobodyAreNotKnown(t *testing.T) {
	tests := []struct {
		c    Credentials
		want bool
	}{
		{Credentials{PID: 41, UID: 1000, GID: 1000}, true},
		{Credentials{PID: 41, UID: 65534, GID: 65534}, true}, // nobody, but a process
		{Credentials{PID: 0, UID: 0, GID: 0}, true},          // from another pid namespace
		{Credentials{PID: 0, UID: 1000, GID: 1000}, true},
		{Credentials{PID: 0, UID: 65534, GID: 65534}, false}, // queued without credentials
		{Credentials{PID: 0, UID: math.MaxUint32, GID: math.MaxUint32}, false},
	}
	for _, test := range tests {
		if got := test.c.Known(); got != test.want {
			t.Errorf("%+v: Known is %v, want %v", test.c, got, test.want)
		}
	}
}

// TestKernelAgrees sends what this package builds through a socket and parses
// what the kernel makes of it.
func TestKernelAgrees(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	if err := unix.SetsockoptInt(pair[1], unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		t.Fatal(err)
	}
	self := Credentials{PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	for _, n := range []int{1, 2, 3, MaxDescriptors} {
		sent := make([]int, n)
		for i := range sent {
			sent[i] = pair[i%2]
		}
		control := AppendRights(nil, sent)
		control = Append(control, Message{unix.SOL_SOCKET, unix.SCM_CREDENTIALS, ints(self.PID, int32(self.UID), int32(self.GID))})
		if err := unix.Sendmsg(pair[0], []byte("x"), control, nil, 0); err != nil {
			t.Fatalf("%d descriptors: sendmsg: %v", n, err)
		}
		space := bytes.Repeat([]byte{0xff}, Space(4*MaxDescriptors)+Space(unix.SizeofUcred))
		_, controlLen, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), space, unix.MSG_CMSG_CLOEXEC)
		if err != nil {
			t.Fatalf("%d descriptors: recvmsg: %v", n, err)
		}
		var got []int
		var creds Credentials
		for m := range Messages(space[:controlLen]) {
			got = m.Rights(got)
			if c, ok := m.Credentials(); ok {
				creds = c
			}
		}
		if len(got) != n || creds != self {
			t.Errorf("got %d descriptors from %+v, want %d from %+v", len(got), creds, n, self)
		}
		for i, fd := range got {
			if !sameFile(t, fd, sent[i]) {
				t.Errorf("%d descriptors: number %d is not what was sent", n, i)
			}
			unix.Close(fd)
		}
	}
}

func sameFile(t *testing.T, a, b int) bool {
	t.Helper()
	var x, y unix.Stat_t
	for fd, st := range map[int]*unix.Stat_t{a: &x, b: &y} {
		if err := unix.Fstat(fd, st); err != nil {
			t.Fatal(err)
		}
	}
	return x.Ino == y.Ino && x.Dev == y.Dev
}

func BenchmarkAppendRights(b *testing.B) {
	fds := numbers(MaxDescriptors)
	buf := make([]byte, 0, Space(4*len(fds)))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendRights(buf[:0], fds)
	}
}

func BenchmarkRights(b *testing.B) {
	control := AppendRights(nil, numbers(MaxDescriptors))
	fds := make([]int, 0, MaxDescriptors)
	b.ReportAllocs()
	for b.Loop() {
		fds = fds[:0]
		for m := range Messages(control) {
			fds = m.Rights(fds)
		}
	}
	if len(fds) != MaxDescriptors {
		b.Fatalf("%d descriptors", len(fds))
	}
}
