package lines

import (
	"errors"
	"fmt"
	"sync"

	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/intake"

	"golang.org/x/sys/unix"
)

// errCut is the error of a message with descriptors that could not be received, and thus not
// be saved.
var errCut = errors.New("save: control messages were cut, and descriptors may be lost")

// unsaved is what was to be saved and was not. Its zero value is ready for use.
type unsaved struct {
	mu    sync.Mutex
	first error
	more  int // number of the errors after the first
}

// note notes what of a message was not saved.
func (u *unsaved) note(m *intake.Message, descriptors []descriptor.Descriptor) {
	for i := range descriptors {
		if err := descriptors[i].Unsaved(); err != nil {
			u.add(fmt.Errorf("message %d: descriptor %d: %w", m.Number, i, err))
		}
	}
	if m.Flags&unix.MSG_CTRUNC != 0 {
		u.add(fmt.Errorf("message %d: %w", m.Number, errCut))
	}
}

func (u *unsaved) add(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.first == nil {
		u.first = err
		return
	}
	u.more++
}

// err returns the first error and the number of the others, or nil if there are none.
func (u *unsaved) err() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.more == 0 {
		return u.first
	}
	return fmt.Errorf("%w (and %d more)", u.first, u.more)
}

// Unsaved returns an error if contents of descriptors of received messages were to be saved
// and were not: the first, and how many more there are.
func (mk *Maker) Unsaved() error { return mk.unsaved.err() }

// Unsaved returns an error if contents of descriptors that Content.Read was to save are not
// saved: the first, and how many more there are.
func Unsaved(descriptors []descriptor.Descriptor) error {
	var u unsaved
	for i := range descriptors {
		if err := descriptors[i].Unsaved(); err != nil {
			u.add(fmt.Errorf("descriptor %d: %w", i, err))
		}
	}
	return u.err()
}
