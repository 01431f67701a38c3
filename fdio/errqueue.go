package fdio

import (
	"encoding/binary"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// TakeQueuedError removes the oldest message from the error queue of a socket with
// IP_RECVERR or IPV6_RECVERR set, and returns the error that it tells of, and where
// what failed was sent to, if that is known: ip(7). The error is 0 if the message
// tells of none. ok is false if the queue is empty, or is not for errors alone:
// transmit timestamps and MSG_ZEROCOPY use it, too, and somebody may wait for those.
//
// The errors in the queue are also returned by Recv, but those that come fast one
// after the other as one. The queue has to be emptied by somebody: when it fills the
// receive buffer, the kernel drops what arrives.
func (s *Socket) TakeQueuedError() (errno unix.Errno, to Address, ok bool) {
	if !s.queuesErrors() {
		return 0, Address{}, false
	}
	var space [512]byte
	m := Incoming{Buffers: [][]byte{make([]byte, 1)}, Space: space[:]}
	if s.tryRecv(&m, m.Buffers, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT) != nil {
		return 0, Address{}, false
	}
	defer m.Close()
	for c := range cmsg.Messages(m.Control) {
		isError := c.Level == unix.IPPROTO_IP && c.Type == unix.IP_RECVERR || c.Level == unix.IPPROTO_IPV6 && c.Type == unix.IPV6_RECVERR
		if isError && len(c.Data) >= 5 { // struct sock_extended_err: ee_errno, ee_origin
			switch c.Data[4] {
			case unix.SO_EE_ORIGIN_LOCAL, unix.SO_EE_ORIGIN_ICMP, unix.SO_EE_ORIGIN_ICMP6:
				errno = unix.Errno(binary.NativeEndian.Uint32(c.Data))
			}
		}
	}
	return errno, m.From, true
}

// queuesErrors reports whether errors, and nothing else, are put into the error queue.
func (s *Socket) queuesErrors() bool {
	get := func(level, option int) int {
		value, err := unix.GetsockoptInt(s.fd, level, option)
		if err != nil {
			return 0
		}
		return value
	}
	const stampsSent = unix.SOF_TIMESTAMPING_TX_HARDWARE | unix.SOF_TIMESTAMPING_TX_SOFTWARE |
		unix.SOF_TIMESTAMPING_TX_SCHED | unix.SOF_TIMESTAMPING_TX_ACK
	on := 0
	switch s.domain {
	case unix.AF_INET:
		on = get(unix.IPPROTO_IP, unix.IP_RECVERR)
	case unix.AF_INET6:
		on = get(unix.IPPROTO_IPV6, unix.IPV6_RECVERR) | get(unix.IPPROTO_IP, unix.IP_RECVERR)
	}
	return on != 0 && get(unix.SOL_SOCKET, unix.SO_ZEROCOPY) == 0 &&
		(get(unix.SOL_SOCKET, unix.SO_TIMESTAMPING_OLD)|get(unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW))&stampsSent == 0
}
