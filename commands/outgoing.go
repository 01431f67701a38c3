package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// outgoing is a message that is ready to be sent. release closes the descriptors that were
// opened for it.
type outgoing struct {
	fdio.Outgoing
	release func()
}

// prepare reads the buffers, opens the descriptors and builds the control messages.
func (f *OutgoingFlags) prepare(ctx context.Context, order []string, kind frame.Kind) (m outgoing, err error) {
	if m.Buffers, err = f.buffers(ctx, order); err != nil {
		return m, err
	}
	if m.Buffers, err = kind.Complete(m.Buffers); err != nil {
		return m, err
	}
	fds, release, err := openAll(ctx, f.specs)
	if err != nil {
		return m, f.perhapsText(err)
	}
	m.release, m.To, m.Flags = release, f.to, f.sendFlags
	m.Control = cmsg.AppendRights(nil, fds)
	for _, c := range f.control {
		m.Control = cmsg.Append(m.Control, c)
	}
	return m, nil
}

// perhapsText adds a hint to the error of opening a descriptor if that may be a text
// without -m.
func (f *OutgoingFlags) perhapsText(err error) error {
	e, ok := errors.AsType[*fdio.Error](err)
	if ok && e.Op == "open" && errors.Is(err, unix.ENOENT) && len(f.Message)+len(f.MessageFile) == 0 {
		return &exitError{exitFailed, err, "arguments after ADDRESS are files to pass; -m TEXT sends a text"}
	}
	return err
}

// send sends m on s, and returns the number of bytes sent. With frame.EOF it then shuts down
// the sending side.
func (f *OutgoingFlags) send(ctx context.Context, s *fdio.Socket, m outgoing, kind frame.Kind) (size int, err error) {
	size, err = s.Send(ctx, m.Outgoing)
	if err == nil && kind == frame.EOF {
		err = s.ShutdownWrite()
	}
	if errors.Is(err, fdio.ErrControlAlone) {
		err = usage(err, "")
	}
	if err != nil {
		return size, partly(reword(err), size)
	}
	return size, nil
}

// dial connects to the address, or opens the inherited socket that it names. With --to, it
// binds to the address instead.
func (f *OutgoingFlags) dial(ctx context.Context, options []fdio.Option, mode Mode) (*fdio.Socket, error) {
	if f.to != nil && !f.inherited() {
		return fdio.Listen(ctx, f.address, fdio.ListenOptions{Mode: mode.file(), Options: options})
	}
	s, err := fdio.Dial(ctx, f.address, fdio.DialOptions{From: f.from, Wait: time.Duration(f.Wait), Mode: mode.file(), Options: options})
	if err == nil && s.Listening() {
		s.Close()
		return nil, usagef("fdmsg send --listen waits for a peer to send to", "%s: the socket is a listening socket", f.Address)
	}
	return s, err
}

// partly adds to err how many bytes of the message were sent before, if any.
func partly(err error, size int) error {
	if size == 0 {
		return err
	}
	return fmt.Errorf("%w (%d bytes of the message were sent)", err, size)
}

// buffers returns the buffers of the message, in the order of -m and -M.
func (f *OutgoingFlags) buffers(ctx context.Context, order []string) ([][]byte, error) {
	var buffers [][]byte
	texts, files := f.Message, f.MessageFile
	for _, name := range order {
		switch name {
		case "message":
			buffers = append(buffers, []byte(texts[0]))
			texts = texts[1:]
		case "message-file":
			data, err := readMessageFile(ctx, files[0])
			if err != nil {
				return nil, err
			}
			buffers = append(buffers, data)
			files = files[1:]
		}
	}
	return buffers, nil
}

// maxMessageFile is the largest file that -M reads, since a buffer must fit into memory.
const maxMessageFile = 1 << 30

// readMessageFile reads a file, or standard input, to its end. If ctx ends first, it abandons
// the goroutine that reads, since opening and reading a FIFO can block forever.
func readMessageFile(ctx context.Context, path string) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		data, err := readAll(path)
		read <- result{data, err}
	}()
	var r result
	select {
	case r = <-read:
	case <-ctx.Done():
		r.err = context.Cause(ctx)
	}
	if r.err != nil {
		return nil, &fdio.Error{Name: path, Op: "read message", Err: r.err}
	}
	return r.data, nil
}

func readAll(path string) ([]byte, error) {
	file := os.Stdin
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return nil, cause(err)
		}
		defer file.Close()
	}
	data, err := io.ReadAll(io.LimitReader(file, maxMessageFile+1))
	if err == nil && len(data) > maxMessageFile {
		err = errors.New("file too large for a message: more than 1G")
	}
	return data, cause(err)
}

// cause returns why a call on a file failed, without the operation and the path.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
