package cmsg

import (
	"encoding/binary"
	"errors"
	"iter"
	"unsafe"
)

const (
	wordSize = int(unsafe.Sizeof(uintptr(0)))

	// HeaderSize is the size of struct cmsghdr of <linux/socket.h> in bytes: a
	// size_t and two ints, 16 on 64-bit and 12 on 32-bit systems.
	HeaderSize = wordSize + 4 + 4
)

// ErrMalformed says that the length of a control message is smaller than its header
// or larger than the bytes that are there.
var ErrMalformed = errors.New("malformed control message")

// Message is one control message.
type Message struct {
	Level int    // originating protocol: cmsg_level, SOL_SOCKET ...
	Type  int    // protocol-specific type: cmsg_type, SCM_RIGHTS ...
	Data  []byte // without header and padding
}

// Align returns n rounded up to the alignment of control messages: CMSG_ALIGN(3).
func Align(n int) int { return (n + wordSize - 1) &^ (wordSize - 1) }

// Len returns the value of cmsg_len for n bytes of data: CMSG_LEN(3).
func Len(n int) int { return HeaderSize + n }

// Space returns how many bytes a control message with n bytes of data takes up in a
// control buffer, padding included: CMSG_SPACE(3).
func Space(n int) int { return HeaderSize + Align(n) }

// Append appends m, padded with zeros, to the control buffer b, which must hold
// whole padded control messages, as Append itself leaves it.
func Append(b []byte, m Message) []byte {
	b = appendHeader(b, len(m.Data), m.Level, m.Type)
	b = append(b, m.Data...)
	return pad(b, len(m.Data))
}

func appendHeader(b []byte, dataLen, level, typ int) []byte {
	if wordSize == 8 {
		b = binary.NativeEndian.AppendUint64(b, uint64(Len(dataLen)))
	} else {
		b = binary.NativeEndian.AppendUint32(b, uint32(Len(dataLen)))
	}
	b = binary.NativeEndian.AppendUint32(b, uint32(level))
	return binary.NativeEndian.AppendUint32(b, uint32(typ))
}

func pad(b []byte, dataLen int) []byte {
	for range Align(dataLen) - dataLen {
		b = append(b, 0)
	}
	return b
}

// Next returns the first control message in control, and what follows it. control
// must hold only the bytes that the kernel wrote: msg_controllen of recvmsg(2). The
// data of the message is a part of control, not a copy. ok is false where no more
// than trailing padding is left.
//
// With ErrMalformed, m holds what could be read of the header, and as its data all
// bytes that follow; rest is empty.
func Next(control []byte) (m Message, rest []byte, ok bool, err error) {
	if len(control) < HeaderSize {
		return Message{}, nil, false, nil
	}
	length := uint64(binary.NativeEndian.Uint32(control))
	if wordSize == 8 {
		length = binary.NativeEndian.Uint64(control)
	}
	m.Level = int(int32(binary.NativeEndian.Uint32(control[wordSize:])))
	m.Type = int(int32(binary.NativeEndian.Uint32(control[wordSize+4:])))
	if length < uint64(HeaderSize) || length > uint64(len(control)) {
		m.Data = control[HeaderSize:]
		return m, nil, true, ErrMalformed
	}
	m.Data = control[HeaderSize:length:length]
	next := min(Align(int(length)), len(control))
	return m, control[next:], true, nil
}

// Messages yields the control messages in control, up to the first malformed one.
// See Next.
func Messages(control []byte) iter.Seq[Message] {
	return func(yield func(Message) bool) {
		for {
			m, rest, ok, err := Next(control)
			if !ok || err != nil || !yield(m) {
				return
			}
			control = rest
		}
	}
}
