package record

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"os"
	"testing"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// inode is an inode that could be asked, with these values: one that could is
// only to be had from a real descriptor.
func inode(t testing.TB, in descriptor.Inode) descriptor.Inode {
	t.Helper()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	real := descriptor.NewInspector().Describe(int(file.Fd())).Inode
	if !real.Known() {
		t.Fatal("the inode of ", os.DevNull, " could not be asked")
	}
	real.Mode, real.UID, real.GID = in.Mode, in.UID, in.GID
	real.Size, real.Device, real.Special = in.Size, in.Device, in.Special
	real.Number, real.Links, real.Modified = in.Number, in.Links, in.Modified
	return real
}

func ofMode(t testing.TB, mode uint32) descriptor.Inode {
	return inode(t, descriptor.Inode{
		Mode: mode, UID: 1, GID: 2, Size: 110, Number: 99, Links: 1, Modified: noon,
		Device: descriptor.Device{Major: 8, Minor: 1}, Special: descriptor.Device{Major: 136, Minor: 300},
	})
}

// What ofMode's inode is shown as, after the mode.
const (
	shownOwner = `"uid":1,"gid":2`
	shownInode = `"device":"8:1","inode":"99","links":1,"mtime":"2026-01-02T12:00:00.000000042Z"`
)

func shownFile(t testing.TB) descriptor.Descriptor {
	return descriptor.Descriptor{
		FD: 5, Kind: descriptor.KindFile, Path: "/tmp/t1.txt", Flags: unix.O_RDONLY,
		Inode: ofMode(t, unix.S_IFREG|0o644), HasOffset: true,
		Content: descriptor.Content{Read: true, Data: []byte("time temp\n")},
	}
}

func object(t testing.TB, d *descriptor.Descriptor) map[string]any {
	t.Helper()
	return members(t, func(dst []byte) []byte { return appendDescriptor(dst, d, nil) })
}

