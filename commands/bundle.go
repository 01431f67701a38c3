package commands

import "fdmsg/fdio/record"

// bundle are lines of messages without descriptors, which cost so little that to give
// each to the output by itself would cost as much.
type bundle struct {
	lines []byte // without their heads
	ends  []int  // of the lines
}

// bundleSize is from how many bytes on a bundle is given to the output.
const bundleSize = 32 << 10

// printBundle makes lines of a message without descriptors and of those behind it
// that have been received already.
func (c *connection) printBundle(sc *scratch) error {
	if err := c.settle(); err != nil {
		c.print(sc) // which counts it as lost
		return err
	}
	b := c.bundles.Get().(*bundle)
	b.lines, b.ends = b.lines[:0], b.ends[:0]
	for {
		b.lines = c.appendLine(b.lines, sc)
		b.ends = append(b.ends, len(b.lines))
		if len(b.lines) >= bundleSize || !c.popInto(sc) {
			break
		}
		if sc = c.current; !c.mayWait(sc) || sc.countDescriptors() > 0 {
			err := c.gatherBundle(b)
			if err != nil {
				c.print(sc)
				return err
			}
			return c.printBurst(sc)
		}
	}
	return c.gatherBundle(b)
}

// gatherBundle gives the lines to the output.
func (c *connection) gatherBundle(b *bundle) error {
	err := c.out.gatherBundle(record.TypeMessage, b)
	c.bundles.Put(b)
	if err != nil {
		return errOutput
	}
	return nil
}
