package commands

import (
	"slices"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// IncomingFlags are what is received, and what of it is shown.
type IncomingFlags struct {
	Count       Count
	Size        Size
	Buffer      []Size
	ControlSize Size
	FDs         string
	MaxFrame    Size
	ContentFlags

	recvFlags int        // of recvmsg(2)
	frame     frame.Kind // how a stream is split
}

func (f *IncomingFlags) declare(g *grammar) {
	f.Size, f.ControlSize, f.FDs, f.MaxFrame = 256<<10, 16<<10, passFDs, 16<<20
	g.flag(one(&f.Count, parseCount), "count", "N", "Receive N messages; 0: no limit").Short = 'n'
	g.flag(one(&f.Size, parseSize), "size", "SIZE", "Bytes of data for one message (256K)")
	g.flag(many(&f.Buffer, parseSize), "buffer", "SIZE", "Instead of --size: a buffer of so many bytes; again: another one, filled after it")
	g.flag(one(&f.ControlSize, parseSize), "control-size", "SIZE", "Bytes for the control messages of one message (16K)")
	g.flag(one(&f.FDs, asGiven), "fds", "pass|drop|cut|refuse", "Descriptors that come: take them; take the message without; close the connection; make sending them fail (pass)").Enum = "pass,drop,cut,refuse"
	g.flag(one(&f.MaxFrame, parseSize), "max-frame", "SIZE", "With --frame: close a peer whose message is longer (16M)")
	f.ContentFlags.declare(g)
}

// useFrame makes frames of what streams bring.
func (f *IncomingFlags) useFrame(kind frame.Kind, order []string) error {
	f.frame = kind
	const other = unix.MSG_PEEK | unix.MSG_WAITALL | unix.MSG_OOB | unix.MSG_ERRQUEUE | unix.MSG_TRUNC
	switch {
	case kind == frame.Chunk && slices.Contains(order, "max-frame"):
		return usagef("", "--max-frame needs --frame")
	case kind == frame.Chunk:
		return nil
	case len(f.Buffer) > 0:
		return usagef("", "--frame does not go with --buffer: a frame is not what one call returned")
	case f.recvFlags&other != 0:
		return usagef("", "--frame does not go with --flag %s", strings.Join(fdio.FlagNames(f.recvFlags&other, fdio.MessageFlags), ", "))
	case f.size() == 0:
		return usagef("", "--size 0 leaves no room for a frame")
	}
	return nil
}

// checkFrame refuses to split what comes in messages of its own.
func checkFrame(kind frame.Kind, address string, isStream bool) error {
	if kind != frame.Chunk && !isStream {
		return usagef("", "--frame %s: %s: its messages have boundaries already", kind, address)
	}
	return nil
}

// checkSize refuses what would never end: without room for a byte, nothing is
// ever taken from a stream.
func (f *IncomingFlags) checkSize(isStream bool) error {
	if isStream && f.size() == 0 && f.Count.N == 0 {
		return usagef("-n 1", "--size 0 takes nothing from a stream, and needs -n")
	}
	return nil
}

// checkBuffers is told which flags were given, to refuse what contradicts.
func (f *IncomingFlags) checkBuffers(order []string) error {
	switch {
	case len(f.Buffer) > fdio.MaxBuffers:
		return usagef("", "--buffer: %w: %d, at most %d", fdio.ErrTooManyBuffers, len(f.Buffer), fdio.MaxBuffers)
	case len(f.Buffer) > 0 && slices.Contains(order, "size"):
		return usagef("", "--size does not go with --buffer: the message has the room that the buffers have together")
	case f.size() > maxSize:
		return usagef("", "--buffer: more than 2G together")
	}
	return nil
}

// size is how many bytes of data there is room for.
func (f *IncomingFlags) size() (n Size) {
	if len(f.Buffer) == 0 {
		return f.Size
	}
	for _, size := range f.Buffer {
		n += size
	}
	return n
}

// usePeek makes MSG_PEEK a matter of one message: a second call would peek at
// the same one.
func (f *IncomingFlags) usePeek() error {
	if f.recvFlags&unix.MSG_PEEK == 0 {
		return nil
	}
	if f.Count.Given && f.Count.N != 1 {
		return usagef("", "-n %d: MSG_PEEK would see the same message again and again", f.Count.N)
	}
	f.Count = Count{N: 1, Given: true}
	return nil
}

// validateOne checks the flags of receiving from one socket.
func (f *IncomingFlags) validateOne(a fdio.Address, order []string, command *CommandFlags) error {
	if err := command.validateCommand(); err != nil {
		return err
	}
	if command.argv != nil && f.Count.Given && f.Count.N != 1 {
		return usagef("", "-n %d: COMMAND is given one message", f.Count.N)
	}
	if command.argv != nil {
		f.Count = Count{N: 1, Given: true}
	}
	if err := f.usePeek(); err != nil {
		return err
	}
	if err := f.checkSize(a.Network.IsStream()); err != nil {
		return err
	}
	return f.checkBuffers(order)
}
