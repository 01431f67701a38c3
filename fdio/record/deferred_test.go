package record

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"unicode/utf8"

	"fdmsg/fdio/descriptor"
)

// deferred is a descriptor of a file that holds content, read as far as limit, and
// left in the file.
func deferred(t *testing.T, content []byte, limit int64) (*os.File, descriptor.Descriptor) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "content"))
	if err == nil {
		_, err = file.Write(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	in := descriptor.NewInspector()
	d := in.Describe(int(file.Fd()))
	in.Read(t.Context(), &d, nil, descriptor.ReadOptions{Which: descriptor.Files, Limit: limit, Defer: 1})
	if d.Content.Deferred == nil || d.Content.Data != nil || d.Content.Err != nil {
		t.Fatalf("the content was read: %+v", d.Content)
	}
	return file, d
}

func openedLine(d descriptor.Descriptor) []byte {
	return AppendOpened(AppendHead(nil, TypeOpened, 1), noon, []descriptor.Descriptor{d})
}

func TestDeferredContentsAreWhatTheyWouldBeIfRead(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for i := range 50 {
		size := 2 + r.IntN(300<<10)
		if i < 2 {
			size = 8<<20 + r.IntN(1000)
		}
		content := randomText(r, size)
		if r.IntN(3) == 0 {
			content[r.IntN(len(content))] = 0xff
		}
		limit := int64(len(content)) + 1
		if r.IntN(2) == 0 {
			limit = 2 + r.Int64N(limit-2)
		}
		_, d := deferred(t, content, limit)
		read := d
		read.Content.Deferred = nil
		read.Content.Data = content[:min(limit, int64(len(content)))]
		want := openedLine(read)
		if got := openedLine(d); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes to %d: another line than of what is read", len(content), limit)
		}
		var line Line
		line.Opened(noon, []descriptor.Descriptor{d})
		if got := append(AppendHead(nil, TypeOpened, 1), line.Bytes()...); len(line.text) > 2000 || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes to %d, as a Line: another line than of what is read", len(content), limit)
		}
	}
}

// A file that changes between the look at it and the line makes a line all the
// same, which says so.
func TestDeferredContentMayChange(t *testing.T) {
	text := bytes.Repeat([]byte("00.00 23\u00b0\n"), 50000)
	change := func(at int, by string) func(*os.File) error {
		return func(file *os.File) error { _, err := file.WriteAt([]byte(by), int64(at)); return err }
	}
	truncate := func(file *os.File) error { return file.Truncate(300001) }
	noText := append([]byte{0xff}, text...)
	tests := []struct {
		name    string
		content []byte
		change  func(*os.File) error
		size    int // that is left, whole characters; -1: all
	}{
		{"text shorter", text, truncate, 300000},
		{"text to none", text, change(200000, "\xff"), 199999},
		{"text to none at the end", text, change(len(text)-1, "\xc2"), len(text) - 1},
		{"text to other text", text, change(22, "other text"), -1},
		{"text to the same text", text, change(0, "00"), -1},
		{"text longer", text, change(len(text), "more"), -1},
		{"no text shorter", noText, truncate, 300001},
		{"no text to other", noText, change(1000, "\xfe"), -1},
		{"no text to text", noText, change(0, " "), -1},
	}
	for _, test := range tests {
		file, d := deferred(t, test.content, 1<<20)
		if err := test.change(file); err != nil {
			t.Fatal(err)
		}
		now, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if test.size < 0 {
			test.size = len(test.content)
		}
		fd := parseLine(t, openedLine(d))["fds"].([]any)[0].(map[string]any)
		_, isText := fd["content"]
		var got []byte
		if isText {
			got = []byte(fd["content"].(string))
		} else if err := json.Unmarshal([]byte(strconv.Quote(fd["content_base64"].(string))), &got); err != nil {
			t.Fatal(err)
		}
		if isText != utf8.Valid(test.content) || !bytes.Equal(got, now[:test.size]) || fd["content_size"] != json.Number(strconv.Itoa(test.size)) {
			t.Errorf("%s: %d bytes, size %v, as text: %v; want %d", test.name, len(got), fd["content_size"], isText, test.size)
		}
		if fd["content_error"] != descriptor.ErrChanged.Error() {
			t.Errorf("%s: error %v", test.name, fd["content_error"])
		}
	}
}
