package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// memory are the bytes of v in memory, as C has them.
func memory[T any](v T) []byte {
	return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)))
}

// extendedError is struct sock_extended_err of <linux/errqueue.h>.
type extendedError struct {
	errno                  uint32
	origin, typ, code, pad uint8
	info, data             uint32
}

func TestControlMessagesHaveTheirFields(t *testing.T) {
	v6 := [16]byte{0xfe, 0x80, 15: 1}
	stats := slices.Concat(memory([2]uint16{4, 0}), memory([2]uint16{12, 1}), memory(uint64(math.MaxUint64)),
		memory([2]uint16{8, 8}), memory(uint32(10)), memory([2]uint16{6, 99}), []byte("?!\x00\x00"))
	refused := slices.Concat(memory(extendedError{111, 2, 3, 3, 0, 0, 0}), memory(unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}))
	stamped := slices.Concat(memory(extendedError{42, 4, 0, 0, 0, 1, 7}), memory(unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: v6, Scope_id: 3}))
	tests := []struct {
		level, number int
		data          []byte
		want          string // the fields
	}{
		{unix.SOL_SOCKET, unix.SO_MARK, memory(uint32(math.MaxUint32)), `"mark":4294967295`},
		{unix.SOL_SOCKET, unix.SO_RXQ_OVFL, memory(uint32(17)), `"drops":17`},
		{unix.SOL_SOCKET, unix.SCM_TXTIME, memory(uint64(math.MaxUint64)), `"txtime":"18446744073709551615"`},
		{unix.SOL_SOCKET, unix.SCM_SECURITY, []byte("unconfined\x00"), `"label":"unconfined"`},
		{unix.SOL_SOCKET, unix.SCM_SECURITY, []byte("a\"\n\x1b"), `"label":"a\"\n\u001b"`},
		{unix.SOL_SOCKET, unix.SCM_SECURITY, []byte{0xff, 0}, `"label_base64":"/w=="`},
		{unix.SOL_SOCKET, unix.SCM_SECURITY, nil, `"label":""`},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMP_OLD, memory([2]int{1700000000, 123456}), `"time":"2023-11-14T22:13:20.123456000Z"`},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_OLD, memory([2]int{1700000000, 123456789}), `"time":"2023-11-14T22:13:20.123456789Z"`},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, memory([2]int64{5e9, 1}), `"time":"2128-06-11T08:53:20.000000001Z"`},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPING_OLD, memory([6]int{1, 2, 0, 0, 5, 6}),
			`"software":"1970-01-01T00:00:01.000000002Z","hardware":"1970-01-01T00:00:05.000000006Z"`},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, memory([6]int64{}), ``},
		{unix.SOL_SOCKET, unix.SCM_TIMESTAMPING_OPT_STATS, stats, `"stats":{"busy":"18446744073709551615","snd_cwnd":10,"99":"?!"}`},
		{unix.SOL_SOCKET, unix.SCM_TIMESTAMPING_OPT_STATS, nil, `"stats":{}`},
		{unix.IPPROTO_IP, unix.IP_TTL, memory(int32(64)), `"ttl":64`},
		{unix.IPPROTO_IP, unix.IP_TOS, []byte{0xb8}, `"tos":184`},
		{unix.IPPROTO_IP, unix.IP_PKTINFO, memory(unix.Inet4Pktinfo{Ifindex: 1, Spec_dst: [4]byte{127, 0, 0, 1}, Addr: [4]byte{224, 0, 0, 1}}),
			`"ifindex":1,"spec_dst":"127.0.0.1","addr":"224.0.0.1"`},
		{unix.IPPROTO_IP, unix.IP_RECVOPTS, []byte{1, 7, 7, 8, 127, 0, 0, 1, 222, 3, 0xff, 0},
			`"options":[{"option":"IPOPT_NOOP"},{"option":"IPOPT_RR","pointer":8,"addresses":["127.0.0.1"]},{"option":"222","data_base64":"/w=="}]`},
		{unix.IPPROTO_IP, unix.IP_RECVOPTS, nil, `"options":[]`},
		{unix.IPPROTO_IP, unix.IP_RECVERR, refused,
			`"ee_errno":"ECONNREFUSED","ee_origin":"SO_EE_ORIGIN_ICMP","ee_type":3,"ee_code":3,"ee_info":0,"ee_data":0,"offender":"127.0.0.1"`},
		{unix.IPPROTO_IPV6, unix.IPV6_RECVERR, stamped,
			`"ee_errno":"ENOMSG","ee_origin":"SO_EE_ORIGIN_TIMESTAMPING","ee_type":0,"ee_code":0,"ee_info":1,"ee_data":7,"timestamp":"SCM_TSTAMP_SCHED","offender":"fe80::1%3"`},
		{unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, memory(unix.Inet6Pktinfo{Addr: [16]byte{15: 1}, Ifindex: 1}), `"addr":"::1","ifindex":1`},
		{unix.IPPROTO_IPV6, unix.IPV6_RTHDR, append([]byte{6, 2, 0, 1, 0, 0, 0, 0}, v6[:]...),
			`"next_header":6,"routing_type":0,"segments_left":1,"addresses":["fe80::1"]`},
		{unix.IPPROTO_IPV6, unix.IPV6_RTHDR, []byte{6, 0, 0, 0, 0, 0, 0, 0}, `"next_header":6,"routing_type":0,"segments_left":0,"addresses":[]`},
		{unix.IPPROTO_IPV6, unix.IPV6_HOPOPTS, []byte{17, 0, 5, 2, 0, 0, 1, 0},
			`"next_header":17,"options":[{"option":"IPV6_TLV_ROUTERALERT","data":"\u0000\u0000"},{"option":"IPV6_TLV_PADN","data":""}]`},
		{unix.IPPROTO_TCP, unix.TCP_CM_INQ, memory(int32(70000)), `"inq":70000`},
		{unix.IPPROTO_UDP, unix.UDP_GRO, memory(int32(1200)), `"size":1200`},
		{unix.SOL_TLS, 2, []byte{23}, `"record_type":23`},
		{unix.SOL_NETLINK, unix.NETLINK_PKTINFO, memory(uint32(5)), `"group":5`},
		{unix.SOL_ALG, unix.ALG_SET_IV, []byte{1, 2}, ``}, // known by its name alone
	}
	for _, test := range tests {
		m := cmsg.Message{Level: test.level, Type: test.number, Data: test.data}
		name := cmsg.LevelName(test.level) + ":" + cmsg.TypeName(test.level, test.number)
		if test.want != "" {
			test.want += ","
		}
		wantJSON(t, name, controlOf(t, control(m)), fmt.Sprintf(`[{"level":%q,"type":%q,%s"data_base64":%s}]`,
			cmsg.LevelName(test.level), cmsg.TypeName(test.level, test.number), test.want, base64Of(test.data)))
	}
}

