package fdio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// A client passes two open files to a server, which reads what is in them.
func Example() {
	dir, err := os.MkdirTemp("", "fdio")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	address := fdio.Address{Network: fdio.Unix, Name: filepath.Join(dir, "socket")}
	listener, err := fdio.Listen(ctx, address, fdio.ListenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()

	sent := make(chan error, 1)
	go func() { sent <- passFiles(ctx, address, dir) }()

	conn, err := listener.Accept(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	m := &fdio.Incoming{
		Buffers: [][]byte{make([]byte, 1024)},
		Space:   make([]byte, conn.ControlSpace(cmsg.Space(4*cmsg.MaxDescriptors))),
	}
	if err := conn.Recv(ctx, m, 0); err != nil {
		log.Fatal(err)
	}
	if err := m.CheckTruncated(); err != nil {
		m.Close()
		log.Fatal(err)
	}
	fmt.Printf("message: %s\n", m.Data())
	for _, fd := range m.Rights(nil) {
		file := os.NewFile(uintptr(fd), "received") // owns the descriptor
		content, err := io.ReadAll(file)
		file.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("content: %s\n", content)
	}
	if err := conn.Recv(ctx, m, 0); err == io.EOF {
		fmt.Println("the client has ended")
	}
	if err := <-sent; err != nil {
		log.Fatal(err)
	}
	// Output:
	// message: two readings
	// content: 21.5
	// content: 22.0
	// the client has ended
}

// passFiles connects to address and passes two files in dir.
func passFiles(ctx context.Context, address fdio.Address, dir string) error {
	conn, err := fdio.Dial(ctx, address, fdio.DialOptions{})
	if err != nil {
		return err
	}
	defer conn.Close()
	var fds []int
	for i, content := range []string{"21.5", "22.0"} {
		path := filepath.Join(dir, fmt.Sprint("reading", i))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close() // what was passed is a descriptor of the receiver's own
		fds = append(fds, int(file.Fd()))
	}
	_, err = conn.Send(ctx, fdio.Outgoing{
		Buffers: [][]byte{[]byte("two readings")},
		Control: cmsg.AppendRights(nil, fds),
	})
	return err
}

// A socket that package net has made passes a descriptor.
func ExampleFromConn() {
	dir, err := os.MkdirTemp("", "fdio")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "socket")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	client, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	server, err := listener.AcceptUnix()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	sender, err := fdio.FromConn(client)
	if err != nil {
		log.Fatal(err)
	}
	defer sender.Close()
	receiver, err := fdio.FromConn(server)
	if err != nil {
		log.Fatal(err)
	}
	defer receiver.Close()

	null, err := os.Open(os.DevNull)
	if err != nil {
		log.Fatal(err)
	}
	defer null.Close()
	ctx := context.Background()
	if _, err := sender.Send(ctx, fdio.Outgoing{
		Buffers: [][]byte{[]byte("hello")},
		Control: cmsg.AppendRights(nil, []int{int(null.Fd())}),
	}); err != nil {
		log.Fatal(err)
	}
	m := &fdio.Incoming{Buffers: [][]byte{make([]byte, 100)}, Space: make([]byte, 100)}
	if err := receiver.Recv(ctx, m, 0); err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Printf("%s, with %d descriptor\n", m.Data(), len(m.Rights(nil)))

	// Output:
	// hello, with 1 descriptor
}

// A receive ends at its deadline, and the next one goes on.
func ExampleSocket_SetReadDeadline() {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	receiver, err := fdio.FromFD(fds[0])
	if err != nil {
		log.Fatal(err)
	}
	defer receiver.Close()
	sender, err := fdio.FromFD(fds[1])
	if err != nil {
		log.Fatal(err)
	}
	defer sender.Close()

	ctx := context.Background()
	m := &fdio.Incoming{Buffers: [][]byte{make([]byte, 100)}}
	if err := receiver.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		log.Fatal(err)
	}
	if err := receiver.Recv(ctx, m, 0); errors.Is(err, os.ErrDeadlineExceeded) {
		fmt.Println("nothing has come")
	}

	receiver.SetReadDeadline(time.Time{})
	if _, err := sender.Send(ctx, fdio.Outgoing{Buffers: [][]byte{[]byte("late")}}); err != nil {
		log.Fatal(err)
	}
	if err := receiver.Recv(ctx, m, 0); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", m.Data())

	// Output:
	// nothing has come
	// late
}

// A program that makes its own system calls waits with the socket's RawConn.
func ExampleSocket_SyscallConn() {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer unix.Close(fds[1])
	s, err := fdio.FromFD(fds[0])
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if _, err := unix.Write(fds[1], []byte("12 bytes wait")[:12]); err != nil {
		log.Fatal(err)
	}

	conn, err := s.SyscallConn()
	if err != nil {
		log.Fatal(err)
	}
	queued := 0
	err = conn.Read(func(fd uintptr) bool {
		queued, err = unix.IoctlGetInt(int(fd), unix.SIOCINQ)
		return err != nil || queued > 0
	})
	fmt.Println(queued, err)

	// Output:
	// 12 <nil>
}
