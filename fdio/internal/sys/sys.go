// Package sys has what the packages under fdio need around system calls.
package sys

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// IPV6FlowInfo is IPV6_FLOWINFO of <linux/in6.h>, which x/sys/unix does not have:
// a socket option and the type of a control message.
const IPV6FlowInfo = 11

// Retry calls f until it returns something other than EINTR. Since Go 1.14 the
// runtime interrupts system calls with signals of its own.
func Retry[T any](f func() (T, error)) (T, error) {
	for {
		v, err := f()
		if err != unix.EINTR {
			return v, err
		}
	}
}

// ProcFD returns a path that leads to what the descriptor fd refers to: proc(5).
func ProcFD(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
