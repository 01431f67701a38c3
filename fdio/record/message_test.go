package record

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 42, time.UTC)

func messageLine(m *Message) []byte {
	return AppendMessage(AppendHead(nil, TypeMessage, 7), m)
}

// control is a control buffer with these messages.
func control(messages ...cmsg.Message) (b []byte) {
	for _, m := range messages {
		b = cmsg.Append(b, m)
	}
	return b
}

func rights(fds ...int) cmsg.Message {
	m, _, _, _ := cmsg.Next(cmsg.AppendRights(nil, fds))
	m.Level, m.Type = unix.SOL_SOCKET, unix.SCM_RIGHTS // even without descriptors
	return m
}

func credentials(pid int32, uid, gid uint32) cmsg.Message {
	m, _, _, _ := cmsg.Next(unix.UnixCredentials(&unix.Ucred{Pid: pid, Uid: uid, Gid: gid}))
	return m
}

func base64Of(b []byte) string { return `"` + base64.StdEncoding.EncodeToString(b) + `"` }

func TestMessageWithNothingHasItsArrays(t *testing.T) {
	got := parseLine(t, messageLine(&Message{Time: noon}))
	wantJSON(t, "line", got, `{"type":"message","seq":7,"time":"2026-01-02T12:00:00.000000042Z",`+
		`"message":"","size":0,"flags":[],"control":[],"fds":[]}`)
}

func origin(peer *cmsg.Credentials) []byte {
	return AppendOrigin(nil, &Origin{Conn: 3, Local: "unix:/run/s", From: "unix:@abc", Peer: peer})
}

func TestMessageWithEverything(t *testing.T) {
	creds := credentials(41, 1000, 1001)
	got := parseLine(t, messageLine(&Message{
		Time:        noon,
		Origin:      origin(&cmsg.Credentials{PID: 41, UID: math.MaxUint32, GID: math.MaxUint32}),
		Data:        []byte("Temperature\ndata"),
		Flags:       unix.MSG_EOR,
		Control:     control(rights(5, 6), creds),
		Descriptors: []descriptor.Descriptor{{FD: 5, Kind: "eventfd"}, {FD: 6, Kind: "epoll"}},
	}))
	if fds := got["fds"].([]any); len(fds) != 2 || fds[0].(map[string]any)["fd"] != json.Number("5") || fds[1].(map[string]any)["fd"] != json.Number("6") {
		t.Errorf("fds: %v", fds)
	}
	delete(got, "fds")
	wantJSON(t, "line", got, `{"type":"message","seq":7,"time":"2026-01-02T12:00:00.000000042Z","conn":3,`+
		`"local":"unix:/run/s","from":"unix:@abc","peer":{"pid":41,"uid":4294967295,"gid":4294967295},`+
		`"message":"Temperature\ndata","size":16,"flags":["MSG_EOR"],"control":[`+
		`{"level":"SOL_SOCKET","type":"SCM_RIGHTS","fds":[5,6]},`+
		`{"level":"SOL_SOCKET","type":"SCM_CREDENTIALS","pid":41,"uid":1000,"gid":1001,"data_base64":`+base64Of(creds.Data)+`}]}`)
}

func TestSentLine(t *testing.T) {
	got := parseLine(t, AppendSent(AppendHead(nil, TypeSent, 1), &Sent{Time: noon}))
	wantJSON(t, "with nothing", got, `{"type":"sent","seq":1,"time":"2026-01-02T12:00:00.000000042Z","size":0,"control":[],"fds":[]}`)

	creds := credentials(1, 2, 3)
	got = parseLine(t, AppendSent(AppendHead(nil, TypeSent, math.MaxUint64), &Sent{
		Time: noon, To: "tcp:[::1]:80", Size: 16, Control: control(rights(8), creds),
		Descriptors: []descriptor.Descriptor{{FD: 8, Kind: "pidfd"}},
	}))
	wantJSON(t, "with everything", got, `{"type":"sent","seq":18446744073709551615,"time":"2026-01-02T12:00:00.000000042Z",`+
		`"to":"tcp:[::1]:80","size":16,"control":[{"level":"SOL_SOCKET","type":"SCM_RIGHTS","fds":[8]},`+
		`{"level":"SOL_SOCKET","type":"SCM_CREDENTIALS","pid":1,"uid":2,"gid":3,"data_base64":`+base64Of(creds.Data)+`}],`+
		`"fds":[{"fd":8,"type":"pidfd","access":"r","flags":[]}]}`)
}

