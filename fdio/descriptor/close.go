package descriptor

import "golang.org/x/sys/unix"

// Close closes a descriptor that was described, without waiting for a daemon or
// a server that may be behind it.
func (in *Inspector) Close(d *Descriptor) {
	if d.mayStall() {
		in.stalling.close(d.FD)
		return
	}
	unix.Close(d.FD)
}

// CloseAll closes all descriptors in the lists, as Close does. Those whose numbers
// follow each other, as those of received messages do, are closed with one call:
// close_range(2).
func (in *Inspector) CloseAll(lists ...[]Descriptor) {
	first, count := 0, 0
	for _, ds := range lists {
		for i := range ds {
			switch d := &ds[i]; {
			case d.mayStall():
				in.Close(d)
			case count > 0 && d.FD == first+count:
				count++
			default:
				closeRange(first, count)
				first, count = d.FD, 1
			}
		}
	}
	closeRange(first, count)
}

// closeRange closes the descriptors from first on, count of them.
func closeRange(first, count int) {
	if count > 1 && unix.CloseRange(uint(first), uint(first+count-1), 0) == nil {
		return
	}
	for fd := first; fd < first+count; fd++ {
		unix.Close(fd)
	}
}
