package intake

// arena is the memory that messages are received into. Each is given all the room
// that the options say; what it has not used is the next one's.
type arena struct {
	data, control         []byte
	dataUsed, controlUsed int
}

// slack is how many bytes more than one message needs are made, where more than one
// are received into the same memory.
const slack = maxMessages * smallMessage

// grow makes room for n messages of so many bytes.
func (a *arena) grow(n, data, control int) {
	if len(a.data) < n*data {
		a.data = make([]byte, n*data)
	}
	if len(a.control) < n*control {
		a.control = make([]byte, n*control)
	}
}

// place gives m room of those sizes behind the messages before it. What they have
// stays where it is.
func (a *arena) place(m *Message, sizes []int, control int) {
	size := 0
	for _, n := range sizes {
		size += n
	}
	a.data, a.dataUsed = withRoom(a.data, a.dataUsed, size)
	a.control, a.controlUsed = withRoom(a.control, a.controlUsed, control)
	m.into(sizes, a.data[a.dataUsed:], a.control[a.controlUsed:a.controlUsed+control])
}

// withRoom is memory with room for n bytes behind those that are used, or else other
// memory, none of which is.
func withRoom(memory []byte, used, n int) ([]byte, int) {
	switch {
	case len(memory)-used >= n:
		return memory, used
	case used > 0:
		n += slack
	}
	return make([]byte, n), 0
}

// keep keeps what m has received. So many bytes of control messages may stand before
// those that m has.
func (a *arena) keep(m *Message, before int) {
	a.dataUsed += m.N
	a.controlUsed += (before + len(m.Control) + 7) &^ 7
}

// into makes m receive into that memory: buffers of those sizes, and control.
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
