package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// bytesOf is what the line has under key or its _base64; never under both.
func bytesOf(t *testing.T, object map[string]any, key string) []byte {
	t.Helper()
	text, isText := object[key].(string)
	encoded, isBase64 := object[key+"_base64"].(string)
	if isText == isBase64 {
		t.Fatalf("%s as text: %v, in base64: %v", key, isText, isBase64)
	}
	if isText {
		return []byte(text)
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || utf8.Valid(decoded) {
		t.Fatalf("%s in base64 is %q, %v; UTF-8 has to be text", key, decoded, err)
	}
	return decoded
}

// isCutOf reports whether got is all of data, or where cut allows it all but a
// part of its last character.
func isCutOf(got, data []byte, cut bool) bool {
	rest, ok := bytes.CutPrefix(data, got)
	return ok && (len(rest) == 0 || cut && utf8.Valid(got) && len(rest) < utf8.UTFMax && !utf8.FullRune(rest))
}

func FuzzMessageLine(f *testing.F) {
	f.Add([]byte("Temperature data"), control(rights(5, 6), credentials(1, 2, 3)), []byte("time temp\n"), "/tmp/t1.txt", "unix:@abc", 0, int64(0), false)
	f.Add([]byte("\xff\x00"), control(cmsg.Message{Level: 283, Type: 99, Data: []byte{1}}), []byte("\xe2\x82"), "/\xff", "", unix.MSG_TRUNC, int64(-1), true)
	f.Add([]byte("\u2028\x1b\x7f\u0085"), broken(3, credentials(1, 2, 3)), []byte{}, "", "\x1b", unix.MSG_CTRUNC|0x800000, int64(1)<<40, true)
	f.Add([]byte("a\xe2\x82"), broken(math.MaxUint32, rights(1)), []byte("a\xf0\x9f"), "anon_inode:[eventfd]", "tcp:[::1]:1", 0xff, int64(7), false)
	blank := inode(f, descriptor.Inode{})
	f.Fuzz(func(t *testing.T, data, controlData, content []byte, path, address string, flags int, number int64, bit bool) {
		if !utf8.ValidString(address) {
			t.Skip("fdio writes addresses in UTF-8")
		}
		d := descriptor.Descriptor{FD: int(int32(number)), Kind: descriptor.KindFile, Path: path, Flags: flags,
			Inode: blank, Offset: number, HasOffset: bit,
			Content: descriptor.Content{Read: true, Data: content, Truncated: bit}}
		d.Inode.Mode, d.Inode.Number, d.Inode.Size = unix.S_IFREG|uint32(number), uint64(number), number
		d.Inode.Modified = time.Unix(number>>32, number&0xffff)
		named := descriptor.Descriptor{Kind: descriptor.KindMemfd, Name: path, Flags: flags, Details: details("name", []byte(path), "seals", fdio.FlagNames(flags, descriptor.Seals)),
			Content: descriptor.Content{Read: true, Err: errors.New(path)}}
		o := Origin{Conn: int(int32(number)), Local: address, From: address}
		m := Message{Time: noon, Origin: AppendOrigin(nil, &o), Data: data, Flags: flags, Control: controlData,
			Descriptors: []descriptor.Descriptor{d, named}}

		before := bytes.Clone(data)
		line := parseLine(t, messageLine(&m))
		if !bytes.Equal(before, data) {
			t.Fatal("the data was changed")
		}
		if got := bytesOf(t, line, "message"); !isCutOf(got, data, flags&unix.MSG_TRUNC != 0) {
			t.Fatalf("the message %q came back as %q", data, got)
		}
		if line["size"] != json.Number(strconv.Itoa(len(data))) {
			t.Fatalf("size %v of %d bytes", line["size"], len(data))
		}
		if from := line["from"]; from != any(address) && !(from == nil && address == "") {
			t.Fatalf("from %q came back as %v", address, from)
		}
		checkFlags(t, line["flags"], flags)
		checkControl(t, line["control"], controlData, bit)

		fds := line["fds"].([]any)
		file, memfd := fds[0].(map[string]any), fds[1].(map[string]any)
		got := bytesOf(t, file, "content")
		if !isCutOf(got, content, bit) || file["content_size"] != json.Number(strconv.Itoa(len(got))) {
			t.Fatalf("the content %q came back as %q, size %v", content, got, file["content_size"])
		}
		if path != "" && (string(bytesOf(t, file, "path")) != path || string(bytesOf(t, memfd, "name")) != path) {
			t.Fatalf("the path %q came back as %v and %v", path, file, memfd)
		}
		if file["inode"] != strconv.FormatUint(uint64(number), 10) {
			t.Fatalf("inode %v, want %d", file["inode"], uint64(number))
		}

		sent := parseLine(t, AppendSent(AppendHead(nil, TypeSent, uint64(number)), &Sent{Time: noon, To: address, Size: len(data),
			Control: controlData, Descriptors: m.Descriptors}))
		checkControl(t, sent["control"], controlData, false)
	})
}

// checkFlags puts the bits together again.
func checkFlags(t *testing.T, got any, want int) {
	t.Helper()
	names := map[any]uint32{
		"MSG_EOR": unix.MSG_EOR, "MSG_TRUNC": unix.MSG_TRUNC, "MSG_CTRUNC": unix.MSG_CTRUNC,
		"MSG_OOB": unix.MSG_OOB, "MSG_ERRQUEUE": unix.MSG_ERRQUEUE,
	}
	for _, f := range fdio.MessageFlags {
		names[f.Name] = uint32(f.Bits)
	}
	var bits uint32
	for _, name := range got.([]any) {
		if bit, known := names[name]; known {
			bits |= bit
			continue
		}
		n, err := strconv.ParseUint(name.(string), 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		bits |= uint32(n)
	}
	if bits != uint32(want) {
		t.Fatalf("flags %#x came back as %v", uint32(want), got)
	}
}

// checkControl compares every control message's raw bytes or descriptors.
func checkControl(t *testing.T, got any, b []byte, hideCredentials bool) {
	t.Helper()
	shown := got.([]any)
	for {
		m, rest, ok, err := cmsg.Next(b)
		if !ok {
			break
		}
		b = rest
		if _, isCredentials := m.Credentials(); err == nil && isCredentials && hideCredentials {
			continue
		}
		if len(shown) == 0 {
			t.Fatalf("%+v is not shown", m)
		}
		var one map[string]any
		one, shown = shown[0].(map[string]any), shown[1:]
		if one["level"] != cmsg.LevelName(m.Level) || one["type"] != cmsg.TypeName(m.Level, m.Type) {
			t.Fatalf("%+v is shown as %v", m, one)
		}
		_, decodeErr := m.Decode()
		if bad := err != nil || decodeErr == cmsg.ErrBadData; (one["malformed"] == true) != bad {
			t.Fatalf("%+v, error %v, is shown as %v", m, err, one)
		}
		if err == nil && m.Level == unix.SOL_SOCKET && m.Type == unix.SCM_RIGHTS {
			if fds := one["fds"].([]any); len(fds) != len(m.Data)/4 {
				t.Fatalf("%+v is shown as %v", m, one)
			}
			continue
		}
		if raw, err := base64.StdEncoding.DecodeString(one["data_base64"].(string)); err != nil || !bytes.Equal(raw, m.Data) {
			t.Fatalf("%+v is shown as %v", m, one)
		}
	}
	if len(shown) != 0 {
		t.Fatalf("%v was not received", shown)
	}
}