func TestEveryKindHasItsObject(t *testing.T) {
	regular := ofMode(t, unix.S_IFREG|0o644)
	tests := []struct {
		name string
		d    descriptor.Descriptor
		want string
	}{
		{"a file", descriptor.Descriptor{FD: 5, Kind: "file", Path: "/tmp/t1.txt", Inode: regular, Offset: 7, HasOffset: true},
			`{"fd":5,"type":"file","path":"/tmp/t1.txt","access":"r","flags":[],"mode":"0644",` + shownOwner + `,"size":110,"offset":7,` + shownInode + `}`},
		{"a deleted file", descriptor.Descriptor{FD: 5, Kind: "file", Path: "/tmp/t1.txt", Deleted: true, Flags: unix.O_RDWR | unix.O_APPEND, Inode: regular, HasOffset: true},
			`{"fd":5,"type":"file","path":"/tmp/t1.txt","deleted":true,"access":"rw","flags":["O_APPEND"],"mode":"0644",` + shownOwner + `,"size":110,"offset":0,` + shownInode + `}`},
		{"a path that is not UTF-8", descriptor.Descriptor{FD: 5, Kind: "file", Path: "/\xff"},
			`{"fd":5,"type":"file","path_base64":"L/8=","access":"r","flags":[]}`},
		{"a path with controls", descriptor.Descriptor{FD: 5, Kind: "file", Path: "/\x1b]0;x\x07\n"},
			`{"fd":5,"type":"file","path":"/\u001b]0;x\u0007\n","access":"r","flags":[]}`},
		{"O_PATH", descriptor.Descriptor{FD: 5, Kind: "file", Path: "/f", Flags: unix.O_PATH},
			`{"fd":5,"type":"file","path":"/f","access":"none","flags":["O_PATH"]}`},
		{"write-only", descriptor.Descriptor{FD: 5, Kind: "file", Path: "/f", Flags: unix.O_WRONLY},
			`{"fd":5,"type":"file","path":"/f","access":"w","flags":[]}`},
		{"a directory", descriptor.Descriptor{FD: 0, Kind: "directory", Path: "/", Flags: unix.O_DIRECTORY, Inode: ofMode(t, unix.S_IFDIR|0o1777), HasOffset: true},
			`{"fd":0,"type":"directory","path":"/","access":"r","flags":["O_DIRECTORY"],"mode":"01777",` + shownOwner + `,"size":110,"offset":0,` + shownInode + `}`},
		{"a symlink", descriptor.Descriptor{FD: 5, Kind: "symlink", Path: "/l", Flags: unix.O_PATH | unix.O_NOFOLLOW, Inode: ofMode(t, unix.S_IFLNK|0o777)},
			`{"fd":5,"type":"symlink","path":"/l","access":"none","flags":["O_PATH","O_NOFOLLOW"],"mode":"0777",` + shownOwner + `,"size":110,` + shownInode + `}`},
		{"a pipe", descriptor.Descriptor{FD: 5, Kind: "pipe", Name: "pipe:[1]", Flags: unix.O_NONBLOCK, Inode: ofMode(t, unix.S_IFIFO|0o600),
			Details: details("capacity", int64(65536), "available", int64(12))},
			`{"fd":5,"type":"pipe","name":"pipe:[1]","access":"r","flags":["O_NONBLOCK"],"mode":"0600",` + shownOwner + `,` + shownInode + `,"pipe":{"capacity":65536,"available":12}}`},
		{"a listening socket", descriptor.Descriptor{FD: 5, Kind: "socket", Name: "socket:[1]", Flags: unix.O_RDWR, Inode: ofMode(t, unix.S_IFSOCK|0o777),
			Details: details("domain", "inet", "type", "stream", "protocol", "tcp", "state", "listen", "local", "tcp:127.0.0.1:80")},
			`{"fd":5,"type":"socket","name":"socket:[1]","access":"rw","flags":[],"mode":"0777",` + shownOwner + `,` + shownInode + `,` +
				`"socket":{"domain":"inet","type":"stream","protocol":"tcp","state":"listen","local":"tcp:127.0.0.1:80"}}`},
		{"a connected socket", descriptor.Descriptor{FD: 5, Kind: "socket", Flags: unix.O_RDWR,
			Details: details("domain", "unix", "type", "seqpacket", "state", "connected", "local", "unix-seqpacket:@\u20ac", "peer", "unix-seqpacket-hex:ff", "credentials", details("pid", int64(-1)))},
			`{"fd":5,"type":"socket","access":"rw","flags":[],"socket":{"domain":"unix","type":"seqpacket","state":"connected","local":"unix-seqpacket:@\u20ac","peer":"unix-seqpacket-hex:ff","credentials":{"pid":-1}}}`},
		{"a socket without names", descriptor.Descriptor{FD: 5, Kind: "socket", Flags: unix.O_RDWR,
			Details: details("domain", "40", "type", "9", "protocol", "6", "state", "unconnected")},
			`{"fd":5,"type":"socket","access":"rw","flags":[],"socket":{"domain":"40","type":"9","protocol":"6","state":"unconnected"}}`},
		{"the file of a socket", descriptor.Descriptor{FD: 5, Kind: "socket", Path: "/s", Flags: unix.O_PATH},
			`{"fd":5,"type":"socket","path":"/s","access":"none","flags":["O_PATH"]}`},
		{"a memfd", descriptor.Descriptor{FD: 5, Kind: "memfd", Name: "/memfd:x (deleted)", Flags: unix.O_RDWR,
			Details: details("seals", fdio.FlagNames(unix.F_SEAL_SEAL|unix.F_SEAL_WRITE|0x8000, descriptor.Seals))},
			`{"fd":5,"type":"memfd","name":"/memfd:x (deleted)","access":"rw","flags":[],"memfd":{"seals":["F_SEAL_SEAL","F_SEAL_WRITE","0x8000"]}}`},
		{"a memfd without seals", descriptor.Descriptor{FD: 5, Kind: "memfd", Details: details("seals", []string{})},
			`{"fd":5,"type":"memfd","access":"r","flags":[],"memfd":{"seals":[]}}`},
		{"a terminal", descriptor.Descriptor{FD: 5, Kind: "tty", Path: "/dev/pts/1", Flags: unix.O_RDWR,
			Details: details("device", "136:1", "rows", int64(24), "columns", int64(65535))},
			`{"fd":5,"type":"tty","path":"/dev/pts/1","access":"rw","flags":[],"tty":{"device":"136:1","rows":24,"columns":65535}}`},
		{"a character device", descriptor.Descriptor{FD: 5, Kind: "char", Path: "/dev/c", Inode: ofMode(t, unix.S_IFCHR|0o666)},
			`{"fd":5,"type":"char","path":"/dev/c","access":"r","flags":[],"mode":"0666",` + shownOwner + `,` + shownInode + `}`},
		{"a block device", descriptor.Descriptor{FD: 5, Kind: "block", Path: "/dev/b", Inode: ofMode(t, unix.S_IFBLK|0o660)},
			`{"fd":5,"type":"block","path":"/dev/b","access":"r","flags":[],"mode":"0660",` + shownOwner + `,` + shownInode + `}`},
		{"an anonymous inode", descriptor.Descriptor{FD: 5, Kind: "eventfd", Name: "anon_inode:[eventfd]", Flags: unix.O_RDWR, Inode: ofMode(t, 0o600)},
			`{"fd":5,"type":"eventfd","name":"anon_inode:[eventfd]","access":"rw","flags":[]}`},
		{"a timer", descriptor.Descriptor{FD: 5, Kind: "timerfd", Details: details("clock", "CLOCK_MONOTONIC", "ticks", uint64(1)<<63, "remaining", 1.5, "interval", 0.0)},
			`{"fd":5,"type":"timerfd","access":"r","flags":[],"timerfd":{"clock":"CLOCK_MONOTONIC","ticks":"9223372036854775808","remaining":1.5,"interval":0}}`},
		{"a file and where it is", descriptor.Descriptor{FD: 5, Kind: "file", Path: "/f", Inode: ofMode(t, unix.S_IFREG|0o600), Mount: 31, FileSystem: "ext4"},
			`{"fd":5,"type":"file","path":"/f","access":"r","flags":[],"mode":"0600",` + shownOwner + `,"size":110,` + shownInode + `,"mount":"31","filesystem":"ext4"}`},
		{"a namespace", descriptor.Descriptor{FD: 5, Kind: "namespace", Name: "net:[4026531840]"},
			`{"fd":5,"type":"namespace","name":"net:[4026531840]","access":"r","flags":[]}`},
		{"a name that is not UTF-8", descriptor.Descriptor{FD: 5, Kind: "memfd", Name: "/memfd:\xff"},
			`{"fd":5,"type":"memfd","name_base64":"L21lbWZkOv8=","access":"r","flags":[]}`},
		{"nothing known", descriptor.Descriptor{FD: 5, Kind: "unknown"},
			`{"fd":5,"type":"unknown","access":"r","flags":[]}`},
	}
	for _, test := range tests {
		wantJSON(t, test.name, object(t, &test.d), test.want)
	}
}

