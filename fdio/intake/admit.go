package intake

import (
	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Sender is the sender of a message.
type Sender struct {
	Address     fdio.Address     // zero if it is that of the connection, or unknown
	Credentials cmsg.Credentials // zero unless Known
	Known       bool
	// IsDestination is true for a message from the error queue: Address is the
	// address that the original message was sent to.
	IsDestination bool
}

// Peer returns the credentials, or nil if they are not known.
func (s *Sender) Peer() *cmsg.Credentials {
	if !s.Known {
		return nil
	}
	return &s.Credentials
}

// senderOf returns the sender of a message: the same one as long as it does not change.
func (c *Conn) senderOf(m *Message) *Sender {
	isError := m.Flags&unix.MSG_ERRQUEUE != 0
	if c.sender != nil && !c.sender.IsDestination && !isError && !c.socket.IsDatagram() {
		return c.sender // the peer
	}
	s := Sender{Address: m.From, IsDestination: isError}
	switch {
	case c.peer != nil:
		s.Credentials, s.Known = *c.peer, true
	case c.socket.IsDatagram() && m.Incoming.Sender.Known():
		s.Credentials, s.Known = m.Incoming.Sender, true
	}
	if c.sender == nil || *c.sender != s {
		c.sender = &s
	}
	return c.sender
}

// admit sets the sender of a message, and reports whether the message is taken. If not,
// it closes the descriptors of the message. An error ends the connection.
func (c *Conn) admit(m *Message) (taken bool, err error) {
	m.Sender = c.senderOf(m)
	if c.asksEach && !c.in.allows(m.Sender.Peer()) {
		m.Close()
		c.in.observer().Refused(c, *m.Sender, NotAllowed)
		return false, nil
	}
	switch c.in.opts.Rights {
	case Drop:
		m.drop()
	case Cut, Fail:
		// If none could be installed, only the flag tells that some were sent.
		if len(m.Rights(nil)) == 0 && m.Flags&unix.MSG_CTRUNC == 0 {
			break
		}
		m.Close()
		if !c.socket.IsDatagram() || c.in.opts.Rights == Fail {
			return false, ErrDescriptors
		}
		c.in.observer().Refused(c, *m.Sender, HasDescriptors)
		return false, nil
	}
	return true, nil
}
