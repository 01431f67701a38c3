package commands

import (
	"context"
	"errors"
	"testing"
	"time"
)

// What was received at the end is read and saved for the time of --drain, and then not.
func TestAfterDrainEndsLater(t *testing.T) {
	parent, end := context.WithCancelCause(t.Context())
	const drain = 50 * time.Millisecond
	ctx := afterDrain(parent, drain)
	reason, began := errors.New("reason"), time.Now()
	end(reason)
	<-ctx.Done()
	if took := time.Since(began); took < drain || context.Cause(ctx) != reason {
		t.Errorf("ended after %v by %v", took, context.Cause(ctx))
	}
}