func TestUnknownStatusFlagsAreOneNumber(t *testing.T) {
	d := descriptor.Descriptor{Kind: "file", Flags: unix.O_RDWR | unix.O_APPEND | 1<<29 | 1<<30}
	wantJSON(t, "flags", object(t, &d)["flags"], `["O_APPEND","0x60000000"]`)
}

func TestNumbersThatADoubleCannotHoldAreStrings(t *testing.T) {
	in := inode(t, descriptor.Inode{
		Mode: unix.S_IFREG, Size: math.MaxInt64, Number: math.MaxUint64, Links: math.MaxUint32,
		UID: math.MaxUint32, GID: math.MaxUint32 - 1, Modified: time.Unix(1<<33, 1),
		Device: descriptor.Device{Major: math.MaxUint32, Minor: 0},
	})
	got := object(t, &descriptor.Descriptor{Kind: "file", Inode: in, Offset: math.MaxInt64, HasOffset: true})
	wantJSON(t, "file", got, `{"fd":0,"type":"file","access":"r","flags":[],"mode":"0000","uid":4294967295,"gid":4294967294,`+
		`"size":9223372036854775807,"offset":9223372036854775807,"device":"4294967295:0","inode":"18446744073709551615",`+
		`"links":4294967295,"mtime":"2242-03-16T12:56:32.000000001Z"}`)
}

