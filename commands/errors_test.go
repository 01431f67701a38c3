package commands

import (
	"errors"
	"strings"
	"testing"

	"fdmsg/fdio"
	"fdmsg/fdio/intake"
)

// Each of several errors is worded for users, and none is lost.
func TestRewordKeepsJoinedErrors(t *testing.T) {
	other := errors.New("another error")
	refused := &fdio.Error{Name: "S", Op: "receive", Err: intake.ErrDescriptors}
	got := reword(errors.Join(refused, other))
	if !errors.Is(got, other) || !errors.Is(got, intake.ErrDescriptors) || !strings.Contains(got.Error(), "--fds cut") {
		t.Error(got)
	}
}

// What a terminal would act upon, or not show, is escaped.
func TestOneLineEscapesWhatIsNotShown(t *testing.T) {
	for text, want := range map[string]string{
		"plain caf\u00e9 \u65e5\u672c \U0001f600": "plain caf\u00e9 \u65e5\u672c \U0001f600",
		"a\nb\x1b[2J\x7f\u009b":                   `a\nb\x1b[2J\x7f\u009b`,
		"exe.\u202egpj \u2066\u200b\ufeff\u061c":  `exe.\u202egpj \u2066\u200b\ufeff\u061c`,
		"\U000e0041\u2028":                        `\U000e0041\u2028`,
		"\xff":                                    `\ufffd`,
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}