// Data of another size than its type's is shown as it is, and stops nothing.
func TestMalformedDataIsReportedWithItsBytes(t *testing.T) {
	ttl := cmsg.Message{Level: unix.IPPROTO_IP, Type: unix.IP_TTL, Data: memory(int32(64))}
	shownTTL := `{"level":"IPPROTO_IP","type":"IP_TTL","ttl":64,"data_base64":` + base64Of(ttl.Data) + `}`
	for _, m := range []cmsg.Message{
		{Level: unix.IPPROTO_IP, Type: unix.IP_TTL, Data: []byte{64, 0}},
		{Level: unix.IPPROTO_IP, Type: unix.IP_PKTINFO, Data: make([]byte, 13)},
		{Level: unix.IPPROTO_IP, Type: unix.IP_RECVERR, Data: make([]byte, 15)},
		{Level: unix.IPPROTO_IP, Type: unix.IP_RECVOPTS, Data: []byte{7, 99}},
		{Level: unix.IPPROTO_IP, Type: unix.IP_ORIGDSTADDR, Data: make([]byte, 16)}, // of no family
		{Level: unix.IPPROTO_IPV6, Type: unix.IPV6_RTHDR},
		{Level: unix.SOL_SOCKET, Type: unix.SCM_PIDFD, Data: []byte{9}},
		{Level: unix.SOL_SOCKET, Type: unix.SO_TIMESTAMP_OLD},
		{Level: unix.SOL_SOCKET, Type: unix.SCM_TIMESTAMPING_OPT_STATS, Data: []byte{1}},
	} {
		shown := fmt.Sprintf(`{"level":%q,"type":%q,"malformed":true,"data_base64":%s}`, cmsg.LevelName(m.Level), cmsg.TypeName(m.Level, m.Type), base64Of(m.Data))
		wantJSON(t, m.String(), controlOf(t, control(ttl, m, ttl)), `[`+shownTTL+`,`+shown+`,`+shownTTL+`]`)
	}
}

