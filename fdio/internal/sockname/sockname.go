// Package sockname gives socket names to the kernel and takes them from it, as
// they are: x/sys/unix's Sockaddr types cannot express every name of a Unix socket
// (NULs in abstract names, no name at all).
package sockname

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Sizes in bytes.
const (
	MaxSize    = 128         // of struct sockaddr_storage
	FamilySize = 2           // of sa_family_t
	SunPath    = 108         // of sun_path in struct sockaddr_un, unix(7)
	MaxPath    = SunPath - 1 // of a path, which has a NUL after it
)

// Name is a struct sockaddr and its length. It is comparable.
type Name struct {
	Raw [MaxSize]byte
	Len uint32
}

// Bytes returns the struct sockaddr.
func (n *Name) Bytes() []byte { return n.Raw[:min(n.Len, MaxSize)] }

// Family returns the address family, AF_UNSPEC for no name.
func (n *Name) Family() int {
	if n.Len < FamilySize {
		return unix.AF_UNSPEC
	}
	return int(binary.NativeEndian.Uint16(n.Raw[:]))
}

// Blank reports whether there is nothing but zeros after the family.
func (n *Name) Blank() bool {
	for _, b := range n.Bytes()[min(n.Len, FamilySize):] {
		if b != 0 {
			return false
		}
	}
	return true
}

// FromBytes makes a Name of a struct sockaddr; bytes beyond MaxSize are left out.
func FromBytes[T []byte | string](sockaddr T) (n Name) {
	n.Len = uint32(copy(n.Raw[:], sockaddr))
	return n
}

// Unix makes the name of a Unix socket, struct sockaddr_un of unix(7), with name as
// its sun_path: a leading NUL is the abstract namespace.
func Unix(name string) (n Name) {
	binary.NativeEndian.PutUint16(n.Raw[:], unix.AF_UNIX)
	n.Len = FamilySize + uint32(copy(n.Raw[FamilySize:FamilySize+SunPath], name))
	if name != "" && name[0] != 0 {
		n.Len++ // the NUL that ends a path
	}
	return n
}

// Inet makes a struct sockaddr_in, ip(7), or sockaddr_in6, ipv6(7).
func Inet(family int, ip netip.Addr, port uint16, zone uint32) (n Name) {
	binary.NativeEndian.PutUint16(n.Raw[:], uint16(family))
	binary.BigEndian.PutUint16(n.Raw[2:], port)
	if family == unix.AF_INET {
		as4 := ip.Unmap().As4()
		copy(n.Raw[4:], as4[:])
		n.Len = unix.SizeofSockaddrInet4
		return n
	}
	as16 := ip.As16()
	copy(n.Raw[8:], as16[:])
	binary.NativeEndian.PutUint32(n.Raw[24:], zone)
	n.Len = unix.SizeofSockaddrInet6
	return n
}

// AddrPort takes a struct sockaddr_in or sockaddr_in6 apart. zone is the index of
// an interface, 0 for none.
func (n *Name) AddrPort() (ap netip.AddrPort, zone uint32) {
	port := binary.BigEndian.Uint16(n.Raw[2:])
	if n.Family() == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(n.Raw[4:8])), port), 0
	}
	ip := netip.AddrFrom16([16]byte(n.Raw[8:24])).Unmap()
	if ip.Is6() {
		zone = binary.NativeEndian.Uint32(n.Raw[24:])
	}
	return netip.AddrPortFrom(ip, port), zone
}

// Bind wraps bind(2).
func Bind(fd int, n *Name) error { return give(unix.SYS_BIND, fd, n) }

// Connect wraps connect(2).
func Connect(fd int, n *Name) error { return give(unix.SYS_CONNECT, fd, n) }

func give(call uintptr, fd int, n *Name) error {
	_, _, errno := unix.Syscall(call, uintptr(fd), uintptr(unsafe.Pointer(&n.Raw)), uintptr(n.Len))
	if errno != 0 {
		return errno
	}
	return nil
}

// Local wraps getsockname(2).
func Local(fd int) (Name, error) { return take(unix.SYS_GETSOCKNAME, fd) }

// Peer wraps getpeername(2), and reports whether the socket is connected. A netlink
// socket always has a peer: before it is connected, that is the kernel, whose name
// is blank.
func Peer(fd int) (n Name, connected bool) {
	n, err := take(unix.SYS_GETPEERNAME, fd)
	return n, err == nil && (n.Family() != unix.AF_NETLINK || !n.Blank())
}

func take(call uintptr, fd int) (n Name, err error) {
	n.Len = MaxSize
	_, _, errno := unix.Syscall(call, uintptr(fd), uintptr(unsafe.Pointer(&n.Raw)), uintptr(unsafe.Pointer(&n.Len)))
	if errno != 0 {
		return Name{}, errno
	}
	return n, nil
}

// PeerCredentials returns SO_PEERCRED of a Unix socket, unix(7).
func PeerCredentials(fd int) (cmsg.Credentials, error) {
	ucred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return cmsg.Credentials{}, err
	}
	return cmsg.Credentials{PID: ucred.Pid, UID: ucred.Uid, GID: ucred.Gid}, nil
}
