// Package record writes what was sent and received as JSON Lines: one object a
// line, UTF-8, always valid whatever bytes came. It makes no system call.
//
// Bytes stand under their own name when they are UTF-8, and in base64 under the
// name with _base64 when they are not. Fields are only ever added.
package record

import (
	"strconv"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// Message is a received message, for AppendMessage.
type Message struct {
	Time   time.Time // when it was received
	Origin []byte    // where it came from, as AppendOrigin gives it

	Data      []byte
	Discarded int                     // bytes that were received and thrown away
	Buffers   [][]byte                // the parts of Data by buffer; nil: not shown
	FullSize  *int                    // bytes that the message had, where that was asked for
	Flags     int                     // msg_flags
	Control   []byte                  // the control messages as received
	Pidfds    []descriptor.Descriptor // of SCM_PIDFD in Control, in order

	Descriptors []descriptor.Descriptor
	DroppedFDs  int  // descriptors that came and were not wanted
	Unfinished  bool // the message is not all that was to come
}

// Origin is where messages come from, for AppendOrigin. What is zero is not shown.
type Origin struct {
	Conn  int    // number of the connection
	Local string // address that they came to
	From  string // address that they came from
	To    string // address that they were sent to, for what comes from the error queue
	Peer  *cmsg.Credentials
}

// Sent is a message that was sent, for AppendSent.
type Sent struct {
	Time        time.Time
	To          string // empty: none is shown
	Size        int    // bytes that went out
	Control     []byte
	Descriptors []descriptor.Descriptor
}

// The values of a line's "type".
const (
	TypeMessage = "message"
	TypeSent    = "sent"
	TypeOpened  = "opened"
)

// AppendHead appends the beginning of a line: its type and its number. What
// AppendMessage or AppendSent gives completes it. The head is made by itself
// because the number is only known when it is the line's turn to be written.
func AppendHead(dst []byte, typ string, seq uint64) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, typ...)
	dst = append(dst, `","seq":`...)
	return strconv.AppendUint(dst, seq, 10)
}

// AppendOrigin appends what all messages of one origin have in their lines.
func AppendOrigin(dst []byte, o *Origin) []byte {
	if o.Conn != 0 {
		dst = appendInt(dst, "conn", int64(o.Conn))
	}
	dst = appendAddress(dst, "local", o.Local)
	dst = appendAddress(dst, "from", o.From)
	dst = appendAddress(dst, "to", o.To)
	if o.Peer == nil {
		return dst
	}
	dst = append(appendKey(dst, "peer"), '{')
	return append(appendCredentials(dst, *o.Peer), '}')
}

// AppendMessage appends the rest of the line of a received message, newline
// included.
func AppendMessage(dst []byte, m *Message) []byte { return appendMessage(dst, m, nil) }

// appendMessage leaves large values to large, unless that is nil.
func appendMessage(dst []byte, m *Message, large *[]largeValue) []byte {
	dst = appendTime(dst, "time", m.Time)
	dst = append(dst, m.Origin...)
	truncated := m.Flags&unix.MSG_TRUNC != 0 || m.Unfinished
	data, isText := textOf(m.Data, truncated)
	dst = appendValue(dst, "message", data, isText, large)
	dst = appendInt(dst, "size", int64(len(m.Data)+m.Discarded))
	if m.FullSize != nil {
		dst = appendInt(dst, "full_size", int64(*m.FullSize))
	}
	if m.Buffers != nil {
		dst = appendList(dst, "buffers", m.Buffers, appendBuffer)
	}
	dst = appendFlags(dst, "flags", m.Flags, fdio.MessageFlags)
	if truncated {
		dst = appendTrue(dst, "truncated")
	}
	if m.Flags&unix.MSG_CTRUNC != 0 {
		dst = appendTrue(dst, "control_truncated")
	}
	dst = appendControl(dst, m)
	if m.DroppedFDs > 0 {
		dst = appendInt(dst, "dropped_fds", int64(m.DroppedFDs))
	}
	dst = appendDescriptors(dst, m.Descriptors, large)
	return append(dst, '}', '\n')
}

// appendBuffer appends what one of several buffers holds.
func appendBuffer(dst, b []byte) []byte {
	dst = append(appendKey(dst, ""), '{')
	dst = appendText(dst, "data", b)
	return append(appendInt(dst, "size", int64(len(b))), '}')
}

// AppendSent appends the rest of the line of a message that was sent, newline
// included.
func AppendSent(dst []byte, s *Sent) []byte {
	dst = appendTime(dst, "time", s.Time)
	dst = appendAddress(dst, "to", s.To)
	dst = appendInt(dst, "size", int64(s.Size))
	dst = appendControl(dst, &Message{Control: s.Control})
	dst = appendDescriptors(dst, s.Descriptors, nil)
	return append(dst, '}', '\n')
}

// AppendOpened appends the rest of the line of descriptors that were opened,
// newline included.
func AppendOpened(dst []byte, opened time.Time, descriptors []descriptor.Descriptor) []byte {
	dst = appendTime(dst, "time", opened)
	dst = appendDescriptors(dst, descriptors, nil)
	return append(dst, '}', '\n')
}

func appendAddress(dst []byte, key, address string) []byte {
	if address == "" {
		return dst
	}
	return appendText(dst, key, address)
}

// appendFlags appends the flags as a list of what Flag.String returns.
func appendFlags(dst []byte, key string, flags int, names []fdio.Flag) []byte {
	dst = append(appendKey(dst, key), '[')
	for f := range fdio.FlagsIn(flags, names) {
		dst = append(appendKey(dst, ""), '"')
		if f.Name != "" {
			dst = append(dst, f.Name...)
		} else { // as Flag.String does, without its memory
			dst = strconv.AppendUint(append(dst, "0x"...), uint64(uint32(f.Bits)), 16)
		}
		dst = append(dst, '"')
	}
	return append(dst, ']')
}
