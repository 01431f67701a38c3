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
	Origin []byte    // where it came from, as AppendOrigin appends it

	Data      []byte
	Discarded int                     // bytes that were received and thrown away
	Buffers   [][]byte                // the parts of Data by buffer; nil: not shown
	FullSize  *int                    // bytes that the message had, where that was asked for
	Flags     int                     // msg_flags
	Control   []byte                  // the control messages as received
	Pidfds    []descriptor.Descriptor // of SCM_PIDFD in Control, in order

	Descriptors []descriptor.Descriptor
	DroppedFDs  int  // number of descriptors that came and were closed
	Unfinished  bool // the stream ended in the middle of the message
}

// Origin is where messages come from, for AppendOrigin. Fields that are zero are left
// out of the line.
type Origin struct {
	Conn  int    // number of the connection
	Local string // address that they came to
	From  string // address that they came from
	To    string // address that they were sent to, if they come from the error queue
	Peer  *cmsg.Credentials
}

// Sent is a message that was sent, for AppendSent.
type Sent struct {
	Time        time.Time
	To          string // may be empty
	Size        int    // number of bytes sent
	Control     []byte
	Descriptors []descriptor.Descriptor
}

// The values of a line's "type".
const (
	TypeMessage = "message"
	TypeSent    = "sent"
	TypeOpened  = "opened"
)

// AppendHead appends the beginning of a line: its type and its number. What another
// function appends, such as AppendMessage, completes it. The head is separate because
// the number is not known before it is the line's turn to be written.
func AppendHead(dst []byte, typ string, seq uint64) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, typ...)
	dst = append(dst, `","seq":`...)
	return strconv.AppendUint(dst, seq, 10)
}

// AppendOrigin appends the fields that all messages of one origin have in common.
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

// AppendMessage appends the line of a received message without its head, with the
// newline.
func AppendMessage(dst []byte, m *Message) []byte { return appendMessage(dst, m, nil) }

// appendMessage adds large values to large, unless that is nil.
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

// appendBuffer appends the contents of one of several buffers.
func appendBuffer(dst, b []byte) []byte {
	dst = append(appendKey(dst, ""), '{')
	dst = appendText(dst, "data", b)
	return append(appendInt(dst, "size", int64(len(b))), '}')
}

// AppendSent appends the line of a message that was sent without its head, with the
// newline.
func AppendSent(dst []byte, s *Sent) []byte {
	dst = appendTime(dst, "time", s.Time)
	dst = appendAddress(dst, "to", s.To)
	dst = appendInt(dst, "size", int64(s.Size))
	dst = appendControl(dst, &Message{Control: s.Control})
	dst = appendDescriptors(dst, s.Descriptors, nil)
	return append(dst, '}', '\n')
}

// AppendOpened appends the line of descriptors that were opened without its head,
// with the newline.
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
