package fdio

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	sunPathSize  = 108             // sizeof sun_path of struct sockaddr_un, unix(7)
	familySize   = 2               // sizeof sa_family_t
	sockaddrSize = 128             // sizeof struct sockaddr_storage
	maxPathName  = sunPathSize - 1 // the longest path with its NUL
)

// sockName is a socket name as the kernel has it: a struct sockaddr and its
// length. x/sys/unix's Sockaddr types cannot express every Unix name (NULs in
// abstract names, no name at all), so names go to and from the kernel in this
// form. It is comparable.
type sockName struct {
	raw [sockaddrSize]byte
	len uint32
}

func (n *sockName) family() int {
	if n.len < familySize {
		return unix.AF_UNSPEC
	}
	return int(binary.NativeEndian.Uint16(n.raw[:]))
}

func unixSockName(name string) (n sockName) {
	binary.NativeEndian.PutUint16(n.raw[:], unix.AF_UNIX)
	n.len = familySize + uint32(copy(n.raw[familySize:familySize+sunPathSize], name))
	if name != "" && name[0] != 0 {
		n.len++ // the NUL that ends a path
	}
	return n
}

// inetSockName mirrors struct sockaddr_in (ip(7)) and sockaddr_in6 (ipv6(7)).
func inetSockName(family int, ip netip.Addr, port uint16, zone uint32) (n sockName) {
	binary.NativeEndian.PutUint16(n.raw[:], uint16(family))
	binary.BigEndian.PutUint16(n.raw[2:], port)
	if family == unix.AF_INET {
		as4 := ip.Unmap().As4()
		copy(n.raw[4:], as4[:])
		n.len = unix.SizeofSockaddrInet4
		return n
	}
	as16 := ip.As16()
	copy(n.raw[8:], as16[:])
	binary.NativeEndian.PutUint32(n.raw[24:], zone)
	n.len = unix.SizeofSockaddrInet6
	return n
}

// rawSockName is the name that a Raw address stands for.
func rawSockName(a Address) (n sockName) {
	n.len = uint32(copy(n.raw[:], a.Name))
	return n
}

// address is the name as an Address of a socket of the given type. A socket
// without a name gives the zero Address.
func (n *sockName) address(typ int) Address {
	switch n.family() {
	case unix.AF_UNIX:
		return n.unixAddress(typ)
	case unix.AF_INET, unix.AF_INET6:
		ap := n.addrPort()
		isRaw := typ == unix.SOCK_RAW // and its port is the protocol
		if (ap.Port() == 0 || isRaw) && ap.Addr().IsUnspecified() {
			return Address{} // what a socket has before it is bound
		}
		if typ != unix.SOCK_STREAM && typ != unix.SOCK_DGRAM {
			break
		}
		network := TCP
		if typ == unix.SOCK_DGRAM {
			network = UDP
		}
		return Address{Network: network, Host: ap.Addr().String(), Port: strconv.Itoa(int(ap.Port()))}
	}
	const anyPort = 1<<32 - 1 // VMADDR_PORT_ANY, vsock(7)
	if n.family() == unix.AF_VSOCK && binary.NativeEndian.Uint32(n.raw[4:]) == anyPort {
		return Address{}
	}
	name := string(n.raw[:min(n.len, sockaddrSize)])
	if len(name) <= familySize || strings.Trim(name[familySize:], "\x00") == "" {
		return Address{}
	}
	return Address{Network: Raw, Name: name}
}

func (n *sockName) unixAddress(typ int) Address {
	path := n.raw[familySize:min(n.len, familySize+sunPathSize)]
	if len(path) == 0 {
		return Address{}
	}
	if path[0] != 0 {
		for i, c := range path {
			if c == 0 {
				path = path[:i]
				break
			}
		}
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

func (n *sockName) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(n.raw[2:])
	if n.family() == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(n.raw[4:8])), port)
	}
	ip := netip.AddrFrom16([16]byte(n.raw[8:24])).Unmap()
	if zone := binary.NativeEndian.Uint32(n.raw[24:]); zone != 0 && ip.Is6() {
		ip = ip.WithZone(zoneName(zone))
	}
	return netip.AddrPortFrom(ip, port)
}

// The system calls that take or give a name, with the name as it is.

func bind(fd int, n *sockName) error {
	return nameCall(unix.SYS_BIND, fd, n)
}

func connect(fd int, n *sockName) error {
	return nameCall(unix.SYS_CONNECT, fd, n)
}

func nameCall(call uintptr, fd int, n *sockName) error {
	_, _, errno := unix.Syscall(call, uintptr(fd), uintptr(unsafe.Pointer(&n.raw)), uintptr(n.len))
	if errno != 0 {
		return errno
	}
	return nil
}

func getsockname(fd int) (sockName, error) {
	return nameOf(unix.SYS_GETSOCKNAME, fd)
}

func getpeername(fd int) (sockName, error) {
	return nameOf(unix.SYS_GETPEERNAME, fd)
}

func nameOf(call uintptr, fd int) (n sockName, err error) {
	n.len = sockaddrSize
	_, _, errno := unix.Syscall(call, uintptr(fd), uintptr(unsafe.Pointer(&n.raw)), uintptr(unsafe.Pointer(&n.len)))
	if errno != 0 {
		return sockName{}, errno
	}
	return n, nil
}

// Names are the addresses that the socket fd of that type is bound and
// connected to: getsockname(2), getpeername(2). Those without a notation are
// the zero Address; connected is true even then. A netlink socket, which always
// has a peer, the kernel at first, is connected to any other.
func Names(fd, typ int) (local, peer Address, connected bool) {
	if name, err := getsockname(fd); err == nil {
		local = name.address(typ)
	}
	name, err := getpeername(fd)
	if err != nil {
		return local, Address{}, false
	}
	peer = name.address(typ)
	return local, peer, peer != Address{} || name.family() != unix.AF_NETLINK
}
