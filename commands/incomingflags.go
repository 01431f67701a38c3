package commands

import (
	"errors"
	"fmt"
	"strings"

	"fdmsg/fdio"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// IncomingFlags say what is received and how much of it.
type IncomingFlags struct {
	Count       Count  `short:"n" placeholder:"N" help:"Stop after N messages; 0 means no limit."`
	Size        Size   `placeholder:"SIZE" default:"256K" help:"Room for the data of one message."`
	Buffer      []Size `placeholder:"SIZE" sep:"none" help:"Receive into a buffer of this size instead of --size. May be repeated: the buffers are filled in order."`
	ControlSize Size   `placeholder:"SIZE" default:"16K" help:"Room for the control messages of one message."`
	MaxFrame    Size   `placeholder:"SIZE" default:"16M" help:"Close the connection when a frame (--frame) is longer than this."`

	FDs          Action `name:"fds" placeholder:"ACTION" default:"pass" group:"Descriptors and contents:" help:"What to do with descriptors that arrive: pass takes them, drop takes the message without them, cut closes the connection, refuse makes sending them fail."`
	ContentFlags `group:"Descriptors and contents:"`

	recvFlags int        // of recvmsg(2)
	frame     frame.Kind // how a stream is split
}

// rules lists what the flags of receiving refuse. given reports whether a flag is on the
// command line.
func (f *IncomingFlags) rules(given func(string) bool, s facts) []rule {
	framed := f.frame != frame.Chunk
	otherFlags := f.recvFlags & (unix.MSG_PEEK | unix.MSG_WAITALL | unix.MSG_OOB | unix.MSG_ERRQUEUE | unix.MSG_TRUNC)
	return []rule{
		{len(f.Buffer) > fdio.MaxBuffers, fmt.Errorf("--buffer: %w: %d, at most %d", fdio.ErrTooManyBuffers, len(f.Buffer), fdio.MaxBuffers), ""},
		{len(f.Buffer) > 0 && given("size"), errors.New("--size does not go with --buffer"), "there is room for what the buffers hold together"},
		{f.size() > maxSize, errors.New("--buffer: more than 2G together"), ""},
		{!framed && given("max-frame"), errors.New("--max-frame needs --frame"), ""},
		{framed && len(f.Buffer) > 0, errors.New("--frame does not go with --buffer"), "a frame may take several calls"},
		{framed && otherFlags != 0, errors.New("--frame does not go with --flag " + strings.Join(fdio.FlagNames(otherFlags, fdio.MessageFlags), ", ")), ""},
		{framed && f.size() == 0, errors.New("--size 0 leaves no room for a frame"), ""},
		{s.stream && f.size() == 0 && f.Count.N == 0, errors.New("--size 0 receives nothing from a stream, and would never end without -n"), "-n 1 receives one message"},
	}
}

// oneSocketRules lists what commands that receive from one socket refuse in addition.
func (f *IncomingFlags) oneSocketRules(isCommand bool) []rule {
	several := f.Count.Given && f.Count.N != 1
	return []rule{
		{isCommand && several, fmt.Errorf("-n %d does not go with COMMAND, which is given one message", f.Count.N), ""},
		{f.peeks() && several, fmt.Errorf("-n %d does not go with MSG_PEEK, which leaves the first message in the queue", f.Count.N), ""},
	}
}

// peeks reports whether received messages stay in the queue.
func (f *IncomingFlags) peeks() bool { return f.recvFlags&unix.MSG_PEEK != 0 }

// limitToOne sets the count to 1 if more messages make no sense: COMMAND gets only one, and
// MSG_PEEK would return the same one again.
func (f *IncomingFlags) limitToOne(isCommand bool) {
	if isCommand || f.peeks() {
		f.Count = Count{N: 1, Given: true}
	}
}

// size returns the room for the data of a message.
func (f *IncomingFlags) size() (n Size) {
	if len(f.Buffer) == 0 {
		return f.Size
	}
	for _, size := range f.Buffer {
		n += size
	}
	return n
}

// refuseRights turns off SO_PASSRIGHTS if --fds is refuse, so that the kernel refuses
// descriptors: unix(7).
func (f *IncomingFlags) refuseRights(sockets *SocketFlags) error {
	if f.FDs != refuseFDs {
		return nil
	}
	option, err := fdio.ParseOption("SO_PASSRIGHTS=off")
	if err != nil {
		return err
	}
	sockets.options = append(sockets.options, option)
	return nil
}
