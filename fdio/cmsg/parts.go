package cmsg

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"fdmsg/fdio/internal/syntax"
)

// A part is one kind of typed part.
type part struct {
	name      string
	size      int // of a number without a sign; 0: see append
	bigEndian bool
	append    func(b []byte, value string) ([]byte, error)
}

// parts are the typed parts that ParseData knows.
var parts = [...]part{
	{"int", 0, false, appendInt32},
	{"u8", 1, false, nil},
	{"u16", 2, false, nil},
	{"u32", 4, false, nil},
	{"u64", 8, false, nil},
	{"be16", 2, true, nil},
	{"be32", 4, true, nil},
	{"hex", 0, false, appendHex},
	{"base64", 0, false, appendBase64},
	{"text", 0, false, appendText},
}

// findPart returns the part of that name, nil for none.
func findPart(name string) *part {
	i := slices.IndexFunc(parts[:], func(p part) bool { return p.name == name })
	if i < 0 {
		return nil
	}
	return &parts[i]
}

// appendTo appends what value stands for.
func (p *part) appendTo(b []byte, value string) ([]byte, error) {
	if p.size > 0 {
		return appendUint(b, value, p.size, p.bigEndian)
	}
	return p.append(b, value)
}

func appendText(b []byte, value string) ([]byte, error) { return append(b, value...), nil }

func appendHex(b []byte, value string) ([]byte, error) {
	data, err := hex.DecodeString(value)
	if err != nil {
		return nil, syntax.Errorf("invalid hexadecimal: write an even number of digits")
	}
	return append(b, data...), nil
}

func appendBase64(b []byte, value string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, syntax.Errorf("invalid base64")
	}
	return append(b, data...), nil
}

// ParseData parses typed parts, separated by commas, and joins what they stand for:
// int=N (4 bytes, signed), u8= u16= u32= u64= in native byte order, be16= be32= in
// network byte order, hex=, base64= and text=. No text is no bytes. ok is false if
// the first part is none of these. Errors wrap ErrSyntax.
func ParseData(text string) (data []byte, ok bool, err error) {
	if text == "" {
		return nil, true, nil
	}
	first, _, hasValue := strings.Cut(text, "=")
	if findPart(first) == nil || !hasValue {
		return nil, false, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, hasValue := strings.Cut(part, "=")
		p := findPart(name)
		if p == nil || !hasValue {
			return nil, true, syntax.Errorf("invalid part %q: write int= u8= u16= u32= u64= be16= be32= hex= base64= or text=", part)
		}
		if data, err = p.appendTo(data, value); err != nil {
			return nil, true, fmt.Errorf("%s: %w", part, err)
		}
	}
	return data, true, nil
}
