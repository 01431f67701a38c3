package fdio

import (
	"bytes"
	"encoding/binary"
	"net"
	"strconv"

	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// AddressOf returns the address that sockaddr, the bytes of a struct sockaddr,
// stands for on a socket of type typ, SOCK_STREAM for example. It is the zero
// Address for the name of a socket that is not bound, and where an Address cannot
// express the name.
func AddressOf(sockaddr []byte, typ int) Address {
	n := sockname.FromBytes(sockaddr)
	return addressOf(&n, typ)
}

func addressOf(n *sockname.Name, typ int) Address {
	switch n.Family() {
	case unix.AF_UNIX:
		return unixAddressOf(n, typ)
	case unix.AF_INET, unix.AF_INET6:
		ap, zone := n.AddrPort()
		isRaw := typ == unix.SOCK_RAW // where the port is the protocol
		if (ap.Port() == 0 || isRaw) && ap.Addr().IsUnspecified() {
			return Address{} // before the socket is bound
		}
		if typ != unix.SOCK_STREAM && typ != unix.SOCK_DGRAM {
			break
		}
		network := TCP
		if typ == unix.SOCK_DGRAM {
			network = UDP
		}
		ip := ap.Addr()
		if zone != 0 {
			ip = ip.WithZone(zoneName(zone))
		}
		return Address{Network: network, Host: ip.String(), Port: strconv.Itoa(int(ap.Port()))}
	}
	const anyPort = 1<<32 - 1 // VMADDR_PORT_ANY, vsock(7)
	if n.Family() == unix.AF_VSOCK && binary.NativeEndian.Uint32(n.Raw[4:]) == anyPort {
		return Address{}
	}
	if n.Blank() {
		return Address{}
	}
	return Address{Network: Raw, Name: string(n.Bytes())}
}

func unixAddressOf(n *sockname.Name, typ int) Address {
	path := n.Bytes()[sockname.FamilySize:min(n.Len, sockname.FamilySize+sockname.SunPath)]
	if len(path) == 0 {
		return Address{}
	}
	if path[0] != 0 {
		path, _, _ = bytes.Cut(path, []byte{0})
	}
	network := Unix
	switch typ {
	case unix.SOCK_DGRAM:
		network = UnixDatagram
	case unix.SOCK_SEQPACKET:
		network = UnixSeqpacket
	}
	return Address{Network: network, Name: string(path)}
}

// zoneName returns the name of the interface with that index, which an IPv6
// address of link scope has as its zone: RFC 4007.
func zoneName(index uint32) string {
	if ifi, err := net.InterfaceByIndex(int(index)); err == nil {
		return ifi.Name
	}
	return strconv.FormatUint(uint64(index), 10)
}

// readNames sets the local and the peer address to what getsockname(2) and
// getpeername(2) return.
func (s *Socket) readNames() {
	s.local, s.peer, s.connected = Address{}, Address{}, false
	if name, err := sockname.Local(s.fd); err == nil {
		s.local = addressOf(&name, s.typ)
	}
	if name, connected := sockname.Peer(s.fd); connected {
		s.peer, s.connected = addressOf(&name, s.typ), true
	}
}
