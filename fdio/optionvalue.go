package fdio

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// A valueKind parses the value of an option.
type valueKind func(text string) ([]byte, error)

func native32(n int64) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }

func boolValue(text string) ([]byte, error) {
	switch text {
	case "on", "true", "yes":
		return native32(1), nil
	case "off", "false", "no":
		return native32(0), nil
	}
	return intValue(text)
}

// intValue parses an int, with K, M or G for powers of 1024.
func intValue(text string) ([]byte, error) {
	n, err := parseInteger(text, math.MinInt32, math.MaxUint32)
	return native32(n), err
}

func longValue(text string) ([]byte, error) {
	n, err := parseInteger(text, 0, math.MaxInt64)
	return binary.NativeEndian.AppendUint64(nil, uint64(n)), err
}

// networkOrder parses an int, and returns it in network byte order.
func networkOrder(text string) ([]byte, error) {
	n, err := parseInteger(text, 0, math.MaxUint32)
	return binary.BigEndian.AppendUint32(nil, uint32(n)), err
}

// rawValue is the kind of options that take a struct: only typed parts serve.
func rawValue(string) ([]byte, error) {
	return nil, syntaxErrorf("write the bytes as typed parts, hex=... for example")
}

// lingerValue parses seconds or off into struct linger: socket(7).
func lingerValue(text string) ([]byte, error) {
	if text == "off" {
		return append(native32(0), native32(0)...), nil
	}
	n, err := parseInteger(text, 0, math.MaxInt32)
	return append(native32(1), native32(n)...), err
}

// timeValue parses a duration into struct timeval, two longs: socket(7).
func timeValue(text string) ([]byte, error) {
	d, err := parseTime(text)
	if err != nil {
		return nil, err
	}
	tv := unix.NsecToTimeval(int64(d))
	if strconv.IntSize == 32 {
		if d/time.Second > math.MaxInt32 {
			return nil, syntaxErrorf("%s is out of range", text)
		}
		return append(native32(int64(tv.Sec)), native32(int64(tv.Usec))...), nil
	}
	return time64(d), nil
}

// time64Value parses a duration into struct __kernel_sock_timeval.
func time64Value(text string) ([]byte, error) {
	d, err := parseTime(text)
	return time64(d), err
}

func time64(d time.Duration) []byte {
	b := binary.NativeEndian.AppendUint64(nil, uint64(d/time.Second))
	return binary.NativeEndian.AppendUint64(b, uint64(d%time.Second/time.Microsecond))
}

// parseTime reads a duration in the microseconds that the kernel counts in,
// rounded up: 0 would mean no limit.
func parseTime(text string) (time.Duration, error) {
	d, err := ParseDuration(text)
	if rest := d % time.Microsecond; rest > 0 && d < math.MaxInt64-time.Microsecond {
		d += time.Microsecond - rest
	}
	return d, err
}

func nameValue(text string) ([]byte, error) {
	if strings.Contains(text, "\x00") {
		return nil, syntaxErrorf("the name contains a NUL byte")
	}
	return []byte(text), nil
}

// deviceValue parses the name of a network device. An empty name stands for none.
func deviceValue(text string) ([]byte, error) {
	if len(text) >= unix.IFNAMSIZ {
		return nil, syntaxErrorf("%q is not the name of a device: at most %d bytes", text, unix.IFNAMSIZ-1)
	}
	return nameValue(text)
}

// membershipValue parses GROUP, GROUP@IFINDEX or, for IPv4, GROUP@ADDRESS of the
// interface into struct ip_mreqn or ipv6_mreq: ip(7) and ipv6(7).
func membershipValue(text string) ([]byte, error) {
	group, where, _ := strings.Cut(text, "@")
	addr, err := netip.ParseAddr(group)
	if err != nil || addr.Zone() != "" {
		return nil, syntaxErrorf("%q is not an IP address: write GROUP or GROUP@IFINDEX", group)
	}
	local, index := netip.IPv4Unspecified(), int64(0)
	if a, err := netip.ParseAddr(where); err == nil && a.Is4() && addr.Is4() {
		local = a
	} else if where != "" {
		if index, err = parseInteger(where, 0, math.MaxInt32); err != nil {
			return nil, err
		}
	}
	b := addr.AsSlice()
	if addr.Is4() {
		b = append(b, local.AsSlice()...)
	}
	return append(b, native32(index)...), nil
}

// interfaceValue parses what IP_MULTICAST_IF takes: the address of an interface, or
// its index as struct ip_mreqn.
func interfaceValue(text string) ([]byte, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Is4() {
		return a.AsSlice(), nil
	}
	return membershipValue("0.0.0.0@" + text)
}

// timestampingFlags are the bits of SO_TIMESTAMPING: the kernel's
// networking/timestamping.rst.
var timestampingFlags = []Flag{
	{unix.SOF_TIMESTAMPING_TX_HARDWARE, "TX_HARDWARE"},
	{unix.SOF_TIMESTAMPING_TX_SOFTWARE, "TX_SOFTWARE"},
	{unix.SOF_TIMESTAMPING_RX_HARDWARE, "RX_HARDWARE"},
	{unix.SOF_TIMESTAMPING_RX_SOFTWARE, "RX_SOFTWARE"},
	{unix.SOF_TIMESTAMPING_SOFTWARE, "SOFTWARE"},
	{unix.SOF_TIMESTAMPING_SYS_HARDWARE, "SYS_HARDWARE"},
	{unix.SOF_TIMESTAMPING_RAW_HARDWARE, "RAW_HARDWARE"},
	{unix.SOF_TIMESTAMPING_OPT_ID, "OPT_ID"},
	{unix.SOF_TIMESTAMPING_TX_SCHED, "TX_SCHED"},
	{unix.SOF_TIMESTAMPING_TX_ACK, "TX_ACK"},
	{unix.SOF_TIMESTAMPING_OPT_CMSG, "OPT_CMSG"},
	{unix.SOF_TIMESTAMPING_OPT_TSONLY, "OPT_TSONLY"},
	{unix.SOF_TIMESTAMPING_OPT_STATS, "OPT_STATS"},
	{unix.SOF_TIMESTAMPING_OPT_PKTINFO, "OPT_PKTINFO"},
	{unix.SOF_TIMESTAMPING_OPT_TX_SWHW, "OPT_TX_SWHW"},
	{unix.SOF_TIMESTAMPING_BIND_PHC, "BIND_PHC"},
	{unix.SOF_TIMESTAMPING_OPT_ID_TCP, "OPT_ID_TCP"},
	{1 << 17, "OPT_RX_FILTER"},
	{1 << 18, "TX_COMPLETION"},
}

// timestampingValue parses a number, or names of SOF_TIMESTAMPING_ flags joined by
// +, with or without that prefix.
func timestampingValue(text string) ([]byte, error) {
	if b, err := intValue(text); err == nil {
		return b, nil
	}
	bits := 0
	for part := range strings.SplitSeq(text, "+") {
		name := strings.TrimPrefix(part, "SOF_TIMESTAMPING_")
		found := false
		var known []string
		for _, f := range timestampingFlags {
			if f.Name == name {
				bits |= f.Bits
				found = true
			}
			known = append(known, "SOF_TIMESTAMPING_"+f.Name)
		}
		if !found {
			return nil, &cmsg.NameError{Kind: "flag", Name: part, Known: known}
		}
	}
	return native32(int64(bits)), nil
}
