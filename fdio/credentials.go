package fdio

import (
	"os"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// credentialsSpace is how many bytes of control data SCM_CREDENTIALS takes up:
// cmsg.Space(unix.SizeofUcred).
const credentialsSpace = cmsg.HeaderSize + (unix.SizeofUcred+unix.SizeofPtr-1)/unix.SizeofPtr*unix.SizeofPtr

// PeerCredentials returns the identity that the peer had when it connected or
// listened: SO_PEERCRED, unix(7). ok is false for all but connected Unix sockets.
func (s *Socket) PeerCredentials() (c cmsg.Credentials, ok bool) {
	return s.creds, s.connected && s.domain == unix.AF_UNIX && s.creds.Known()
}

// ControlSpace returns how long Incoming.Space has to be for n bytes of control
// messages to be delivered: longer than n by the credentials that fdio itself has
// asked for and takes out again.
func (s *Socket) ControlSpace(n int) int {
	if s.takesCredentials() {
		return n + credentialsSpace
	}
	return n
}

func (s *Socket) readPeerCredentials() {
	if s.domain != unix.AF_UNIX {
		return
	}
	if c, err := sockname.PeerCredentials(s.fd); err == nil {
		s.creds = c
	}
}

// takesCredentials reports whether the messages of the socket carry credentials
// that only this package has asked for: on seqpacket sockets, to tell an empty
// message from the end of file, and on bound datagram sockets, to know the sender.
func (s *Socket) takesCredentials() bool {
	if s.foreign || s.credsGiven || s.domain != unix.AF_UNIX {
		return false
	}
	return s.typ == unix.SOCK_SEQPACKET || s.IsDatagram() && s.passesCreds
}

// askForEnd asks for credentials with every message of a seqpacket socket of our
// own (see takesCredentials). Before connecting or sending, SO_PASSCRED would make
// the kernel pick a name for the socket: unix(7).
func (s *Socket) askForEnd() error {
	if s.domain != unix.AF_UNIX || s.typ != unix.SOCK_SEQPACKET || s.foreign || s.passesCreds || s.credsGiven {
		return nil
	}
	return s.passCredentials()
}

func (s *Socket) passCredentials() error {
	s.passesCreds = true
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
}

// nobody is who sent a message without credentials. It is what the kernel has for
// a peer that there is not, since all zero is root in a PID namespace that is not
// visible from here.
var nobody = cmsg.Credentials{UID: 1<<32 - 1, GID: 1<<32 - 1}

// takeSender sets the sender of m to the credentials in its control messages, and
// takes those out that nobody but this package has asked for. Only timestamps come
// before them, so that what is before moves up and not SCM_RIGHTS down.
func (s *Socket) takeSender(m *Incoming) {
	for rest := m.Control; ; {
		start := len(m.Control) - len(rest)
		c, next, ok, err := cmsg.Next(rest)
		if !ok || err != nil {
			return
		}
		rest = next
		creds, ok := c.Credentials()
		if !ok {
			continue
		}
		m.Sender = creds
		if s.takesCredentials() {
			end := len(m.Control) - len(rest)
			copy(m.Control[end-start:], m.Control[:start])
			m.Control = m.Control[end-start:]
		}
		return
	}
}