func TestContent(t *testing.T) {
	tests := []struct {
		name    string
		content descriptor.Content
		want    string
	}{
		{"not to be read", descriptor.Content{}, `{}`},
		{"text", descriptor.Content{Read: true, Data: []byte("a\n")}, `{"content":"a\n","content_size":2}`},
		{"empty", descriptor.Content{Read: true}, `{"content":"","content_size":0}`},
		{"no UTF-8", descriptor.Content{Read: true, Data: []byte("\xff\x00")}, `{"content_base64":"/wA=","content_size":2}`},
		{"cut", descriptor.Content{Read: true, Data: []byte("ab"), Truncated: true}, `{"content":"ab","content_size":2,"content_truncated":true}`},
		{"cut in a character", descriptor.Content{Read: true, Data: []byte("a\xe2\x82"), Truncated: true}, `{"content":"a","content_size":1,"content_truncated":true}`},
		{"ends in a character by itself", descriptor.Content{Read: true, Data: []byte("a\xe2\x82")}, `{"content_base64":"YeKC","content_size":3}`},
		{"cut before the first byte", descriptor.Content{Read: true, Truncated: true}, `{"content":"","content_size":0,"content_truncated":true}`},
		{"an error", descriptor.Content{Read: true, Err: unix.EIO}, `{"content_error":"input/output error"}`},
		{"an error later", descriptor.Content{Read: true, Data: []byte("ab"), Err: descriptor.ErrTimeout}, `{"content":"ab","content_size":2,"content_error":"timed out"}`},
		{"an error that is not UTF-8", descriptor.Content{Read: true, Err: errors.New("a\xffb\x1b")}, `{"content_error":"a?b\u001b"}`},
	}
	for _, test := range tests {
		got := members(t, func(dst []byte) []byte { return appendContent(dst, &test.content, nil) })
		wantJSON(t, test.name, got, test.want)
		wantJSON(t, test.name+", in a descriptor", object(t, &descriptor.Descriptor{Kind: "file", Content: test.content}),
			`{"fd":0,"type":"file","access":"r","flags":[]`+more(test.want)+`}`)
	}
}

// more is the members of the object in JSON text, to go on with.
func more(object string) string {
	if object == `{}` {
		return ""
	}
	return "," + object[1:len(object)-1]
}

func TestDescriptorsAreListedInOrder(t *testing.T) {
	m := Message{Descriptors: []descriptor.Descriptor{{FD: 9, Kind: "file"}, {FD: 3, Kind: "pipe"}, {FD: 7, Kind: "file"}}}
	fds := parseLine(t, messageLine(&m))["fds"].([]any)
	for i, want := range []json.Number{"9", "3", "7"} {
		if len(fds) != 3 || fds[i].(map[string]any)["fd"] != want {
			t.Errorf("fds[%d] of %v is not %v", i, fds, want)
		}
	}
}

// details are fields, given as names and values.
func details(pairs ...any) (fields []cmsg.Field) {
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, cmsg.Field{Name: pairs[i].(string), Value: valueOf(pairs[i+1])})
	}
	return fields
}

// valueOf is a plain value as a field has it.
func valueOf(plain any) cmsg.Value {
	switch v := plain.(type) {
	case int64:
		return cmsg.Int(v)
	case uint64:
		return cmsg.Uint(v)
	case float64:
		return cmsg.Float(v)
	case bool:
		return cmsg.Bool(v)
	case string:
		return cmsg.String(v)
	case []byte:
		return cmsg.Bytes(v)
	case []int64:
		return cmsg.Ints(v)
	case []string:
		return cmsg.Strings(v)
	case time.Time:
		return cmsg.Time{Time: v}
	case netip.Addr:
		return cmsg.Addr{Addr: v}
	case []netip.Addr:
		return cmsg.Addrs(v)
	case []cmsg.Field:
		return cmsg.Fields(v)
	case [][]cmsg.Field:
		return cmsg.List(v)
	}
	return nil
}
