package intake

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"fdmsg/fdio/frame"
	"fdmsg/fdio/internal/poll"
)

// Messages flow that come soon after each other.
func TestMessagesFlowThatComeFast(t *testing.T) {
	for name, test := range map[string]struct {
		gap   time.Duration
		flows bool
	}{
		"slow": {fast, false},
		"fast": {fast - 1, true},
	} {
		var p pace
		now := time.Now()
		for range flow + 1 {
			p.took(now, 1)
			now = now.Add(test.gap)
		}
		if p.flows() != test.flows {
			t.Errorf("%s: they flow: %v", name, p.flows())
		}
	}
}

// Naps that bring few messages are given up for long: the peer waits for each message
// to be done with.
func TestNapsThatBringFewMessagesAreGivenUp(t *testing.T) {
	c, _, sender := pair(t, testOptions())
	send(t, sender, "x")
	for name, test := range map[string]struct {
		napped int
		flows  bool
	}{
		"few":         {fewMessages - 1, false},
		"just enough": {fewMessages, true},
	} {
		p := pace{streak: flow, napped: test.napped}
		if err := p.wait(c.socket, 0, make(chan struct{}, 1)); err != nil {
			t.Fatal(err)
		}
		if p.flows() != test.flows {
			t.Errorf("%s: they flow: %v", name, p.flows())
		}
	}
}

// A connection in a flow on which nothing comes any more naps for a while, then waits
// like any other, and its wait ends with its deadline.
func TestWaitAfterAFlowEndsWithItsDeadline(t *testing.T) {
	c, _, _ := pair(t, testOptions())
	c.socket.SetReadDeadline(poll.LongAgo)
	p := pace{streak: flow, napped: 1000}
	naps := 0
	var err error
	for err = p.wait(c.socket, 0, make(chan struct{}, 1)); err == nil; err = p.wait(c.socket, 0, make(chan struct{}, 1)) {
		naps++
	}
	if naps != maxNaps || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d naps, %v", naps, err)
	}
}

// Every message of a flow comes, and so do those after a pause, of messages and of
// frames.
func TestAllMessagesOfAFlowCome(t *testing.T) {
	for _, kind := range []frame.Kind{frame.Chunk, frame.Line} {
		o := testOptions()
		o.Frame = kind
		c, sink, sender := pair(t, o)
		c.in.naps = make(chan struct{}, 1) // also where there is one processor
		sink.flush = make(chan struct{}, 1)
		const all = 10000
		var sending sync.WaitGroup
		sending.Go(func() {
			for i := range all {
				if i%2500 == 2499 { // the flow stops, and goes on
					sink.awaitFlush(i)
				}
				send(t, sender, fmt.Sprintf("word %d\n", i))
			}
			sender.Close()
		})
		if err := c.Serve(); err != nil {
			t.Fatal(err)
		}
		sending.Wait()
		if len(sink.all) != all {
			t.Fatalf("%v: %d messages, want %d", kind, len(sink.all), all)
		}
		for i, g := range sink.all {
			want := fmt.Sprintf("word %d", i)
			if kind == frame.Chunk {
				want += "\n"
			}
			if g.text != want {
				t.Fatalf("%v: message %d is %q", kind, i, g.text)
			}
		}
	}
}

// With one processor nobody naps: the rest of the program would have to wait.
func TestFewNapAtOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if nap(newNaps()) {
		t.Error("somebody naps, on the only processor")
	}
	runtime.GOMAXPROCS(3)
	naps := newNaps()
	for range cap(naps) {
		naps <- struct{}{}
	}
	if nap(naps) {
		t.Error("one more naps")
	}
	<-naps
	for range 2 {
		if !nap(naps) {
			t.Error("nobody naps")
		}
	}
}
