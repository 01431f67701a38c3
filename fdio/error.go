package fdio

// Error is a failed operation.
type Error struct {
	Name string // what it was on: an address, a path or a flag, as it was given where possible
	Op   string // what was being done: "connect", "bind" ...; "" if the cause says it
	Err  error  // the cause, most often a unix.Errno
}

// Error returns the name, the operation if there is one and the cause, joined by colons.
func (e *Error) Error() string {
	if e.Op == "" {
		return e.Name + ": " + e.Err.Error()
	}
	return e.Name + ": " + e.Op + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
