package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// OutgoingFlags say what the message to be sent consists of, and where it goes.
type OutgoingFlags struct {
	Message     []string `short:"m" placeholder:"TEXT" sep:"none" help:"Send TEXT as one buffer of the message. May be repeated."`
	MessageFile []string `short:"M" placeholder:"PATH" sep:"none" help:"Send the contents of a file as one buffer; - is standard input. May be repeated."`
	Control     []string `short:"c" placeholder:"LEVEL:TYPE:DATA" sep:"none" help:"Send one more control message. May be repeated."`
	From        string   `placeholder:"ADDRESS" group:"Socket:" help:"Bind to this address first, so that the receiver can answer."`
	To          string   `placeholder:"ADDRESS" group:"Socket:" help:"Send the datagram to this address. The argument ADDRESS is then the sending socket: fd:N, or the address to bind to."`
	Wait        Duration `placeholder:"DURATION" group:"Socket:" help:"Keep trying for this long while nobody listens at ADDRESS, or at the address of a connect: descriptor."`

	Address     string   `arg:"" name:"ADDRESS"`
	Descriptors []string `arg:"" optional:"" name:"DESCRIPTOR"`

	address   fdio.Address
	from, to  *fdio.Address
	specs     []descriptor.Spec
	control   []cmsg.Message
	sendFlags int // of sendmsg(2)
}

// inherited reports whether the message is sent on an inherited socket.
func (f *OutgoingFlags) inherited() bool { return f.address.Network == fdio.Inherited }

// parseMessage parses the addresses, descriptors and control messages.
func (f *OutgoingFlags) parseMessage() (err error) {
	var stdin claims
	if f.address, err = parseAddress(f.Address); err != nil {
		return err
	}
	stdin.address(f.address, "ADDRESS")
	if f.from, err = parseOptionalAddress(f.From); err != nil {
		return err
	}
	if f.to, err = parseOptionalAddress(f.To); err != nil {
		return err
	}
	if f.specs, err = parseSpecs(f.Descriptors, f.Wait, &stdin); err != nil {
		return err
	}
	for _, path := range f.MessageFile {
		stdin.messageFile(path)
	}
	if err := f.parseControl(&stdin); err != nil {
		return err
	}
	return stdin.check()
}

// parseControl parses the control messages. The descriptors that they name must be
// inherited ones.
func (f *OutgoingFlags) parseControl(stdin *claims) error {
	own := cmsg.Credentials{PID: int32(os.Getpid()), UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
	for _, text := range f.Control {
		m, err := cmsg.Parse(text, own)
		if err != nil {
			return usage(fmt.Errorf("--control %s: %w", text, err), "")
		}
		for _, fd := range m.Rights(nil) {
			if err := fdio.CheckInherited(fd); err != nil {
				return usage(fmt.Errorf("--control %s: fd:%d: %w", text, fd, err), "")
			}
			if fd == unix.Stdin && slices.Contains(f.MessageFile, "-") && !slices.Contains(*stdin, "--control") {
				stdin.add("--control") // -M - would move its offset
			}
		}
		f.control = append(f.control, m)
	}
	return nil
}

// rules lists what cannot be sent. frame is what completes the message.
func (f *OutgoingFlags) rules(frame fdio.Frame, s facts) []rule {
	fds := len(f.specs)
	for _, m := range f.control {
		fds += len(m.Rights(nil))
	}
	mark, _ := frame.Complete(nil)
	noBytes := len(f.MessageFile) == 0 && strings.Join(f.Message, "") == "" && len(mark) == 0
	binds := f.to != nil && !f.inherited()
	otherType := func(address, op, what string) error {
		return &fdio.Error{Address: address, Op: op, Err: fmt.Errorf("%w: %s is %s", fdio.ErrOtherType, what, f.address.Network)}
	}
	return []rule{
		{len(f.Message)+len(f.MessageFile)+len(f.Control)+len(f.specs) == 0, errors.New("nothing to send: no -m, no -M, no -c and no DESCRIPTOR"), "-M - sends standard input"},
		{fds > cmsg.MaxDescriptors, fmt.Errorf("%w: %d, at most %d", fdio.ErrTooManyDescriptors, fds, cmsg.MaxDescriptors), "send them in several messages"},
		{fds > 0 && s.known && !s.unix, &fdio.Error{Address: s.address, Op: "send", Err: fdio.ErrNoDescriptorsHere}, ""},
		{s.stream && noBytes && fds == 0 && len(f.control) > 0, &fdio.Error{Address: s.address, Op: "send", Err: fdio.ErrControlAlone}, ""},
		{binds && !s.datagram, errors.New("--to needs an ADDRESS of a datagram socket, or an open socket fd:N"), "without --to, ADDRESS is the destination"},
		{binds && (f.from != nil || f.Wait != 0), errors.New("--from and --wait do not go with --to"), "with --to, ADDRESS is what the socket is bound to"},
		{binds && !f.to.Network.SameType(f.address.Network), otherType(f.To, "send to", "ADDRESS"), ""},
		{f.inherited() && (f.from != nil || f.Wait != 0), errors.New("--from and --wait do not go with fd:N, which is an open socket"), ""},
		{f.from != nil && !f.from.Network.SameType(f.address.Network), otherType(f.From, "send from", "the destination"), ""},
	}
}

// outgoing is a message that is ready to be sent. release closes the descriptors
// that were opened for it.
type outgoing struct {
	fdio.Outgoing
	release func()
}

// prepare reads the buffers, opens the descriptors and builds the control
// messages.
func (f *OutgoingFlags) prepare(ctx context.Context, order []string, frame fdio.Frame) (m outgoing, err error) {
	if m.Buffers, err = f.buffers(ctx, order); err != nil {
		return m, err
	}
	if m.Buffers, err = frame.Complete(m.Buffers); err != nil {
		return m, err
	}
	fds, release, err := openAll(ctx, f.specs)
	if err != nil {
		return m, err
	}
	m.release, m.To, m.Flags = release, f.to, f.sendFlags
	m.Control = cmsg.AppendRights(nil, fds)
	for _, c := range f.control {
		m.Control = cmsg.Append(m.Control, c)
	}
	return m, nil
}

// send sends m on s, and returns how many bytes were sent. With FrameEOF it shuts
// down the sending side.
func (f *OutgoingFlags) send(ctx context.Context, s *fdio.Socket, m outgoing, frame fdio.Frame) (size int, err error) {
	size, err = s.Send(ctx, m.Outgoing)
	if err == nil && frame == fdio.FrameEOF {
		err = s.ShutdownWrite()
	}
	if errors.Is(err, fdio.ErrControlAlone) {
		err = usage(err, "")
	}
	if err != nil {
		return size, partly(nameEAGAIN(err), size)
	}
	return size, nil
}

// dial connects to the address, or opens the inherited socket that it names. With
// --to, it binds to the address instead.
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

// partly adds to err how much of the message was sent before, if anything.
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

// maxMessageFile is the largest file that -M reads, as a buffer must fit into memory.
const maxMessageFile = 1 << 30

// readMessageFile reads a file, or standard input, to its end. If ctx ends first,
// it abandons the goroutine that reads: opening and reading a FIFO can block
// forever.
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
		return nil, &fdio.Error{Address: path, Op: "read message", Err: r.err}
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
