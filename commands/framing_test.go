package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// framed are frames of one kind, some of them empty or long, and what is sent for
// them.
type framed struct {
	messages    []string
	bytes       []byte
	starts      []int // of the frames in it
	ends        []int
	descriptors []int // with each
}

// newFramed makes frames. Descriptors go with the last byte of every seventh.
func newFramed(t *testing.T, kind frame.Kind, random *rand.Rand, count int) *framed {
	t.Helper()
	f := &framed{}
	for i := range count {
		length := random.IntN(100)
		if i%50 == 49 {
			length = smallMessage + random.IntN(smallMessage)
		}
		message := fmt.Sprintf("%d %s", i, strings.Repeat("x", length))
		switch {
		case kind == frame.JSON && i%3 == 0:
			message = fmt.Sprint(i)
		case kind == frame.JSON:
			message = `"` + message + `"`
		case i%10 == 9:
			message = ""
		}
		buffers, err := kind.Complete([][]byte{[]byte(message)})
		if err != nil {
			t.Fatal(err)
		}
		f.starts = append(f.starts, len(f.bytes))
		f.bytes = append(f.bytes, bytes.Join(buffers, nil)...)
		f.messages, f.ends = append(f.messages, message), append(f.ends, len(f.bytes))
		if kind == frame.JSON {
			f.bytes = append(f.bytes, " \n"[:random.IntN(3)]...)
			if i%3 == 0 { // a number needs an end
				f.bytes = append(f.bytes, '\n')
			}
		}
		f.descriptors = append(f.descriptors, 0)
		if i%7 == 6 {
			f.descriptors[i] = 2
		}
	}
	return f
}

// send sends the frames in random pieces, but each that has descriptors as a whole.
func (f *framed) send(t *testing.T, sender *fdio.Socket, random *rand.Rand) {
	sent := 0
	send := func(end int, control []byte) {
		m := fdio.Outgoing{Buffers: [][]byte{f.bytes[sent:end]}, Control: control}
		if _, err := sender.Send(t.Context(), m); err != nil {
			t.Error(err)
		}
		sent = end
	}
	plain := func(end int) {
		for sent < end {
			send(min(sent+1+random.IntN(2000), end), nil)
		}
	}
	for i, descriptors := range f.descriptors {
		if descriptors > 0 {
			plain(f.starts[i])
			send(f.ends[i], cmsg.AppendRights(nil, []int{0, 0}))
		}
	}
	plain(len(f.bytes))
}

func (f *framed) check(t *testing.T, lines []byte, count int) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(lines))
	for i := range count {
		var line struct {
			Seq, Size int
			Message   string
			Truncated bool
			FDs       []any
		}
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		if line.Seq != i+1 || line.Message != f.messages[i] || line.Size != len(f.messages[i]) || line.Truncated || len(line.FDs) != f.descriptors[i] {
			t.Fatalf("line %d: %+v, want %q with %d descriptors", i, line, f.messages[i], f.descriptors[i])
		}
	}
	if decoder.More() {
		t.Errorf("more than %d lines", count)
	}
}

var splitKinds = []frame.Kind{frame.Line, frame.NUL, frame.U32BE, frame.U32LE, frame.JSON}

// However a stream comes in pieces, its frames become lines in order, with the
// descriptors that belong to each.
func TestFramesBecomeLines(t *testing.T) {
	const count = 1000
	for _, kind := range splitKinds {
		t.Run(kind.String(), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			flags := testFlags()
			flags.frame, flags.Size = kind, 4000
			var lines bytes.Buffer
			c, sender := receivePair(t, flags, &lines)
			before := openDescriptors(t)
			f := newFramed(t, kind, random, count)
			var sending sync.WaitGroup
			sending.Go(func() {
				f.send(t, sender, random)
				sender.Close()
			})
			if err := c.serve(t.Context()); err != nil {
				t.Fatal(err)
			}
			sending.Wait()
			if err := c.out.close(); err != nil {
				t.Fatal(err)
			}
			f.check(t, lines.Bytes(), count)
			if after := openDescriptors(t); after != before-1 { // the sender's
				t.Errorf("%d descriptors are open, %d before", after, before)
			}
			wantNothingHeld(t, c)
		})
	}
}

// With -n, the stream goes on in the socket right after the last frame.
func TestNoByteIsReceivedAfterTheLastFrame(t *testing.T) {
	for _, kind := range splitKinds {
		for _, count := range []int{1, 2, 5, 6, 7, 8, 30, 49, 50, 51, 79, 80} {
			t.Run(fmt.Sprintf("%s/%d", kind, count), func(t *testing.T) {
				random := rand.New(rand.NewPCG(3, uint64(count)))
				flags := testFlags()
				flags.frame, flags.Count = kind, Count{N: count, Given: true}
				var lines bytes.Buffer
				c, sender := receivePair(t, flags, &lines)
				f := newFramed(t, kind, random, 80)
				f.send(t, sender, random)
				if err := c.serve(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := c.out.close(); err != nil {
					t.Fatal(err)
				}
				f.check(t, lines.Bytes(), count)
				wantNothingHeld(t, c)

				var rest []byte
				left := c.newScratch()
				for c.socket.TryRecv(&left.msg, 0) == nil {
					rest = append(rest, left.msg.Data()...)
					left.msg.Close()
				}
				want := f.bytes[f.ends[count-1]:]
				if kind == frame.JSON {
					rest, want = bytes.TrimSpace(rest), bytes.TrimSpace(want)
				}
				if !bytes.Equal(rest, want) {
					t.Errorf("left are %d bytes, want %d", len(rest), len(want))
				}
			})
		}
	}
}

// What has been received when the time is up becomes lines, the beginning of a
// frame included.
func TestFramesThatWereReceivedAreNotLostAtTheEnd(t *testing.T) {
	flags := testFlags()
	flags.frame = frame.Line
	var lines bytes.Buffer
	c, sender := receivePair(t, flags, &lines)
	if _, err := sender.Send(t.Context(), fdio.Outgoing{
		Buffers: [][]byte{[]byte("one\ntwo\nthree\nfo")}, Control: cmsg.AppendRights(nil, []int{0}),
	}); err != nil {
		t.Fatal(err)
	}
	sc, err := c.receive()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.print(sc); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.serve(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.out.close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for decoder := json.NewDecoder(&lines); decoder.More(); {
		var line struct {
			Message   string
			Truncated bool
			FDs       []any
		}
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(line.Message, line.Truncated, len(line.FDs)))
	}
	if want := "[onefalse 0 twofalse 0 threefalse 0 fotrue 1]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	wantNothingHeld(t, c)
}

// When the output fails, each frame that has been received is counted as lost.
func TestFramesAreLostWithTheOutput(t *testing.T) {
	flags := testFlags()
	flags.frame = frame.Line
	c, sender := receivePair(t, flags, new(bytes.Buffer))
	text := strings.Repeat("line\n", 100)
	if _, err := sender.Send(t.Context(), fdio.Outgoing{Buffers: [][]byte{[]byte(text)}}); err != nil {
		t.Fatal(err)
	}
	sc, err := c.receive()
	if err != nil {
		t.Fatal(err)
	}
	c.release(sc)
	c.out.fail(unix.EPIPE, 0)
	if err := c.serve(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if c.out.lost != 99 {
		t.Errorf("%d lines are lost, want 99", c.out.lost)
	}
}
