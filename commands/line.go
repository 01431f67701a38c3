package commands

import (
	"fmt"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// print makes the line of a message, runs COMMAND with it if there is one, and
// releases what the message took up, on every way out.
func (c *connection) print(sc *scratch) error {
	defer c.release(sc)
	if err := c.settle(); err != nil {
		return err
	}
	seq, err := c.show(sc)
	if err == nil && c.children != nil {
		c.flush() // COMMAND may run for long
		c.runCommand(sc, seq)
	}
	return err
}

// show saves what is to be saved of a message, and makes its line, the number of
// which it returns.
func (c *connection) show(sc *scratch) (seq uint64, err error) {
	switch {
	case c.out == nil && c.flags.directory == nil:
		return 0, nil
	case c.out != nil && c.out.broken():
		c.out.gather(record.TypeMessage, nil) // counts it as lost
		return 0, errOutput
	}
	c.look(sc)
	if c.out == nil {
		return 0, nil
	}
	defer c.takeLarge(sc)()
	sc.line = c.appendLine(sc.line, sc)
	return c.gather(sc)
}

// gather gives the line to the output.
func (c *connection) gather(sc *scratch) (seq uint64, err error) {
	if seq, err = c.out.gather(record.TypeMessage, sc.line, sc.apart...); err != nil {
		return 0, errOutput
	}
	return seq, nil
}

// look describes the descriptors of a message, and reads and saves what is in them.
func (c *connection) look(sc *scratch) {
	c.describe(sc)
	sc.arena = c.flags.read(c.end, c.inspect, sc.number, sc.descriptors, sc.arena)
	if c.silent && c.flags.directory != nil {
		if err := unsaved(sc.descriptors); err != nil {
			c.noteFailure(fmt.Errorf("message %d: %w", sc.number, err))
		}
	}
}

// isLarge reports whether the line may be longer than largeLine.
func (sc *scratch) isLarge() bool {
	size := int64(sc.msg.N)
	for i := range sc.descriptors {
		size += sc.descriptors[i].Content.Size()
	}
	return int64(maxEscape)*size > largeLine
}

// takeLarge waits until the line may be made if it is a large one, and returns
// what gives its place to the next.
func (c *connection) takeLarge(sc *scratch) (done func()) {
	if !sc.isLarge() {
		return func() {}
	}
	c.large <- struct{}{}
	sc.apart = make(record.Apart, 0, len(sc.descriptors)+1)
	return func() { <-c.large }
}

// appendLine appends the line of a message whose descriptors have been looked at.
func (c *connection) appendLine(dst []byte, sc *scratch) []byte {
	m := record.Message{
		Time:        sc.received,
		Origin:      sc.origin,
		Data:        sc.msg.Data(),
		Flags:       sc.msg.Flags,
		Control:     sc.msg.Control,
		Descriptors: sc.descriptors,
		DroppedFDs:  sc.dropped,
		Unfinished:  sc.unfinished,
		Pidfds:      sc.pidfds,
	}
	if len(c.flags.Buffer) > 0 {
		m.Buffers = sc.msg.Parts(nil)
	}
	if c.flags.recvFlags&unix.MSG_TRUNC != 0 {
		m.FullSize = &sc.msg.Size
		if c.socket.IsStream() {
			m.Discarded = sc.msg.Size - sc.msg.N
		}
	}
	if sc.apart != nil {
		m.Apart = &sc.apart
	}
	return record.AppendMessage(dst, &m)
}

// flush makes the lines visible that have been made.
func (r *receiver) flush() {
	if r.out != nil {
		r.out.flush()
	}
}

// describe describes the descriptors of the message.
func (c *connection) describe(sc *scratch) {
	for m := range cmsg.Messages(sc.msg.Control) {
		before := len(sc.fds)
		sc.fds = m.Descriptors(sc.fds)
		list := &sc.descriptors
		if m.Type == unix.SCM_PIDFD {
			list = &sc.pidfds
		}
		for _, fd := range sc.fds[before:] {
			*list = c.inspect.AppendDescription(*list, fd)
		}
	}
}

// maxEscape is how many bytes of JSON one byte of text can become.
const maxEscape = len(`\u0000`)

// sender is what the messages of a connection can differ in that say where they
// come from.
type sender struct {
	address fdio.Address
	peer    cmsg.Credentials
	isKnown bool // there are credentials
	isError bool // the address is where a message had gone: MSG_ERRQUEUE
}

// lastOrigin is where the last message of a connection came from, and how that
// reads.
type lastOrigin struct {
	sender sender
	text   []byte
}

// senderOf is who sent a message.
func (c *connection) senderOf(sc *scratch) sender {
	s := sender{address: sc.msg.From, isError: sc.msg.Flags&unix.MSG_ERRQUEUE != 0}
	if c.peer != nil {
		s.peer, s.isKnown = *c.peer, true
	} else if c.socket.IsDatagram() {
		s.peer, s.isKnown = sc.msg.Sender, sc.msg.Sender.Known()
	}
	return s
}

// credentials are nil where nobody knows them.
func (s *sender) credentials() *cmsg.Credentials {
	if !s.isKnown {
		return nil
	}
	return &s.peer
}

// origin is where a connection comes from.
func (c *connection) origin() record.Origin {
	return record.Origin{Conn: c.number, Local: c.local, From: c.from, Peer: c.peer}
}

// originOf is where the messages of a sender come from.
func (c *connection) originOf(s sender) record.Origin {
	o := c.origin()
	if s.address != (fdio.Address{}) {
		o.From = s.address.String()
	}
	o.Peer = s.credentials()
	if s.isError {
		o.From, o.To = "", o.From
	}
	return o
}

// readsAs is what the lines of a sender's messages say of where they come from.
func (c *connection) readsAs(s sender) []byte {
	if c.lastOrigin == nil || s != c.lastOrigin.sender {
		// Not in place: lines of before may still be made.
		o := c.originOf(s)
		c.lastOrigin = &lastOrigin{s, record.AppendOrigin(nil, &o)}
	}
	return c.lastOrigin.text
}
