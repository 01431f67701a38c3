package commands

import (
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// scratch is what one message takes up while it becomes a line.
type scratch struct {
	msg         fdio.Incoming
	received    time.Time
	number      int64  // in the order of receiving, over all connections
	origin      []byte // where it came from, as it reads
	fds         []int
	descriptors []descriptor.Descriptor
	pidfds      []descriptor.Descriptor // of SCM_PIDFD
	dropped     int                     // descriptors that nobody wanted
	frame       []byte                  // the memory of a message that was a frame
	ownBuffers  [][]byte                // msg's, while it has that instead
	unfinished  bool                    // the message is not all of a frame
	arena       []byte                  // contents
	line        []byte
	apart       record.Apart // what is too large for line

	isSmall bool   // msg has no memory of its own
	memory  []byte // but this, where it is a copy
	extra   int    // descriptors that are counted as held
}

func newScratch(flags *IncomingFlags) *scratch {
	sizes := flags.Buffer
	if len(sizes) == 0 {
		sizes = []Size{flags.Size}
	}
	buffers := make([][]byte, len(sizes))
	for i, size := range sizes {
		buffers[i] = make([]byte, size)
	}
	return &scratch{msg: fdio.Incoming{
		Buffers: buffers,
		Space:   make([]byte, int(flags.ControlSize)+cmsg.Space(unix.SizeofUcred)),
	}}
}

// smallMessage is how many bytes of data, and of control, a message has at most
// that is copied to make room for the next one.
const smallMessage = 4 << 10

// copyOf makes sc, which is small, the message of other, which has none then.
func (sc *scratch) copyOf(other *scratch) {
	data, m := other.msg.Data(), &other.msg
	sc.memory = append(append(sc.memory[:0], data...), m.Control...)
	sc.msg.Buffers = append(sc.msg.Buffers[:0], sc.memory[:len(data):len(data)])
	sc.msg.Control = sc.memory[len(data):]
	sc.msg.N, sc.msg.Size, sc.msg.Flags = m.N, m.Size, m.Flags
	sc.msg.From, sc.msg.Sender = m.From, m.Sender
	sc.received, sc.number, sc.origin = other.received, other.number, other.origin
	sc.dropped, sc.unfinished = other.dropped, other.unfinished
	sc.extra, other.extra = other.extra, 0
	m.Control = nil
}

// closeDescriptors closes the descriptors that came with the message.
func (r *receiver) closeDescriptors(sc *scratch) {
	r.inspect.CloseAll(sc.descriptors, sc.pidfds)
	sc.forgetDescriptors()
	r.sharing.letGo(sc)
}

// forgetDescriptors comes after the descriptors that were described were closed.
// It closes those that were not.
func (sc *scratch) forgetDescriptors() {
	for _, described := range []*[]descriptor.Descriptor{&sc.descriptors, &sc.pidfds} {
		if len(*described) > 0 {
			sc.msg.Control = nil // all of them
		}
		clear(*described) // contents may be in arenas of before
		*described = (*described)[:0]
	}
	sc.msg.Close()
}

// release closes the descriptors that came with the message and gives the
// buffers back, the unusually large ones to the garbage collector.
func (r *receiver) release(sc *scratch) {
	r.closeDescriptors(sc)
	sc.dropped, sc.unfinished, sc.origin = 0, false, nil
	if sc.ownBuffers != nil {
		sc.msg.Buffers, sc.ownBuffers = sc.ownBuffers, nil
	}
	sc.fds, sc.arena, sc.line, sc.apart = sc.fds[:0], sc.arena[:0], sc.line[:0], nil
	for _, memory := range []*[]byte{&sc.frame, &sc.arena, &sc.line} {
		if cap(*memory) > largeLine {
			*memory = nil
		}
	}
	if sc.isSmall {
		r.small.Put(sc)
	} else {
		r.scratch.Put(sc)
	}
}
