package commands

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
)

// Messages flow that come soon after each other, and those that need no wait. What
// one call receives comes at one time.
func TestMessagesFlowThatComeFastOrNeedNoWait(t *testing.T) {
	for name, step := range map[string]struct {
		after  time.Duration
		noWait bool
		want   int // the streak
	}{
		"slow":               {fast, false, 0},
		"fast":               {fast - 1, false, longStreak},
		"slow, without wait": {time.Second, true, longStreak},
		"at one time":        {0, true, 0},
	} {
		c, _ := receivePair(t, testFlags(), io.Discard)
		c.sharing.napping = make(chan struct{}, 1)
		sc := c.newScratch()
		sc.received = time.Now()
		c.handOut(sc)
		for range longStreak {
			sc.received = sc.received.Add(step.after)
			c.flows = step.noWait
			c.handOut(sc)
		}
		if c.streak != step.want {
			t.Errorf("%s: a streak of %d, want %d", name, c.streak, step.want)
		}
		if c.flow(); c.flowing != (step.want == longStreak) {
			t.Errorf("%s: they flow: %v", name, c.flowing)
		}
		c.release(sc)
	}
}

func sendWord(t *testing.T, s *fdio.Socket, word string) {
	t.Helper()
	if _, err := s.Send(t.Context(), fdio.Outgoing{Buffers: [][]byte{[]byte(word)}}); err != nil {
		t.Fatal(err)
	}
}

// waitsOf returns a channel that tells of waits of c, one at least since it was
// drained last.
func waitsOf(c *connection) chan struct{} {
	waits := make(chan struct{}, 1)
	try := c.try
	c.try = func(fd uintptr) bool {
		over := try(fd)
		if !over {
			select {
			case waits <- struct{}{}:
			default:
			}
		}
		return over
	}
	return waits
}

// A flow ends where nothing comes any more, where a nap brings only what the peer
// sends after each line, and with the run. The wait after it works.
func TestFlowEnds(t *testing.T) {
	for name, test := range map[string]struct {
		brought int
		end     func(*connection)
		streak  int
	}{
		"nothing comes":  {100, func(*connection) {}, 0},
		"few for a nap":  {few - 1, func(*connection) {}, lonely},
		"just enough":    {few, func(*connection) {}, 0},
		"interrupted":    {100, func(c *connection) { c.socket.Interrupt() }, 0},
		"others nap":     {100, func(c *connection) { c.sharing.napping <- struct{}{} }, 0},
		"no descriptors": {100, func(c *connection) { c.sharing.most = 0 }, 0},
	} {
		c, sender := receivePair(t, testFlags(), io.Discard)
		c.sharing.napping = make(chan struct{}, 1)
		c.streak = longStreak
		if c.flow(); !c.flowing || c.streak != 0 {
			t.Fatalf("%s: a streak of %d does not flow", name, longStreak)
		}
		c.got += test.brought
		test.end(c)
		if c.nap() || c.flowing || c.streak != test.streak {
			t.Errorf("%s: flows %v, streak %d", name, c.flowing, c.streak)
		}
		if name == "interrupted" {
			if _, err := c.receive(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var sending sync.WaitGroup
		waits := waitsOf(c)
		sending.Go(func() {
			<-waits
			sendWord(t, sender, "late")
		})
		sc, err := c.receive()
		sending.Wait()
		if err != nil || string(sc.msg.Data()) != "late" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.release(sc)
		c.streak = longStreak
		if c.flow(); c.flowing != (name != "no descriptors") {
			t.Errorf("%s: flows again: %v", name, c.flowing)
		}
	}
}

// Every message of a flow, and after it, becomes a line, of messages and of frames.
func TestAllMessagesOfAFlowBecomeLines(t *testing.T) {
	for _, frame := range []fdio.Frame{fdio.FrameChunk, fdio.FrameLine} {
		flags := testFlags()
		flags.frame = frame
		var lines bytes.Buffer
		c, sender := receivePair(t, flags, &lines)
		c.sharing.napping = make(chan struct{}, 1)
		const all = 10000
		var sending sync.WaitGroup
		waits := waitsOf(c)
		sending.Go(func() {
			for i := range all {
				stops := i%2500 == 2499 // the flow stops, and goes on
				if stops {
					// Forget the waits so far. One comes after this message at the
					// latest; if they were forgotten after it, that one might be too.
					select {
					case <-waits:
					default:
					}
				}
				sendWord(t, sender, fmt.Sprintf("word %d.\n", i))
				if stops && i < all-1 {
					<-waits
				}
			}
			sender.ShutdownWrite()
		})
		for {
			if c.got%1000 < 10 && !c.flowing {
				c.streak = longStreak
			}
			sc, err := c.receive()
			if err != nil {
				break
			}
			if err := c.printBurst(sc); err != nil {
				t.Fatal(err)
			}
		}
		sending.Wait()
		c.finish()
		c.out.close()
		at := 0
		for i := range all {
			n := bytes.Index(lines.Bytes()[at:], fmt.Appendf(nil, "word %d.", i))
			if n < 0 {
				t.Fatalf("%v: message %d has no line behind those before it", frame, i)
			}
			at += n
		}
	}
}

// Messages with descriptors come in bursts on a connection that has never waited.
func TestFlowFromTheStartComesInBursts(t *testing.T) {
	c, sender := receivePair(t, testFlags(), io.Discard)
	c.sharing.most = 1 << 16
	for range 20 {
		m := fdio.Outgoing{Buffers: [][]byte{[]byte("x")}, Control: cmsg.AppendRights(nil, []int{0})}
		if _, err := sender.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for c.got < 10 {
		sc, err := c.receive()
		if err == nil {
			err = c.printBurst(sc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c.printQueued()
	if c.burst < 4 || c.ahead < 4 {
		t.Errorf("after %d messages: bursts of %d, %d received at once", c.got, c.burst, c.ahead)
	}
	c.finish()
}

// With one processor none does: the rest of the program would wait for it.
func TestFewNapAtOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if s := newSharing(); s.nap() {
		t.Error("one naps, on the only processor")
	}
	runtime.GOMAXPROCS(3)
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
