package commands

import "fdmsg/fdio/record"

// pieceSize is how much of a large value is made ready to be written at once: so
// little that it does not leave the caches on its way.
const pieceSize = 64 << 10

// putValue writes what a large value becomes, piece by piece.
func (o *output) putValue(v record.Value) error {
	var made []byte
	for more := true; more; {
		if err := o.startMaking(); err != nil {
			return err
		}
		made, more = v.AppendNext(made[:0], pieceSize)
		o.endMaking()
		if err := o.putText(made); err != nil {
			return err
		}
	}
	return nil
}

// startMaking comes before the memory, or a file, of a line's writer is read. After
// a failure that is not ours any more: the writer is told then.
func (o *output) startMaking() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.making = o.err == nil
	return o.err
}

func (o *output) endMaking() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.making = false
	if o.err != nil {
		o.room.Broadcast()
	}
}
