package fdio

import (
	"errors"
	"iter"
	"strconv"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/internal/syntax"

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
var ErrFlagSide = errors.New("flag not valid for this call")

// ParseFlag returns the flag named text, MSG_PEEK for example, or the bits of a
// number. A flag that is known and not in allowed, SendFlags or RecvFlags, is an
// ErrFlagSide; an unknown name a *cmsg.NameError.
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
	n, err := syntax.ParseUint(text, 31)
	switch {
	case err == nil:
		return int(n), nil
	case errors.Is(err, strconv.ErrRange):
		return 0, syntaxErrorf("flag %s out of range: must be below 0x80000000", text)
	}
	return 0, &cmsg.NameError{Kind: "flag", Name: text, Known: known}
}

// FlagNames returns the names of the bits in set, see FlagsIn.
func FlagNames(set int, names []Flag) []string {
	list := []string{}
	for f := range FlagsIn(set, names) {
		list = append(list, f.String())
	}
	return list
}

// FlagsIn yields the flags that set consists of, in the order of names. Bits that
// are not among those come last, as one Flag without a Name.
func FlagsIn(set int, names []Flag) iter.Seq[Flag] {
	return func(yield func(Flag) bool) {
		rest := uint32(set)
		for i := 0; rest != 0 && i < len(names); i++ {
			bits := uint32(names[i].Bits)
			if bits == 0 || rest&bits != bits {
				continue
			}
			if rest &^= bits; !yield(names[i]) {
				return
			}
		}
		if rest != 0 {
			yield(Flag{Bits: int(rest)})
		}
	}
}

// String returns the name, or where there is none the bits as a hexadecimal
// number: 0x800000.
func (f Flag) String() string {
	if f.Name != "" {
		return f.Name
	}
	return "0x" + strconv.FormatUint(uint64(uint32(f.Bits)), 16)
}
