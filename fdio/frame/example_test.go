package frame_test

import (
	"context"
	"fmt"
	"io"
	"os"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// A dialog of lines over a Unix stream socket: the second line of the client comes
// with an open file.
func ExampleReader() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	address, _ := fdio.ParseAddress(dir + "/socket")
	ctx := context.Background()
	listener, err := fdio.Listen(ctx, address, fdio.ListenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	go func() {
		client, err := fdio.Dial(ctx, address, fdio.DialOptions{})
		if err != nil {
			return
		}
		defer client.Close()
		for _, line := range []struct {
			text string
			fds  []int
		}{{"hello", nil}, {"here is a file", []int{0}}} {
			buffers, _ := frame.Line.Complete([][]byte{[]byte(line.text)})
			client.Send(ctx, fdio.Outgoing{Buffers: buffers, Control: cmsg.AppendRights(nil, line.fds)})
		}
	}()
	server, err := listener.Accept(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	m := fdio.Incoming{Buffers: [][]byte{make([]byte, 4096)}, Space: make([]byte, 4096)}
	lines := frame.NewReader(frame.Line, 1<<20, func() (frame.Received, error) {
		err := server.Recv(ctx, &m, 0)
		return frame.Received{Data: m.Data(), Control: m.Control, Flags: m.Flags}, err
	})
	for {
		line, err := lines.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		var fds []int
		for c := range cmsg.Messages(line.Control) {
			fds = c.Descriptors(fds)
		}
		fmt.Printf("%s, %d descriptors\n", line.Data, len(fds))
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
	// Output:
	// hello, 0 descriptors
	// here is a file, 1 descriptors
}
