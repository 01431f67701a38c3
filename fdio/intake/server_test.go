package intake

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"

	"fdmsg/fdio"
)

// observer counts connections.
type observer struct {
	Nobody
	open atomic.Int64
}

func (o *observer) Opened(*Conn)        { o.open.Add(1) }
func (o *observer) Closed(*Conn, error) { o.open.Add(-1) }

// A connection on which nothing has come keeps the smallest stack that there is: what
// grows it before or while it waits costs memory a thousand times over.
func TestIdleConnectionsHaveSmallStacks(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes frames larger")
	}
	const n = 200
	o, address := startServer(t)
	// New stacks are as large as those that the last collection found are deep: the
	// first connections make that a matter of connections.
	connectIdle(t, address, n)
	awaitWaiting(o, n)
	before := stackBytes()
	connectIdle(t, address, n)
	awaitWaiting(o, 2*n)
	const most = 3 << 10
	if each := (int64(stackBytes()) - int64(before)) / n; each > most {
		t.Errorf("an idle connection has a stack of %d bytes, more than %d", each, most)
	}
}

// startServer serves connections to the address that it returns.
func startServer(t *testing.T) (*observer, fdio.Address) {
	t.Helper()
	a := fdio.Address{Network: fdio.UnixSeqpacket, Name: fmt.Sprintf("\x00fdmsg-test-%d-%s", os.Getpid(), t.Name())}
	s, err := fdio.Listen(t.Context(), a, fdio.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	obs := &observer{}
	o := testOptions()
	o.Observer = obs
	o.NewSink = func(*Conn) Sink { return &collector{} }
	done := make(chan struct{})
	go func() {
		New(ctx, o).Serve([]*fdio.Socket{s})
		close(done)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return obs, a
}

// connectIdle makes n connections that say nothing until the end of the test.
func connectIdle(t *testing.T, a fdio.Address, n int) {
	t.Helper()
	for range n {
		s, err := fdio.Dial(t.Context(), a, fdio.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
	}
}

// awaitWaiting returns when n connections wait for something to come.
func awaitWaiting(o *observer, n int) {
	buf := make([]byte, 4<<20)
	for waiting := 0; waiting < n; {
		runtime.Gosched()
		if o.open.Load() < int64(n) {
			continue
		}
		waiting = 0
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "[IO wait") && strings.Contains(stack, "(*server).run(") {
				waiting++
			}
		}
	}
}

// stackBytes is how much memory stacks take up, without what is free of it.
func stackBytes() uint64 {
	runtime.GC()
	runtime.GC() // which gives back what the one before has freed
	sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
