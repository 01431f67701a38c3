package fdio

// Interrupt makes every wait on the socket, now and later, end with
// os.ErrDeadlineExceeded, whatever the deadlines are.
func (s *Socket) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted.Store(true)
	s.apply(receiving)
	s.apply(sending)
}

// Interrupted reports whether Interrupt has been called.
func (s *Socket) Interrupted() bool { return s.interrupted.Load() }