func TestLinesAreAppended(t *testing.T) {
	first := messageLine(&Message{Time: noon, Data: []byte("first")})
	both := AppendMessage(AppendHead(bytes.Clone(first), TypeMessage, 8), &Message{Time: noon, Data: []byte("second")})
	second, ok := bytes.CutPrefix(both, first)
	if !ok {
		t.Fatalf("%q does not begin with %q", both, first)
	}
	if got := parseLine(t, second); got["message"] != "second" || got["seq"] != json.Number("8") {
		t.Errorf("second line: %v", got)
	}
}

// The head and the rest are put together by the line writer: AppendMessage
// begins in a buffer of its own.
func TestLineCanBeMadeApartFromItsHead(t *testing.T) {
	m := &Message{Time: noon, Data: []byte("text"), Control: control(rights(3))}
	apart := append(AppendHead(nil, TypeMessage, 7), AppendMessage(nil, m)...)
	if whole := messageLine(m); !bytes.Equal(apart, whole) {
		t.Errorf("apart    %q\ntogether %q", apart, whole)
	}
	s := &Sent{Time: noon}
	apart = append(AppendHead(nil, TypeSent, 7), AppendSent(nil, s)...)
	if whole := AppendSent(AppendHead(nil, TypeSent, 7), s); !bytes.Equal(apart, whole) {
		t.Errorf("apart    %q\ntogether %q", apart, whole)
	}
}

func TestMessageThatIsNotUTF8IsBase64(t *testing.T) {
	got := parseLine(t, messageLine(&Message{Data: []byte("\xff\x00\n")}))
	if _, both := got["message"]; both || got["message_base64"] != "/wAK" || got["size"] != json.Number("3") {
		t.Errorf("got %v", got)
	}
}

// The zone of an IPv6 address is the name of an interface, which can be of any
// bytes. How it is shown is not the question here, but the line is one.
func TestAddressThatIsNotUTF8LeavesTheLineValid(t *testing.T) {
	const address = "tcp:[fe80::1%\xff]:80"
	for _, o := range []Origin{{Local: address}, {From: address}, {To: address}} {
		parseLine(t, messageLine(&Message{Origin: AppendOrigin(nil, &o)}))
	}
	parseLine(t, AppendSent(AppendHead(nil, TypeSent, 1), &Sent{To: address}))
	parseLine(t, messageLine(&Message{Descriptors: []descriptor.Descriptor{{Kind: descriptor.KindSocket, Details: details("local", address)}}}))
}

func TestTruncatedMessageSaysSoAndEndsAtItsLastWholeCharacter(t *testing.T) {
	tests := []struct {
		name, data string
		flags      int
		want       string
	}{
		{"cut in a character", "19 \u20ac"[:5], unix.MSG_TRUNC, `{"message":"19 ","size":5,"flags":["MSG_TRUNC"],"truncated":true}`},
		{"cut after a character", "19 \u20ac", unix.MSG_TRUNC, `{"message":"19 \u20ac","size":6,"flags":["MSG_TRUNC"],"truncated":true}`},
		{"cut and no UTF-8", "\xff\u20ac"[:3], unix.MSG_TRUNC, `{"message_base64":"/+KC","size":3,"flags":["MSG_TRUNC"],"truncated":true}`},
		{"not cut", "19 \u20ac"[:5], 0, `{"message_base64":"MTkg4oI=","size":5,"flags":[]}`},
		{"control data cut", "a", unix.MSG_CTRUNC, `{"message":"a","size":1,"flags":["MSG_CTRUNC"],"control_truncated":true}`},
		{"both cut", "a", unix.MSG_CTRUNC | unix.MSG_TRUNC, `{"message":"a","size":1,"flags":["MSG_TRUNC","MSG_CTRUNC"],"truncated":true,"control_truncated":true}`},
	}
	for _, test := range tests {
		got := parseLine(t, messageLine(&Message{Data: []byte(test.data), Flags: test.flags}))
		for _, key := range []string{"type", "seq", "time", "control", "fds"} {
			delete(got, key)
		}
		wantJSON(t, test.name, got, test.want)
	}
}

