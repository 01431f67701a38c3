package intake

import "sync"

// count is the number of messages that may still be received, over all connections.
type count struct {
	mu      sync.Mutex
	limited bool
	left    int
	reached func() // called when the last one has been received
}

func (c *count) init(messages int, reached func()) {
	c.limited, c.left, c.reached = messages > 0, messages, reached
}

// take returns how many messages the caller may receive, at most the given number. The
// caller then calls settle with the number that it has received. Until then no other
// connection receives.
func (c *count) take(most int) int {
	if !c.limited {
		return most
	}
	c.mu.Lock()
	return min(most, c.left)
}

func (c *count) settle(received int) {
	if !c.limited {
		return
	}
	defer c.mu.Unlock()
	if received == 0 {
		return
	}
	if c.left -= received; c.left == 0 {
		c.reached()
	}
}
