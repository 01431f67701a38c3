package intake

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"
)

// framed are frames of one kind, some of them empty or long, and what is sent for
// them. Descriptors go with the last byte of every seventh.
type framed struct {
	want   []got
	bytes  []byte
	starts []int // of the frames in it
	ends   []int
}

func newFramed(t *testing.T, kind frame.Kind, random *rand.Rand, count int) *framed {
	t.Helper()
	f := &framed{}
	for i := range count {
		length := random.IntN(100)
		if i%50 == 49 {
			length = smallMessage + random.IntN(smallMessage)
		}
		w := got{text: fmt.Sprintf("%d %s", i, strings.Repeat("x", length))}
		switch {
		case kind == frame.JSON && i%3 == 0:
			w.text = fmt.Sprint(i)
		case kind == frame.JSON:
			w.text = `"` + w.text + `"`
		case i%10 == 9:
			w.text = ""
		}
		buffers, err := kind.Complete([][]byte{[]byte(w.text)})
		if err != nil {
			t.Fatal(err)
		}
		f.starts = append(f.starts, len(f.bytes))
		f.bytes = append(f.bytes, bytes.Join(buffers, nil)...)
		f.ends = append(f.ends, len(f.bytes))
		if kind == frame.JSON {
			f.bytes = append(f.bytes, " \n"[:random.IntN(3)]...)
			if i%3 == 0 { // a number needs an end
				f.bytes = append(f.bytes, '\n')
			}
		}
		if i%7 == 6 {
			w.fds = 2
		}
		f.want = append(f.want, w)
	}
	return f
}

// send sends the frames in random pieces, but each that has descriptors as a whole.
func (f *framed) send(t *testing.T, sender *fdio.Socket, random *rand.Rand) {
	sent := 0
	piece := func(end int, fds ...int) {
		send(t, sender, string(f.bytes[sent:end]), fds...)
		sent = end
	}
	plain := func(end int) {
		for sent < end {
			piece(min(sent+1+random.IntN(2000), end))
		}
	}
	for i, w := range f.want {
		if w.fds > 0 {
			plain(f.starts[i])
			piece(f.ends[i], 0, 0)
		}
	}
	plain(len(f.bytes))
}

var splitKinds = []frame.Kind{frame.Line, frame.NUL, frame.U32BE, frame.U32LE, frame.JSON}

// However a stream comes in pieces, its frames come in order, with the descriptors
// that belong to each.
func TestFramesComeInOrder(t *testing.T) {
	for _, kind := range splitKinds {
		t.Run(kind.String(), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			o := testOptions()
			o.Frame, o.Sizes = kind, []int{4000}
			c, sink, sender := pair(t, o)
			before := openDescriptors(t)
			f := newFramed(t, kind, random, 1000)
			var sending sync.WaitGroup
			sending.Go(func() {
				f.send(t, sender, random)
				sender.Close()
			})
			if err := c.Serve(); err != nil {
				t.Fatal(err)
			}
			sending.Wait()
			if !slices.Equal(sink.all, f.want) {
				t.Errorf("%d frames, want %d; or others", len(sink.all), len(f.want))
			}
			if after := openDescriptors(t); after != before-1 { // the sender's
				t.Errorf("%d descriptors are open, %d before", after, before)
			}
			wantNothingHeld(t, c)
		})
	}
}

// With a count, the stream goes on in the socket right after the last frame.
func TestNoByteIsReceivedAfterTheLastFrame(t *testing.T) {
	for _, kind := range splitKinds {
		for _, count := range []int{1, 2, 5, 6, 7, 8, 30, 49, 50, 51, 79, 80, 150} {
			t.Run(fmt.Sprintf("%s/%d", kind, count), func(t *testing.T) {
				random := rand.New(rand.NewPCG(3, uint64(count)))
				o := testOptions()
				o.Frame, o.Count = kind, count
				c, sink, sender := pair(t, o)
				f := newFramed(t, kind, random, 150)
				f.send(t, sender, random)
				if err := c.Serve(); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(sink.all, f.want[:count]) {
					t.Errorf("%d frames, want %d; or others", len(sink.all), count)
				}
				wantNothingHeld(t, c)

				var rest []byte
				left := fdio.Incoming{Buffers: [][]byte{make([]byte, 100_000)}, Space: make([]byte, 1000)}
				for c.socket.TryRecv(&left, 0) == nil {
					rest = append(rest, left.Data()...)
					left.Close()
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

// What has been received when the run ends still comes, the beginning of a frame
// included.
func TestFramesThatWereReceivedAreNotLostAtTheEnd(t *testing.T) {
	o := testOptions()
	o.Frame = frame.Line
	c, sink, sender := pair(t, o)
	var want []got
	text := ""
	for i := range 3 * maxMessages {
		want = append(want, got{text: fmt.Sprint(i)})
		text += fmt.Sprintln(i)
	}
	want = append(want, got{text: "fo", fds: 1, unfinished: true})
	send(t, sender, text+"fo", 0)
	sink.fail = func(int) error { // while the first batch is taken
		c.in.Stop(nil)
		return nil
	}
	if err := c.Serve(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sink.all, want) || !c.Unfinished() || c.Received() != len(want)-1 {
		t.Errorf("got %d frames, want %d", len(sink.all), len(want))
	}
	wantNothingHeld(t, c)
}

// When the sink fails, it is given each frame that has been received all the same: it
// counts what is lost.
func TestFramesAreGivenToASinkThatFails(t *testing.T) {
	o := testOptions()
	o.Frame = frame.Line
	c, sink, sender := pair(t, o)
	send(t, sender, strings.Repeat("line\n", 3*maxMessages)+"part")
	failed := errors.New("failed")
	sink.fail = func(int) error { return failed }
	if err := c.Serve(); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if len(sink.all) != 3*maxMessages {
		t.Errorf("%d frames, want %d", len(sink.all), 3*maxMessages)
	}
	wantNothingHeld(t, c)
}

// A frame that is too long ends the connection after those before it, and leaves no
// descriptor open.
func TestFrameTooLongEndsTheConnection(t *testing.T) {
	o := testOptions()
	o.Frame, o.MaxFrame = frame.Line, 10
	c, sink, sender := pair(t, o)
	before := openDescriptors(t)
	m := fdio.Outgoing{Buffers: [][]byte{[]byte("one\ntwo\nlonger than ten\n")}, Control: cmsg.AppendRights(nil, []int{0, 0})}
	if _, err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := c.Serve(); !errors.Is(err, frame.ErrTooLong) {
		t.Error(err)
	}
	if want := []got{{text: "one"}, {text: "two"}}; !slices.Equal(sink.all, want) {
		t.Errorf("%+v, want %+v", sink.all, want)
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}
