package intake

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
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

// What ends a stream, or is left of it at its end, comes after the frames before it. A
// frame that is not valid does not come, and no descriptor stays open.
func TestEndOfAStream(t *testing.T) {
	type piece struct {
		text string
		fds  []int
	}
	pass := []int{0, 0}
	one := got{text: "1"}
	for name, test := range map[string]struct {
		kind   frame.Kind
		rights Rights
		sent   []piece
		want   []got
		err    error
	}{
		"too long at once":        {frame.Line, Pass, []piece{{"1\nlonger than ten\n", pass}}, []got{one}, frame.ErrTooLong},
		"too long in pieces":      {frame.Line, Pass, []piece{{"1\nlonger", pass}, {" than ten\n", nil}}, []got{one}, frame.ErrTooLong},
		"length too long":         {frame.U32BE, Pass, []piece{{"\x00\x00\x00\x011\x00", pass}, {"\x00\x01\x00", nil}}, []got{one}, frame.ErrTooLong},
		"invalid JSON":            {frame.JSON, Pass, []piece{{"1 {x}", pass}}, []got{one}, frame.ErrInvalidJSON},
		"invalid JSON in pieces":  {frame.JSON, Pass, []piece{{"1 {", pass}, {"x}", nil}}, []got{one}, frame.ErrInvalidJSON},
		"rest of a line":          {frame.Line, Pass, []piece{{"1\npart", pass}}, []got{one, {"part", 2, true}}, nil},
		"rest, refused":           {frame.Line, Cut, []piece{{"1\n", nil}, {"part", pass}}, []got{one}, ErrDescriptors},
		"rest, dropped":           {frame.Line, Drop, []piece{{"1\n", nil}, {"part", pass}}, []got{one, {"part", 0, true}}, nil},
		"last number":             {frame.JSON, Pass, []piece{{"1 23", pass}}, []got{one, {"23", 2, false}}, nil},
		"last number, refused":    {frame.JSON, Cut, []piece{{"1 ", nil}, {"23", pass}}, []got{one}, ErrDescriptors},
		"everything":              {frame.EOF, Pass, []piece{{"some", pass}, {"more", nil}}, []got{{"somemore", 2, false}}, nil},
		"everything, refused":     {frame.EOF, Fail, []piece{{"some", pass}}, nil, ErrDescriptors},
		"more than may be at all": {frame.EOF, Pass, []piece{{"longer than", pass}}, nil, frame.ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			o.Frame, o.MaxFrame, o.Rights = test.kind, 10, test.rights
			c, sink, sender := pair(t, o)
			before := openDescriptors(t)
			var ended time.Time
			var sending sync.WaitGroup
			sending.Go(func() {
				defer sender.Close()
				defer func() {
					if test.err == nil && awaitRead(t, sender) {
						ended = time.Now()
					}
				}()
				for i, p := range test.sent {
					if i > 0 && !awaitRead(t, sender) {
						return
					}
					send(t, sender, p.text, p.fds...)
				}
			})
			if err := c.Serve(); !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			sending.Wait()
			if !slices.Equal(sink.all, test.want) {
				t.Errorf("%+v, want %+v", sink.all, test.want)
			}
			if sink.last.Before(ended) {
				t.Errorf("the last frame was received at %v, the stream ended after %v", sink.last, ended)
			}
			if after := openDescriptors(t); after != before-1 { // the sender's
				t.Errorf("%d descriptors are open, %d before", after, before)
			}
			wantNothingHeld(t, c)
		})
	}
}

// Refused descriptors end a stream when they come, even in a frame that never ends.
func TestRefusedDescriptorsOfAnEndlessFrame(t *testing.T) {
	for _, kind := range []frame.Kind{frame.Line, frame.EOF} {
		o := testOptions()
		o.Frame, o.Rights = kind, Cut
		c, sink, sender := pair(t, o)
		before := openDescriptors(t)
		send(t, sender, "part", 0)
		err := c.Serve()
		if e, ok := errors.AsType[*fdio.Error](err); !ok || e.Err != ErrDescriptors || len(sink.all) > 0 {
			t.Errorf("%s: %v, %+v", kind, err, sink.all)
		}
		if after := openDescriptors(t); after != before {
			t.Errorf("%d descriptors are open, %d before", after, before)
		}
		sender.Close()
		c.socket.Close()
	}
}

// awaitRead waits until everything that was sent has been received, so that what follows
// comes apart from it.
func awaitRead(t *testing.T, s *fdio.Socket) bool {
	conn, err := s.SyscallConn()
	if err != nil {
		t.Error(err)
		return false
	}
	for queued := 1; queued > 0; runtime.Gosched() {
		conn.Control(func(fd uintptr) { queued, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
		if err != nil {
			t.Error(err)
			return false
		}
	}
	return true
}

// A frame that the end of its stream completes counts as others do, on all connections.
func TestFramesThatEndWithTheirStreamCount(t *testing.T) {
	for _, kind := range []frame.Kind{frame.EOF, frame.JSON} {
		o := testOptions()
		o.Frame, o.Count = kind, 2
		c, sink, sender := pair(t, o)
		for i := range 3 {
			p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			receiver, err := fdio.FromFD(p[0])
			if err != nil {
				t.Fatal(err)
			}
			unix.Write(p[1], fmt.Append(nil, i+10))
			unix.Shutdown(p[1], unix.SHUT_WR)
			before := c.in.ctx.Err()
			if err := c.in.Conn(receiver).Serve(); err != nil {
				t.Error(err)
			}
			if after := c.in.ctx.Err(); (before != nil) != (i > 1) || (after != nil) != (i > 0) {
				t.Errorf("%s %d: the run ended before: %v, after: %v", kind, i, before, after)
			}
			receiver.Close()
			unix.Close(p[1])
		}
		sender.Close()
		if want := []got{{text: "10"}, {text: "11"}}; !slices.Equal(sink.all, want) {
			t.Errorf("%s: %+v, want %+v", kind, sink.all, want)
		}
	}
}

// A part that MSG_WAITALL has received comes even if another connection has received the
// last message that was wanted, and nothing of it is left in memory that others get.
func TestPartOfAMessageComesWhenNoMoreAreWanted(t *testing.T) {
	o := testOptions()
	o.Frame, o.Flags, o.Sizes, o.Count = frame.Line, unix.MSG_WAITALL, []int{10}, 1 // Line: pair makes a stream of it
	c, sink, sender := pair(t, o)
	c.source.frames = nil
	send(t, sender, "part")
	if b, err := c.source.next(); b != nil || err != unix.EAGAIN || c.source.partial == nil {
		t.Fatalf("%v, %v", b, err)
	}
	c.in.count.take(1)
	c.in.count.settle(1)
	if err := c.Serve(); err != nil {
		t.Fatal(err)
	}
	if want := []got{{text: "part"}}; !slices.Equal(sink.all, want) {
		t.Errorf("%+v, want %+v", sink.all, want)
	}
	wantNothingHeld(t, c)
	if c.newBatch().message().Partial() {
		t.Error("the memory of the next message is in the middle of one")
	}
}
