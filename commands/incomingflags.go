package commands

import (
	"slices"
	"strings"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// IncomingFlags say what is received, and how much of it.
type IncomingFlags struct {
	Count       Count  `short:"n" placeholder:"N" help:"Stop after N messages; 0 means no limit."`
	Size        Size   `placeholder:"SIZE" default:"256K" help:"Room for the data of one message."`
	Buffer      []Size `placeholder:"SIZE" sep:"none" help:"Receive into a buffer of this size instead of --size. May be repeated: the buffers are filled in order."`
	ControlSize Size   `placeholder:"SIZE" default:"16K" help:"Room for the control messages of one message."`
	MaxFrame    Size   `placeholder:"SIZE" default:"16M" help:"Close the connection when a frame (--frame) is longer than this."`

	FDs          string `name:"fds" placeholder:"ACTION" enum:"pass,drop,cut,refuse" default:"pass" group:"Descriptors and contents:" help:"What to do with descriptors that arrive: pass takes them, drop takes the message without them, cut closes the connection, refuse makes sending them fail."`
	ContentFlags `group:"Descriptors and contents:"`

	recvFlags int        // of recvmsg(2)
	frame     fdio.Frame // how a stream is split
}

// useFrame makes frames of what streams bring.
func (f *IncomingFlags) useFrame(frame fdio.Frame, order []string) error {
	f.frame = frame
	const other = unix.MSG_PEEK | unix.MSG_WAITALL | unix.MSG_OOB | unix.MSG_ERRQUEUE | unix.MSG_TRUNC
	switch {
	case frame == fdio.FrameChunk && slices.Contains(order, "max-frame"):
		return usagef("", "--max-frame needs --frame")
	case frame == fdio.FrameChunk:
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
func checkFrame(frame fdio.Frame, address string, isStream bool) error {
	if frame != fdio.FrameChunk && !isStream {
		return usagef("", "--frame %s: %s: its messages have boundaries already", frame, address)
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
