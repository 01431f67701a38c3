package fdio

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "010": 10, "256K": 256 << 10, "1G": 1 << 30, "9223372036854775807": math.MaxInt64} {
		if got, err := ParseSize(text, math.MaxInt64); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "K", "-1", "+1", "0x10", "1_0", "1k", "1.5K", "9223372036854775808", "9007199254740992K"} {
		if got, err := ParseSize(text, math.MaxInt64); !errors.Is(err, ErrSyntax) {
			t.Errorf("ParseSize(%q) = %d, %v; want an ErrSyntax", text, got, err)
		}
	}
	if _, err := ParseSize("2K", 2048); err != nil {
		t.Error(err)
	}
	if n, err := ParseSize("2K", 2047); !errors.Is(err, ErrSyntax) {
		t.Errorf("more than the limit: %d, %v", n, err)
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "5": 5 * time.Second, ".5": time.Second / 2, "100us": 100 * time.Microsecond, "1m30s": 90 * time.Second,
		"0.0000000001": 1, "0.1ns": 1, "2562047h": 2562047 * time.Hour,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for text, says := range map[string]string{"x": "not a duration", "-9999999999999h": "not a duration", "9999999999999h": "too long: at most 2562047h", "99999999999999": "too long"} {
		if _, err := ParseDuration(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("ParseDuration(%q): %v, want an error that says %q", text, err, says)
		}
	}
	for _, text := range []string{"", ".", "-1", "-1s", "+1s", "1x", "1e3", "0x1", "1_0", "1 s", "1.2.3", "2562048h", "9999999999999h"} {
		if got, err := ParseDuration(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("ParseDuration(%q) = %v, %v; want an ErrSyntax", text, got, err)
		}
	}
}
