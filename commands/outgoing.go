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

// OutgoingFlags are what makes up the message to be sent, and where it goes.
type OutgoingFlags struct {
	Message     []string
	MessageFile []string
	Control     []string
	From        string
	To          string
	Wait        Duration

	Address     string
	Descriptors []string

	address   fdio.Address
	from, to  *fdio.Address
	specs     []descriptor.Spec
	control   []cmsg.Message
	sendFlags int // of sendmsg(2)
}

func (f *OutgoingFlags) declare(g *grammar) {
	g.flag(many(&f.Message, asGiven), "message", "TEXT", "One buffer of the message; may be repeated").Short = 'm'
	g.flag(many(&f.MessageFile, asGiven), "message-file", "PATH", "One buffer, from a file; - is standard input").Short = 'M'
	g.flag(many(&f.Control, asGiven), "control", "LEVEL:TYPE:DATA", "One more control message; may be repeated").Short = 'c'
	g.flag(one(&f.From, asGiven), "from", "ADDRESS", "Bind to this address first")
	g.flag(one(&f.To, asGiven), "to", "ADDRESS", "Destination of a datagram; ADDRESS is then the socket itself: an open one, fd:N, or what to bind to")
	g.flag(one(&f.Wait, parseDuration), "wait", "DURATION", "Keep trying for so long while nobody listens at ADDRESS, or where connect: goes")
	g.argument(one(&f.Address, asGiven), "ADDRESS")
	g.argument(many(&f.Descriptors, asGiven), "DESCRIPTOR").Required = false
}

// inherited reports whether the message goes out on a socket that is there
// already.
func (f *OutgoingFlags) inherited() bool { return f.address.Network == fdio.Inherited }

// validateMessage parses what makes up the message, and refuses what cannot be
// sent.
func (f *OutgoingFlags) validateMessage() (err error) {
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
	if err := stdin.check(); err != nil {
		return err
	}
	return f.validateTogether()
}

// parseControl parses the control messages. Descriptors in them are as good as
// those of DESCRIPTOR: inherited ones.
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
				stdin.add("--control") // what is read from cannot be passed on as it was
			}
		}
		f.control = append(f.control, m)
	}
	return nil
}

func (f *OutgoingFlags) validateTogether() error {
	fds := len(f.specs)
	for _, m := range f.control {
		fds += len(m.Rights(nil))
	}
	noBytes := len(f.MessageFile) == 0 && strings.Join(f.Message, "") == ""
	switch {
	case len(f.Message) == 0 && len(f.MessageFile) == 0 && len(f.Control) == 0 && len(f.specs) == 0:
		return usagef("-M - sends standard input", "nothing to send: no -m, no -M, no -c and no DESCRIPTOR")
	case fds > cmsg.MaxDescriptors:
		return usage(fmt.Errorf("%w: %d, at most %d", fdio.ErrTooManyDescriptors, fds, cmsg.MaxDescriptors), "send them in several messages")
	case fds > 0 && !f.inherited() && !f.address.Network.IsUnix():
		return usage(&fdio.Error{Name: f.Address, Op: "send", Err: fdio.ErrNoDescriptorsHere}, "")
	case f.address.Network.IsStream() && noBytes && fds == 0 && len(f.control) > 0:
		return usage(&fdio.Error{Name: f.Address, Op: "send", Err: fdio.ErrControlAlone}, "")
	case f.to != nil && !f.inherited() && !f.address.Network.IsDatagram():
		return usagef("", "--to needs an ADDRESS of a datagram socket, or an open socket fd:N: otherwise ADDRESS is the destination")
	case f.to != nil && !f.inherited() && (f.from != nil || f.Wait != 0):
		return usagef("", "--from and --wait do not go with --to: ADDRESS is what the socket is bound to")
	case f.to != nil && !f.inherited() && !f.to.Network.SameType(f.address.Network):
		return usage(&fdio.Error{Name: f.To, Op: "send to", Err: fmt.Errorf("%w: ADDRESS is %s", fdio.ErrOtherType, f.address.Network)}, "")
	case f.inherited() && (f.from != nil || f.Wait != 0):
		return usagef("", "--from and --wait do not go with fd:N, a socket that is there already")
	case f.from != nil && !f.from.Network.SameType(f.address.Network):
		return usage(&fdio.Error{Name: f.From, Op: "send from", Err: fmt.Errorf("%w: the destination is %s", fdio.ErrOtherType, f.address.Network)}, "")
	}
	return nil
}

// outgoing is a message that is ready to be sent. release closes the
// descriptors that were opened for it.
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

// send sends m on s, and returns how many bytes went out. Where a frame is all
// that there is, the sending ends with it.
func (f *OutgoingFlags) send(ctx context.Context, s *fdio.Socket, m outgoing, frame fdio.Frame) (size int, err error) {
	if err := checkFrame(frame, s.Local().String(), s.IsStream()); err != nil {
		return 0, err
	}
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

// dial connects to the address, or takes the open socket that it names. With --to
// it binds to the address instead, and connects to nothing.
func (f *OutgoingFlags) dial(ctx context.Context, options []fdio.Option, mode Mode) (*fdio.Socket, error) {
	if f.to != nil && !f.inherited() {
		return fdio.Listen(ctx, f.address, fdio.ListenOptions{Mode: mode.file(), Options: options})
	}
	s, err := fdio.Dial(ctx, f.address, fdio.DialOptions{From: f.from, Wait: time.Duration(f.Wait), Mode: mode.file(), Options: options})
	if err == nil && s.Listening() {
		s.Close()
		return nil, usagef("fdmsg send --listen waits for a peer to send to", "%s: the socket is a listening one", f.Address)
	}
	return s, err
}

// partly says how much of the message has gone out before err, if anything.
func partly(err error, size int) error {
	if size == 0 {
		return err
	}
	return fmt.Errorf("%w (%d bytes of the message were sent)", err, size)
}

// buffers are the message's buffers, in the order of -m and -M.
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

// maxMessageFile is the most that -M reads: a buffer has to fit into memory.
const maxMessageFile = 1 << 30

// readMessageFile reads a file, or standard input, to its end. When ctx ends
// before that, the reading is left behind: opening and reading a FIFO can wait
// for good.
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
		err = errors.New("more than 1G, which is too much for a message")
	}
	return data, cause(err)
}
