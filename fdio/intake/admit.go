package intake

import (
	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Sender is where a message came from. Senders can be compared.
type Sender struct {
	Address     fdio.Address     // zero where the connection says it, or nobody knows
	Credentials cmsg.Credentials // zero where they are not Known
	Known       bool
	// IsDestination is true where the message is of the error queue: Address is where
	// a message had gone to.
	IsDestination bool
}

// Peer are the credentials, nil where nobody knows them.
func (s *Sender) Peer() *cmsg.Credentials {
	if !s.Known {
		return nil
	}
	return &s.Credentials
}

// senderOf is who sent a message.
func (c *Conn) senderOf(m *Message) Sender {
	s := Sender{Address: m.From, IsDestination: m.Flags&unix.MSG_ERRQUEUE != 0}
	switch {
	case c.peer != nil:
		s.Credentials, s.Known = *c.peer, true
	case c.socket.IsDatagram() && m.Incoming.Sender.Known():
		s.Credentials, s.Known = m.Incoming.Sender, true
	}
	return s
}

// admit says who sent a message, and reports whether it is taken. Of one that is not
// it closes the descriptors. The error is the end of the connection.
func (c *Conn) admit(m *Message) (taken bool, err error) {
	m.Sender = c.senderOf(m)
	if c.asksEach && !c.in.allows(m.Sender.Peer()) {
		m.Close()
		c.in.observer().Refused(c, m.Sender, NotAllowed)
		return false, nil
	}
	switch c.in.opts.Rights {
	case Drop:
		m.drop()
	case Cut:
		// Where none could be installed, only the flag says that some came.
		if len(m.Rights(nil)) == 0 && m.Flags&unix.MSG_CTRUNC == 0 {
			break
		}
		m.Close()
		if !c.socket.IsDatagram() || c.in.opts.Drain < 0 {
			return false, ErrDescriptors
		}
		c.in.observer().Refused(c, m.Sender, HasDescriptors)
		return false, nil
	}
	return true, nil
}
