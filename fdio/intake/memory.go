package intake

// arena is the memory into which messages are received. Each message gets the full room
// that the options demand. What it does not use is left for the next one.
type arena struct {
	data, control         []byte
	dataUsed, controlUsed int
}

// slack is how many bytes are allocated in addition to the room of one message if
// several messages are received into the same memory.
const slack = maxMessages * smallMessage

// grow makes room for n messages with the given numbers of bytes each.
func (a *arena) grow(n, data, control int) {
	if len(a.data) < n*data {
		a.data = make([]byte, n*data)
	}
	if len(a.control) < n*control {
		a.control = make([]byte, n*control)
	}
}

// place gives m buffers of the given sizes after those of the earlier messages, which
// stay where they are.
func (a *arena) place(m *Message, sizes []int, control int) {
	size := 0
	for _, n := range sizes {
		size += n
	}
	a.data, a.dataUsed = withRoom(a.data, a.dataUsed, size)
	a.control, a.controlUsed = withRoom(a.control, a.controlUsed, control)
	m.into(sizes, a.data[a.dataUsed:], a.control[a.controlUsed:a.controlUsed+control])
}

// withRoom returns memory that has room for n bytes after those that are used, and how
// many are used: the given memory, or new memory of which none is used.
func withRoom(memory []byte, used, n int) ([]byte, int) {
	switch {
	case len(memory)-used >= n:
		return memory, used
	case used > 0:
		n += slack
	}
	return make([]byte, n), 0
}

// keep marks what m has received as used. before is how many bytes of control messages
// may stand before those of m.
func (a *arena) keep(m *Message, before int) {
	a.dataUsed += m.N
	a.controlUsed += (before + len(m.Control) + 7) &^ 7
}

// into makes m receive into data, as buffers of the given sizes, and into control.
func (m *Message) into(sizes []int, data, control []byte) {
	m.Space = control
	if len(sizes) == 1 {
		m.one[0] = data[:sizes[0]:sizes[0]]
		m.Buffers = m.one[:]
		return
	}
	m.Buffers = nil
	for _, size := range sizes {
		m.Buffers = append(m.Buffers, data[:size:size])
		data = data[size:]
	}
}
