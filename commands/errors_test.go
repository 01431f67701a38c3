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
