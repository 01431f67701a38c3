package fdio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

func TestDescriptorsWithoutAByteGoWithOneOnStreams(t *testing.T) {
	for network, want := range map[Network]string{Unix: "\x00", UnixSeqpacket: "", UnixDatagram: ""} {
		receiver, sender := connectedPair(t, abstractName(t, network))
		n := mustSend(t, sender, Outgoing{Control: cmsg.AppendRights(nil, []int{0})})
		in := newIncoming(10, 100)
		if err := receiver.Recv(t.Context(), in, 0); err != nil {
			t.Fatal(err)
		}
		if got := string(in.Data()); got != want || n != len(want) || len(in.Rights(nil)) != 1 {
			t.Errorf("%s: sent %d bytes, received %q and %d descriptors; want %q and 1", network, n, got, len(in.Rights(nil)), want)
		}
		in.Close()
	}
}

func TestSendRefusesWhatTheKernelWouldDrop(t *testing.T) {
	_, tcp := connectedPair(t, Address{Network: TCP, Host: "127.0.0.1", Port: "0"})
	_, err := tcp.Send(testContext(t), Outgoing{Buffers: [][]byte{{1}}, Control: cmsg.AppendRights(nil, []int{0})})
	if !errors.Is(err, ErrNoDescriptorsHere) {
		t.Errorf("descriptors over TCP: %v", err)
	}
	_, stream := connectedPair(t, abstractName(t, Unix))
	many := cmsg.AppendRights(cmsg.AppendRights(nil, make([]int, 200)), make([]int, 54))
	if _, err = stream.Send(testContext(t), Outgoing{Buffers: [][]byte{{1}}, Control: many}); !errors.Is(err, ErrTooManyDescriptors) {
		t.Errorf("254 descriptors in two control messages: %v", err)
	}
	_, seqpacket := connectedPair(t, abstractName(t, UnixSeqpacket))
	if _, err = seqpacket.Send(testContext(t), Outgoing{Buffers: make([][]byte, MaxBuffers+1)}); !errors.Is(err, ErrTooManyBuffers) {
		t.Errorf("1025 buffers: %v", err)
	}
}

func TestEmptyBuffersDoNotCostDescriptors(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, Unix))
	buffers := append(make([][]byte, MaxBuffers), []byte("x"))
	mustSend(t, sender, Outgoing{Buffers: buffers, Control: cmsg.AppendRights(nil, []int{0})})
	in := newIncoming(10, 100)
	if err := receiver.Recv(t.Context(), in, 0); err != nil || len(in.Rights(nil)) != 1 {
		t.Errorf("received %q with descriptors %v, %v", in.Data(), in.Rights(nil), err)
	}
	in.Close()
}

// A stream takes a large message in parts; the descriptors must arrive once.
func TestLargeStreamMessageIsContinued(t *testing.T) {
	receiver, sender := connectedPair(t, abstractName(t, Unix))
	buffers := make([][]byte, 3000) // more than one call gathers
	for i := range buffers {
		buffers[i] = bytes.Repeat([]byte{byte(i)}, 1000+i%7)
	}
	want := bytes.Join(buffers, nil)
	sent := make(chan error, 1)
	go func() {
		n, err := sender.Send(testContext(t), Outgoing{Buffers: buffers, Control: cmsg.AppendRights(nil, []int{0, 1})})
		if err == nil && n != len(want) {
			err = fmt.Errorf("sent %d of %d bytes", n, len(want))
		}
		sender.Close()
		sent <- err
	}()
	var got []byte
	descriptors := 0
	in := newIncoming(64<<10, 1000)
	for {
		err := receiver.Recv(t.Context(), in, 0)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, in.Data()...)
		descriptors += len(in.Rights(nil))
		in.Close()
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("received %d bytes, want %d, or not the same", len(got), len(want))
	}
	if descriptors != 2 {
		t.Errorf("%d descriptors arrived, want 2", descriptors)
	}
}

func TestSendWaitsForAFullQueueUntilTheEndOfItsContext(t *testing.T) {
	for _, network := range []Network{Unix, UnixSeqpacket, UnixDatagram} {
		_, sender := connectedPair(t, abstractName(t, network))
		for {
			_, err := sendmsg(sender.fd, [][]byte{make([]byte, 1000)}, nil, nil, unix.MSG_DONTWAIT)
			if err == unix.EAGAIN {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		reason := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(context.Background(), 20*time.Millisecond, reason)
		_, err := sender.Send(ctx, text("one more"))
		cancel()
		if !errors.Is(err, reason) {
			t.Errorf("%s: %v, want the context's cause", network, err)
		}
	}
}

// One destination of an unconnected socket has a full queue, which the kernel
// offers no way to wait for.
func TestSendToWaitsForAFullQueue(t *testing.T) {
	receiver := mustListen(t, abstractName(t, UnixDatagram))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := Inherit(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	to := receiver.Local()
	full := 0
	name := sockname.Unix(to.Name)
	for ; err == nil; full++ {
		_, err = sendmsg(fd, [][]byte{{'x'}}, nil, &name, unix.MSG_DONTWAIT)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := sender.Send(testContext(t), Outgoing{Buffers: [][]byte{[]byte("last")}, To: &to})
		sent <- err
	}()
	in := newIncoming(10, 100)
	for range full {
		if err := receiver.Recv(t.Context(), in, 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(in.Data()); got != "last" {
		t.Errorf("the last message is %q", got)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