func TestFlagsAreNamesAndUnknownBitsOneNumber(t *testing.T) {
	high := uint32(1 << 31)
	tests := []struct {
		flags int
		want  string
	}{
		{0, `[]`},
		{unix.MSG_EOR, `["MSG_EOR"]`},
		{unix.MSG_TRUNC, `["MSG_TRUNC"]`},
		{unix.MSG_CTRUNC, `["MSG_CTRUNC"]`},
		{unix.MSG_OOB, `["MSG_OOB"]`},
		{unix.MSG_ERRQUEUE, `["MSG_ERRQUEUE"]`},
		{0x800000, `["0x800000"]`},
		{0x800000 | 0x100000, `["0x900000"]`},
		{unix.MSG_EOR | 0x800000, `["MSG_EOR","0x800000"]`},
		{int(int32(high)), `["0x80000000"]`},
	}
	for _, test := range tests {
		got := members(t, func(dst []byte) []byte { return appendFlags(dst, "flags", test.flags, fdio.MessageFlags) })
		wantJSON(t, "flags", got["flags"], test.want)
	}
}

func TestAFlagOfSeveralBitsIsNotItsPart(t *testing.T) {
	tests := []struct {
		flags int
		want  string
	}{
		{unix.O_SYNC, `["O_SYNC"]`},
		{unix.O_DSYNC, `["O_DSYNC"]`},
		{unix.O_TMPFILE, `["O_TMPFILE"]`},
		{unix.O_DIRECTORY, `["O_DIRECTORY"]`},
		{unix.O_APPEND | unix.O_NONBLOCK, `["O_APPEND","O_NONBLOCK"]`},
	}
	for _, test := range tests {
		got := members(t, func(dst []byte) []byte { return appendFlags(dst, "flags", test.flags, descriptor.StatusFlags) })
		wantJSON(t, "flags", got["flags"], test.want)
	}
}

func controlOf(t *testing.T, b []byte) any {
	t.Helper()
	return members(t, func(dst []byte) []byte {
		return appendControl(dst, &Message{Control: b})
	})["control"]
}

func TestControlMessagesAreListedInOrder(t *testing.T) {
	creds := credentials(-1, 0, math.MaxUint32)
	shownCreds := `{"level":"SOL_SOCKET","type":"SCM_CREDENTIALS","pid":-1,"uid":0,"gid":4294967295,"data_base64":` + base64Of(creds.Data) + `}`
	pidfd := cmsg.Message{Level: unix.SOL_SOCKET, Type: unix.SCM_PIDFD, Data: binary.NativeEndian.AppendUint32(nil, 9)}
	tests := []struct {
		name    string
		control []byte
		want    string
	}{
		{"none", nil, `[]`},
		{"only padding", make([]byte, cmsg.HeaderSize-1), `[]`},
		{"rights", control(rights(0, 5, math.MaxInt32)), `[{"level":"SOL_SOCKET","type":"SCM_RIGHTS","fds":[0,5,2147483647]}]`},
		{"rights without descriptors", control(rights()), `[{"level":"SOL_SOCKET","type":"SCM_RIGHTS","fds":[]}]`},
		{"credentials", control(creds), `[` + shownCreds + `]`},
		{"credentials of another size", control(cmsg.Message{Level: unix.SOL_SOCKET, Type: unix.SCM_CREDENTIALS, Data: creds.Data[:8]}),
			`[{"level":"SOL_SOCKET","type":"SCM_CREDENTIALS","malformed":true,"data_base64":` + base64Of(creds.Data[:8]) + `}]`},
		{"an unknown level", control(cmsg.Message{Level: 283, Type: 1, Data: []byte{0xff, 0}}), `[{"level":"283","type":"1","data_base64":"/wA="}]`},
		{"an unknown type", control(cmsg.Message{Level: unix.SOL_SOCKET, Type: -5}), `[{"level":"SOL_SOCKET","type":"-5","data_base64":""}]`},
		{"order", control(rights(3), creds, cmsg.Message{Level: 1 << 20, Type: 2}, rights(4)),
			`[{"level":"SOL_SOCKET","type":"SCM_RIGHTS","fds":[3]},` + shownCreds +
				`,{"level":"1048576","type":"2","data_base64":""},{"level":"SOL_SOCKET","type":"SCM_RIGHTS","fds":[4]}]`},
		{"253 descriptors and more", control(rights(make([]int, 300)...)),
			`[{"level":"SOL_SOCKET","type":"SCM_RIGHTS","fds":[0` + strings.Repeat(`,0`, 299) + `]}]`},
	}
	for _, test := range tests {
		wantJSON(t, test.name, controlOf(t, test.control), test.want)
	}

	// Whatever else its object may get, a pidfd keeps its raw bytes.
	got := controlOf(t, control(pidfd)).([]any)[0].(map[string]any)
	if got["type"] != "SCM_PIDFD" || got["data_base64"] != base64.StdEncoding.EncodeToString(pidfd.Data) {
		t.Errorf("a pidfd is shown as %v", got)
	}
}

