package commands

import (
	"encoding"
	"fmt"
	"testing"
	"time"
)

// read returns what a flag of type T makes of text.
func read[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](text string) (value T, err error) {
	err = P(&value).UnmarshalText([]byte(text))
	return value, err
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "100": 100, "1K": 1024, "256K": 256 << 10, "16M": 16 << 20, "1G": 1 << 30, "2147483647": 1<<31 - 1,
	} {
		if got, err := read[Size](text); err != nil || got != want {
			t.Errorf("Size(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "+1", "10X", "K", "1KK", "1.5K", "1k", " 1", "2G", "2147483648", "99999999999999999999"} {
		if got, err := read[Size](text); err == nil {
			t.Errorf("Size(%q) = %d, want an error", text, got)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "5": 5 * time.Second, "0.25": 250 * time.Millisecond, ".5": 500 * time.Millisecond, "1.": time.Second,
		"100ms": 100 * time.Millisecond, "2s": 2 * time.Second, "1m": time.Minute, "1.5h": 90 * time.Minute, "1m30s": 90 * time.Second,
		"0.0000000001": 1, // what is not zero does not mean "none"
	} {
		if got, err := read[Duration](text); err != nil || time.Duration(got) != want {
			t.Errorf("Duration(%q) = %v, %v; want %v", text, time.Duration(got), err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "+1", "1x", "s", "ms", "1e3", "0x1", "inf", "NaN", "1.2.3", "1_0", "1 s", "9999999999999h"} {
		if got, err := read[Duration](text); err == nil {
			t.Errorf("Duration(%q) = %v, want an error", text, time.Duration(got))
		}
	}
}

func TestMode(t *testing.T) {
	for text, want := range map[string]Mode{"0600": 0o600, "666": 0o666, "0": 0} {
		if got, err := read[Mode](text); err != nil || got != want {
			t.Errorf("Mode(%q) = %o, %v; want %o", text, got, err, want)
		}
	}
	for _, text := range []string{"", "8", "01777", "-1", "u=rw"} {
		if got, err := read[Mode](text); err == nil {
			t.Errorf("Mode(%q) = %o, want an error", text, got)
		}
	}
}

func FuzzSize(f *testing.F) {
	f.Add("256K")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := read[Size](text); err == nil && (n < 0 || n > maxSize) {
			t.Errorf("Size(%q) = %d", text, n)
		} else if again, againErr := read[Size](fmt.Sprint(n)); err == nil && (againErr != nil || again != n) {
			t.Errorf("Size(%q) = %d, which reads as %d, %v", text, n, again, againErr)
		}
	})
}

func FuzzDuration(f *testing.F) {
	f.Add("1.5h")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := read[Duration](text); err == nil && d < 0 {
			t.Errorf("Duration(%q) = %v", text, time.Duration(d))
		} else if again, againErr := read[Duration](d.String()); err == nil && (againErr != nil || again != d) {
			t.Errorf("Duration(%q) = %v, which reads as %v, %v", text, d, again, againErr)
		}
	})
}
