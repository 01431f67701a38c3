package commands

import "fdmsg/fdio/record"

// putValue writes what a large value becomes, piece by piece.
func (o *output) putValue(v record.Value) error {
	for more := true; more; {
		if err := o.startMaking(); err != nil {
			return err
		}
		var pieces [][]byte
		pieces, more = v.Next()
		o.endMaking()
		for _, piece := range pieces {
			if err := o.putParts(piece, false); err != nil {
				return err
			}
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
