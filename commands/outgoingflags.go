package commands

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// OutgoingFlags say what is sent, and to which address.
type OutgoingFlags struct {
	Message     []string `short:"m" placeholder:"TEXT" sep:"none" help:"Send TEXT as one buffer of the message. On a stream, an empty message sends nothing, or one NUL byte if it has descriptors. May be repeated."`
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

// parseControl parses the control messages. The descriptors in them must be inherited.
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
				stdin.add("--control") // it is read by -M -
			}
		}
		f.control = append(f.control, m)
	}
	return nil
}

// rules lists what cannot be sent. kind completes the message.
func (f *OutgoingFlags) rules(kind frame.Kind, s facts) []rule {
	fds := len(f.specs)
	for _, m := range f.control {
		fds += len(m.Rights(nil))
	}
	mark, _ := kind.Complete(nil)
	noBytes := len(f.MessageFile) == 0 && strings.Join(f.Message, "") == "" && len(mark) == 0
	binds := f.to != nil && !f.inherited()
	otherType := func(address, op, what string) error {
		return &fdio.Error{Name: address, Op: op, Err: fmt.Errorf("%w: %s is %s", fdio.ErrOtherType, what, f.address.Network)}
	}
	return []rule{
		{len(f.Message)+len(f.MessageFile)+len(f.Control)+len(f.specs) == 0, errors.New("nothing to send: no -m, no -M, no -c and no DESCRIPTOR"), "-m TEXT sends a text, -M - standard input"},
		{fds > cmsg.MaxDescriptors, fmt.Errorf("%w: %d, at most %d", fdio.ErrTooManyDescriptors, fds, cmsg.MaxDescriptors), "send them in several messages"},
		{fds > 0 && s.known && !s.unix, &fdio.Error{Name: s.address, Op: "send", Err: fdio.ErrNoDescriptorsHere}, ""},
		{s.stream && noBytes && fds == 0 && len(f.control) > 0, &fdio.Error{Name: s.address, Op: "send", Err: fdio.ErrControlAlone}, ""},
		{binds && !s.datagram, errors.New("--to needs an ADDRESS of a datagram socket, or an open socket fd:N"), "without --to, ADDRESS is the destination"},
		{binds && (f.from != nil || f.Wait != 0), errors.New("--from and --wait do not go with --to"), "with --to, ADDRESS is what the socket is bound to"},
		{binds && !f.to.Network.SameType(f.address.Network), otherType(f.To, "send to", "ADDRESS"), ""},
		{f.inherited() && (f.from != nil || f.Wait != 0), errors.New("--from and --wait do not go with fd:N, which is an open socket"), ""},
		{f.from != nil && !f.from.Network.SameType(f.address.Network), otherType(f.From, "send from", "the destination"), ""},
	}
}
