package record

import "time"

// Event is an event other than a message, for AppendEvent. Fields that are zero are
// left out of the line.
type Event struct {
	Time time.Time
	Origin

	MessageSeq uint64 // number of the line of the message for which COMMAND was started
	PID        int    // of COMMAND
	ExitCode   *int
	Signal     string // that ended COMMAND

	Messages    *int64 // received
	Connections *int64 // accepted
	Reason      string // for the end or the refusal
	Error       string
}

// The types of lines that are events.
const (
	TypeListening = "listening" // a socket is bound
	TypeOpen      = "open"      // a connection begins
	TypeClose     = "close"     // a connection ends
	TypeRefused   = "refused"   // a connection or a message is refused
	TypeExit      = "exit"      // COMMAND has ended
	TypeError     = "error"     // one connection has failed, the others go on
	TypeEnd       = "end"       // the run ends
)

// AppendEvent appends the line of an event without its head, with the newline.
func AppendEvent(dst []byte, e *Event) []byte {
	dst = appendTime(dst, "time", e.Time)
	dst = AppendOrigin(dst, &e.Origin)
	if e.MessageSeq != 0 {
		dst = appendInt(dst, "message_seq", int64(e.MessageSeq))
	}
	if e.PID != 0 {
		dst = appendInt(dst, "pid", int64(e.PID))
	}
	if e.ExitCode != nil {
		dst = appendInt(dst, "exit_code", int64(*e.ExitCode))
	}
	if e.Signal != "" {
		dst = appendText(dst, "signal", e.Signal)
	}
	if e.Messages != nil {
		dst = appendInt(dst, "messages", *e.Messages)
	}
	if e.Connections != nil {
		dst = appendInt(dst, "connections", *e.Connections)
	}
	if e.Reason != "" {
		dst = appendText(dst, "reason", e.Reason)
	}
	if e.Error != "" {
		dst = appendText(dst, "error", e.Error)
	}
	return append(dst, '}', '\n')
}