// broken is a control message whose header says a length that cannot be.
func broken(length uint32, m cmsg.Message) []byte {
	b := cmsg.Append(nil, m)[:cmsg.HeaderSize+len(m.Data)]
	for i := range cmsg.HeaderSize - 8 {
		b[i] = 0
	}
	if cmsg.HeaderSize == 16 {
		binary.NativeEndian.PutUint64(b, uint64(length))
	} else {
		binary.NativeEndian.PutUint32(b, length)
	}
	return b
}

func TestMalformedControlDataIsReportedWithItsBytes(t *testing.T) {
	data := []byte("what was there")
	for _, length := range []uint32{0, uint32(cmsg.HeaderSize) - 1, 100, math.MaxUint32} {
		b := append(control(rights(3)), broken(length, cmsg.Message{Level: unix.SOL_SOCKET, Type: unix.SCM_RIGHTS, Data: data})...)
		wantJSON(t, "malformed rights", controlOf(t, b), `[{"level":"SOL_SOCKET","type":"SCM_RIGHTS","fds":[3]},`+
			`{"level":"SOL_SOCKET","type":"SCM_RIGHTS","malformed":true,"data_base64":`+base64Of(data)+`}]`)
	}
}

// What is malformed is no credentials, even where as many bytes as credentials
// have are left.
func TestMalformedCredentialsAreNotDecoded(t *testing.T) {
	creds := credentials(1, 2, 3)
	want := `[{"level":"SOL_SOCKET","type":"SCM_CREDENTIALS","malformed":true,"data_base64":` + base64Of(creds.Data) + `}]`
	wantJSON(t, "malformed credentials", controlOf(t, broken(1000, creds)), want)
}

func TestMessagesDoNotAllocate(t *testing.T) {
	peer := &cmsg.Credentials{PID: 1, UID: 2, GID: 3}
	tests := []struct {
		name string
		m    Message
	}{
		{"text", Message{Data: bytes.Repeat([]byte("text \u20ac\n"), 100)}},
		{"no UTF-8", Message{Data: bytes.Repeat([]byte{0xff}, 100)}},
		{"control messages", Message{Data: []byte("a"), Control: control(credentials(1, 2, 3), rights(3, 4), cmsg.Message{Level: unix.SOL_TLS, Type: 2})}},
		{"a descriptor", Message{Data: []byte("a"), Control: control(rights(5)), Descriptors: []descriptor.Descriptor{shownFile(t)}}},
		{"flags", Message{Data: []byte("a"), Flags: unix.MSG_TRUNC | unix.MSG_CTRUNC | 0x800000}},
	}
	for _, test := range tests {
		m := test.m
		m.Time, m.Origin = noon, origin(peer)
		line := messageLine(&m)
		allocs := testing.AllocsPerRun(100, func() { line = AppendMessage(AppendHead(line[:0], TypeMessage, 7), &m) })
		if allocs != 0 {
			t.Errorf("%s: %v allocations, want 0", test.name, allocs)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	m := Message{
		Time:    noon,
		Origin:  origin(&cmsg.Credentials{PID: 41, UID: 1000, GID: 1000}),
		Data:    []byte("Temperature data"),
		Control: control(credentials(41, 1000, 1000)),
	}
	for _, n := range []int{0, 1, 16, cmsg.MaxDescriptors} {
		with := m
		if n > 0 {
			fds := make([]int, n)
			for i := range fds {
				fds[i] = i + 5
				d := shownFile(b)
				d.FD = fds[i]
				with.Descriptors = append(with.Descriptors, d)
			}
			with.Control = control(rights(fds...), credentials(41, 1000, 1000))
		}
		b.Run(fmt.Sprint(n, " descriptors"), func(b *testing.B) {
			line := messageLine(&with)
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				line = AppendMessage(AppendHead(line[:0], TypeMessage, 7), &with)
			}
		})
	}
}
