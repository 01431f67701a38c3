package fdio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fdmsg/fdio/cmsg"
)

// The numbers are those of the kernel's <linux/socket.h>.
func TestFlagsHaveTheNumbersOfTheHeader(t *testing.T) {
	const none, send, recv, both = 0, 1, 2, 3
	tests := []struct {
		name string
		bits int
		side int // the calls that look at it
	}{
		{"MSG_OOB", 1, both},
		{"MSG_PEEK", 2, recv},
		{"MSG_DONTROUTE", 4, send},
		{"MSG_CTRUNC", 8, none},
		{"MSG_PROXY", 0x10, send},
		{"MSG_TRUNC", 0x20, recv},
		{"MSG_DONTWAIT", 0x40, both},
		{"MSG_EOR", 0x80, send},
		{"MSG_WAITALL", 0x100, recv},
		{"MSG_FIN", 0x200, send},
		{"MSG_SYN", 0x400, send},
		{"MSG_CONFIRM", 0x800, send},
		{"MSG_RST", 0x1000, send},
		{"MSG_ERRQUEUE", 0x2000, recv},
		{"MSG_NOSIGNAL", 0x4000, both},
		{"MSG_MORE", 0x8000, send},
		{"MSG_ZEROCOPY", 0x4000000, send},
		{"MSG_FASTOPEN", 0x20000000, send},
		{"MSG_CMSG_CLOEXEC", 0x40000000, recv},
	}
	for _, test := range tests {
		for side, allowed := range map[int]int{send: SendFlags, recv: RecvFlags} {
			got, err := ParseFlag(test.name, allowed)
			if test.side&side == 0 {
				if err != ErrFlagSide {
					t.Errorf("%s in the wrong call: %#x, %v", test.name, got, err)
				}
			} else if err != nil || got != test.bits {
				t.Errorf("%s = %#x, %v; want %#x", test.name, got, err, test.bits)
			}
		}
	}
	if len(tests) != len(MessageFlags) {
		t.Errorf("%d flags are tested, %d known", len(tests), len(MessageFlags))
	}
}

func TestFlagsByNumber(t *testing.T) {
	for text, want := range map[string]int{
		"0": 0, "2": 2, "0x2": 2, "0x40000000": 1 << 30, "0x7fffffff": 1<<31 - 1, "2147483647": 1<<31 - 1, "0b10": 2, "0o10": 8,
		"8": 8, // no bit of the call, but a number is taken as it is
	} {
		if got, err := ParseFlag(text, SendFlags); err != nil || got != want {
			t.Errorf("%s = %#x, %v; want %#x", text, got, err, want)
		}
	}
}

func TestParseFlagRefuses(t *testing.T) {
	for _, text := range []string{"0x80000000", "4294967296", "99999999999999999999"} {
		if got, err := ParseFlag(text, RecvFlags); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s = %#x, %v; want ErrSyntax", text, got, err)
		}
	}
	for _, text := range []string{"", "MSG_", "MSG_PEAK", "msg_peek", "PEEK", " MSG_PEEK", "MSG_PEEK|MSG_OOB", "-1", "+1", "1.5", "0x", "1K", "1_0"} {
		got, err := ParseFlag(text, RecvFlags)
		unknown, ok := errors.AsType[*cmsg.NameError](err)
		if !ok || unknown.Kind != "flag" || unknown.Name != text {
			t.Errorf("%q = %#x, %v; want an unknown name", text, got, err)
			continue
		}
		if !slices.Contains(unknown.Known, "MSG_PEEK") || slices.Contains(unknown.Known, "MSG_CTRUNC") || slices.Contains(unknown.Known, "MSG_MORE") {
			t.Errorf("%q: the known ones are %v", text, unknown.Known)
		}
	}
}

func FuzzParseFlag(f *testing.F) {
	for _, flag := range MessageFlags {
		f.Add(flag.Name, true)
		f.Add(flag.Name, false)
	}
	f.Add("0x7fffffff", true)
	f.Add("4294967296", false)
	f.Add("1_0", false)
	f.Fuzz(func(t *testing.T, text string, sending bool) {
		allowed := RecvFlags
		if sending {
			allowed = SendFlags
		}
		bits, err := ParseFlag(text, allowed)
		if err != nil {
			_, isName := errors.AsType[*cmsg.NameError](err)
			if err != ErrFlagSide && isName == errors.Is(err, ErrSyntax) || bits != 0 {
				t.Fatalf("%q: %#x, %T %v", text, bits, err, err)
			}
			return
		}
		if bits < 0 || strings.HasPrefix(text, "MSG_") && bits&^allowed != 0 {
			t.Fatalf("%q = %#x", text, bits)
		}
		if again, err := ParseFlag(fmt.Sprintf("%#x", bits), allowed); err != nil || again != bits {
			t.Fatalf("%q = %#x, which is %#x, %v", text, bits, again, err)
		}
	})
}