func TestPidfdIsDescribedInItsEntry(t *testing.T) {
	pidfd := func(n int32) cmsg.Message {
		return cmsg.Message{Level: unix.SOL_SOCKET, Type: unix.SCM_PIDFD, Data: binary.NativeEndian.AppendUint32(nil, uint32(n))}
	}
	entry := func(n int32, fields string) string {
		return fmt.Sprintf(`{"level":"SOL_SOCKET","type":"SCM_PIDFD",%s,"data_base64":%s}`, fields, base64Of(pidfd(n).Data))
	}
	described := func(n int) string {
		return fmt.Sprintf(`"fd":%d,"descriptor":{"fd":%d,"type":"pidfd","access":"r","flags":[]}`, n, n)
	}
	nine, ten := descriptor.Descriptor{FD: 9, Kind: descriptor.KindPidfd}, descriptor.Descriptor{FD: 10, Kind: descriptor.KindPidfd}
	tests := []struct {
		name    string
		control []byte
		pidfds  []descriptor.Descriptor
		want    []string
	}{
		{"one", control(pidfd(9)), []descriptor.Descriptor{nine}, []string{entry(9, described(9))}},
		{"two", control(pidfd(9), pidfd(10)), []descriptor.Descriptor{nine, ten}, []string{entry(9, described(9)), entry(10, described(10))}},
		{"after one that is an errno", control(pidfd(-3), pidfd(10)), []descriptor.Descriptor{ten}, []string{entry(-3, `"errno":"ESRCH"`), entry(10, described(10))}},
		{"only an errno", control(pidfd(-24)), nil, []string{entry(-24, `"errno":"EMFILE"`)}},
		{"not described", control(pidfd(9)), nil, []string{entry(9, `"fd":9`)}},
	}
	for _, test := range tests {
		got := members(t, func(dst []byte) []byte {
			return appendControl(dst, &Message{Control: test.control, Pidfds: test.pidfds})
		})
		wantJSON(t, test.name, got["control"], `[`+strings.Join(test.want, ",")+`]`)
	}
	line := parseLine(t, messageLine(&Message{Control: control(pidfd(9)), Pidfds: []descriptor.Descriptor{nine}}))
	wantJSON(t, "not among the descriptors that were passed", line["fds"], `[]`)
}

// The kernel says each statistic once, but what is sent may say anything: no
// key stands twice in an object, which parse sees to.
func TestStatisticsThatComeTwice(t *testing.T) {
	for _, number := range []uint16{26, 99} {
		ttl := slices.Concat(memory([2]uint16{5, number}), []byte{64, 0, 0, 0})
		m := cmsg.Message{Level: unix.SOL_SOCKET, Type: unix.SCM_TIMESTAMPING_OPT_STATS, Data: slices.Concat(ttl, ttl)}
		controlOf(t, control(m))
	}
}
