package fdio

import (
	"errors"
	"strconv"
	"strings"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Flag is one bit of a set, or several that belong together, under the name
// that the man pages give it.
type Flag struct {
	Bits int
	Name string
}

// MessageFlags name the flags of sendmsg(2) and recvmsg(2), and the bits of the
// msg_flags that recvmsg(2) returns.
var MessageFlags = []Flag{
	{unix.MSG_EOR, "MSG_EOR"},
	{unix.MSG_TRUNC, "MSG_TRUNC"},
	{unix.MSG_CTRUNC, "MSG_CTRUNC"},
	{unix.MSG_OOB, "MSG_OOB"},
	{unix.MSG_ERRQUEUE, "MSG_ERRQUEUE"},
	{unix.MSG_PEEK, "MSG_PEEK"},
	{unix.MSG_DONTROUTE, "MSG_DONTROUTE"},
	{unix.MSG_PROXY, "MSG_PROXY"},
	{unix.MSG_DONTWAIT, "MSG_DONTWAIT"},
	{unix.MSG_WAITALL, "MSG_WAITALL"},
	{unix.MSG_FIN, "MSG_FIN"},
	{unix.MSG_SYN, "MSG_SYN"},
	{unix.MSG_CONFIRM, "MSG_CONFIRM"},
	{unix.MSG_RST, "MSG_RST"},
	{unix.MSG_NOSIGNAL, "MSG_NOSIGNAL"},
	{unix.MSG_MORE, "MSG_MORE"},
	{unix.MSG_ZEROCOPY, "MSG_ZEROCOPY"},
	{unix.MSG_FASTOPEN, "MSG_FASTOPEN"},
	{unix.MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"},
}

// The flags that have a meaning in sendmsg(2) and in recvmsg(2).
const (
	SendFlags = unix.MSG_OOB | unix.MSG_DONTROUTE | unix.MSG_PROXY | unix.MSG_DONTWAIT | unix.MSG_EOR |
		unix.MSG_FIN | unix.MSG_SYN | unix.MSG_CONFIRM | unix.MSG_RST | unix.MSG_NOSIGNAL | unix.MSG_MORE |
		unix.MSG_ZEROCOPY | unix.MSG_FASTOPEN
	RecvFlags = unix.MSG_OOB | unix.MSG_PEEK | unix.MSG_TRUNC | unix.MSG_DONTWAIT | unix.MSG_WAITALL |
		unix.MSG_ERRQUEUE | unix.MSG_NOSIGNAL | unix.MSG_CMSG_CLOEXEC
)

// ErrFlagSide says that a flag has no meaning in the call that it was given for.
var ErrFlagSide = errors.New("the flag has no meaning in this call")

// ParseFlag is the flag named text, MSG_PEEK for example, or the bits of a
// number. A name that is not of one of the bits in allowed, SendFlags or
// RecvFlags, is an ErrFlagSide; an unknown one a *cmsg.NameError.
func ParseFlag(text string, allowed int) (int, error) {
	var known []string
	for _, f := range MessageFlags {
		if f.Name == text && f.Bits&allowed == 0 {
			return 0, ErrFlagSide
		}
		if f.Name == text {
			return f.Bits, nil
		}
		if f.Bits&allowed != 0 {
			known = append(known, f.Name)
		}
	}
	n, err := strconv.ParseUint(text, 0, 31)
	switch {
	case err == nil && !strings.Contains(text, "_"):
		return int(n), nil
	case errors.Is(err, strconv.ErrRange):
		return 0, syntaxErrorf("flag %s is out of range: below 0x80000000", text)
	}
	return 0, &cmsg.NameError{Kind: "flag", Name: text, Known: known}
}

// FlagNames are the names of the bits in set; those without a name are one
// hexadecimal number.
func FlagNames(set int, names []Flag) []string {
	list := []string{}
	rest := uint32(set)
	for _, f := range names {
		if bits := uint32(f.Bits); bits != 0 && rest&bits == bits {
			list = append(list, f.Name)
			rest &^= bits
		}
	}
	if rest != 0 {
		list = append(list, "0x"+strconv.FormatUint(uint64(rest), 16))
	}
	return list
}
