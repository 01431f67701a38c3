package intake

import "sync"

// count is how many more messages may be received over all connections.
type count struct {
	mu      sync.Mutex
	limited bool
	left    int
	reached func() // is called when the last one has been received
}

func (c *count) init(messages int, reached func()) {
	c.limited, c.left, c.reached = messages > 0, messages, reached
}

// take returns how many more messages may be received, of so many. settle must
// follow, and say how many were: until then nobody else receives.
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
