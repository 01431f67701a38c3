package intake_test

import (
	"context"
	"fmt"
	"os"

	"fdmsg/fdio"
	"fdmsg/fdio/intake"
)

// printer is a sink that prints the text and the number of descriptors of each message.
type printer struct{}

func (printer) Take(b *intake.Batch) error {
	defer b.Release() // closes the descriptors that are still in the messages
	for _, m := range b.Messages {
		fmt.Printf("%s, %d descriptors\n", m.Data(), len(m.Rights(nil)))
	}
	return nil
}

func (printer) Flush() error { return nil }

// A server prints two messages and ends.
func Example() {
	ctx := context.Background()
	address := fdio.Address{Network: fdio.UnixSeqpacket, Name: fmt.Sprintf("\x00intake-example-%d", os.Getpid())}
	listener, err := fdio.Listen(ctx, address, fdio.ListenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	in := intake.New(ctx, intake.Options{
		Count:       2,
		Sizes:       []int{64 << 10},
		ControlSize: 16 << 10,
		NewSink:     func(*intake.Conn) intake.Sink { return printer{} },
	})
	go func() {
		client, err := fdio.Dial(ctx, address, fdio.DialOptions{})
		if err != nil {
			in.Stop(err)
			return
		}
		defer client.Close()
		for _, text := range []string{"hello", "again"} {
			client.Send(ctx, fdio.Outgoing{Buffers: [][]byte{[]byte(text)}})
		}
	}()
	served, err := in.Serve([]*fdio.Socket{listener}) // closes the sockets
	fmt.Println(served.Messages, "messages of", served.Connections, "connection,", err)
	// Output:
	// hello, 0 descriptors
	// again, 0 descriptors
	// 2 messages of 1 connection, <nil>
}
