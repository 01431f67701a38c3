package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"testing"
	"unicode/utf8"
)

// parse decodes one JSON value and fails the test unless text is UTF-8, has no
// key twice in one object and would do nothing to a terminal. Numbers stay as
// they are written.
func parse(t testing.TB, text []byte) any {
	t.Helper()
	if !utf8.Valid(text) {
		t.Fatalf("no UTF-8: %q", text)
	}
	for i, r := range string(text) {
		if acts(r) {
			t.Fatalf("a raw %U at byte %d of %q", r, i, text)
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := value(d)
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if rest, err := d.Token(); err != io.EOF {
		t.Fatalf("%v, %v after the value in %q", rest, err, text)
	}
	return v
}

// acts reports whether a terminal or a reader of lines could act upon r, or show a text as
// another one because of it.
func acts(r rune) bool {
	for _, span := range [][2]rune{
		{0, 0x1f}, {0x7f, 0x9f}, {0x61c, 0x61c}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
	} {
		if r >= span[0] && r <= span[1] {
			return true
		}
	}
	return false
}

// value reads the next value of d. Unlike encoding/json it knows nothing of a
// key that comes twice.
func value(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		array := []any{}
		for d.More() {
			v, err := value(d)
			if err != nil {
				return nil, err
			}
			array = append(array, v)
		}
		_, err := d.Token()
		return array, err
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name := key.(string)
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("the key %q comes twice", name)
			}
			if object[name], err = value(d); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return object, err
	}
	return token, nil
}

// parseLine is parse for a whole line: an object and one newline, the last byte.
func parseLine(t testing.TB, line []byte) map[string]any {
	t.Helper()
	text, ok := bytes.CutSuffix(line, []byte("\n"))
	if !ok {
		t.Fatalf("no newline at the end of %q", line)
	}
	object, ok := parse(t, text).(map[string]any)
	if !ok {
		t.Fatalf("no object: %q", line)
	}
	return object
}

// wantJSON compares a value that parse gave with the JSON text want.
func wantJSON(t testing.TB, name string, got any, want string) {
	t.Helper()
	if expected := parse(t, []byte(want)); !reflect.DeepEqual(got, expected) {
		text, _ := json.Marshal(got)
		t.Errorf("%s:\ngot  %s\nwant %s", name, text, want)
	}
}

// members is what appended appends, members of an object, as that object.
func members(t testing.TB, appended func(dst []byte) []byte) map[string]any {
	t.Helper()
	return parse(t, append(appended([]byte("{")), '}')).(map[string]any)
}
