package commands

import (
	"io"
	"testing"
	"time"
)

// Only messages that come soon after each other make a connection nap.
func TestFastMessagesAreThoseThatComeSoonAfterEachOther(t *testing.T) {
	c, _ := receivePair(t, testFlags(), io.Discard)
	sc := c.newScratch()
	defer c.release(sc)
	sc.received = time.Now()
	for i, step := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {fast, false}, {fast - 1, true}, {0, true}, {time.Second, false}} {
		sc.received = sc.received.Add(step.after)
		if c.handOut(sc); c.isFast != step.want {
			t.Errorf("message %d, %v after the one before: fast %v", i, step.after, c.isFast)
		}
	}
}

func TestFewNapAtOnce(t *testing.T) {
	s := newSharing()
	for range cap(s.napping) {
		s.napping <- struct{}{}
	}
	if s.nap() {
		t.Error("one more naps")
	}
	<-s.napping
	for range 2 {
		if !s.nap() {
			t.Error("none naps")
		}
	}
}
