package commands

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"fdmsg/commands/internal/lines"
	"fdmsg/commands/internal/spawn"
	"fdmsg/fdio"
	"fdmsg/fdio/intake"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

// serving reports events while listen serves, on standard error and, with --events, in
// lines. It is the Observer of package intake.
type serving struct {
	*lines.Maker

	mu        sync.Mutex
	counts    map[string]int // number of refusals, by reason
	left      int            // number of sockets that were not read to the end
	leftBytes int            // number of bytes that were left in them
}

// The reasons for which connections and messages are refused, and connections closed.
const (
	refusedMany = "connections refused: more than --max-connections"
	refusedPeer = "refused: not of --allow-uid or --allow-gid"
	refusedFDs  = "messages refused: descriptors came with --fds cut"
	closedIdle  = "connections closed: nothing came for longer than --idle-timeout"
)

// Opened reports a connection that begins.
func (s *serving) Opened(c *intake.Conn) {
	s.Event(record.TypeOpen, record.Event{Origin: lines.Origin(c, intake.Sender{})})
}

// Closed reports a connection that has ended.
func (s *serving) Closed(c *intake.Conn, err error) {
	e := record.Event{Origin: record.Origin{Conn: c.Number()}}
	switch {
	case errors.Is(err, intake.ErrIdle):
		e.Reason = closedIdle
		s.count(closedIdle)
	case err != nil && !errors.Is(err, lines.ErrFailed):
		s.report(c, reword(err))
	}
	messages := int64(c.Received())
	e.Messages = &messages
	s.Event(record.TypeClose, e)
}

// Left reports messages that were queued and could not be received at the end.
func (s *serving) Left(c *intake.Conn, what *intake.UnreadError) {
	err := fmt.Errorf("not all that was queued could be received in the time of --drain: %d bytes", what.Bytes)
	if c.Number() > 0 {
		err = fmt.Errorf("connection %d: %w", c.Number(), err)
	} else {
		err = wrapReceive(c, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	warn("listen", err)
	s.left++
	s.leftBytes += what.Bytes
}

// Failed reports an error after which the serving goes on.
func (s *serving) Failed(c *intake.Conn, err error) { s.report(c, reword(err)) }

// Refused reports a connection or a message that was refused.
func (s *serving) Refused(c *intake.Conn, from intake.Sender, why intake.Refusal) {
	reason := [...]string{intake.TooMany: refusedMany, intake.NotAllowed: refusedPeer, intake.HasDescriptors: refusedFDs}[why]
	s.count(reason)
	s.Event(record.TypeRefused, record.Event{Origin: lines.Origin(c, from), Reason: reason})
}

// Warn reports a shortage of descriptors or memory.
func (s *serving) Warn(err error) { warn("listen", err) }

func (s *serving) count(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = make(map[string]int)
	}
	s.counts[reason]++
}

// warnOfRefused prints at the end how much was refused, and why.
func (s *serving) warnOfRefused() {
	for _, reason := range []string{refusedMany, refusedPeer, refusedFDs, closedIdle} {
		if n := s.counts[reason]; n > 0 {
			warn("listen", fmt.Errorf("%d %s", n, reason))
		}
	}
}

// unread returns an error at the end if something was left in sockets.
func (s *serving) unread() error {
	if s.left == 0 {
		return nil
	}
	return fmt.Errorf("left unread: %d bytes of %d sockets", s.leftBytes, s.left)
}

// unsaved returns an error at the end if something was not saved. It does not wrap a signal
// that ended the saving: the exit code tells of what is lost, as listen handles the signal.
func (s *serving) unsaved() error {
	if err := s.Unsaved(); err != nil {
		return errors.New(err.Error())
	}
	return nil
}

// report reports an error of one connection, while the others go on.
func (s *serving) report(c *intake.Conn, err error) {
	_, named := err.(*fdio.Error)
	switch {
	case c.Number() > 0:
		err = fmt.Errorf("connection %d: %w", c.Number(), err)
	case !named:
		err = fmt.Errorf("%s: %w", c.Local(), err)
	}
	warn("listen", err)
	s.Event(record.TypeError, record.Event{Origin: record.Origin{Conn: c.Number(), Local: c.Local()}, Error: err.Error()})
}

// ended prints the last line.
func (s *serving) ended(cause error, served intake.Served, err error) {
	e := record.Event{Messages: &served.Messages, Connections: &served.Connections}
	switch cause := cause.(type) {
	case nil:
	case signalError:
		e.Reason = unix.SignalName(cause.signal)
	default:
		e.Reason = cause.Error()
	}
	if err != nil {
		e.Error = err.Error()
	}
	s.Event(record.TypeEnd, e)
}

// commandSink runs COMMAND for each message of a connection.
type commandSink struct {
	*serving
	lines   *lines.Sink
	conn    *intake.Conn
	command *spawn.Command
	runner  *spawn.Runner
}

// Take makes the line of the message in a batch, runs COMMAND with the message, and waits
// until COMMAND ends. A failure of COMMAND concerns this message only, and is no error.
func (s *commandSink) Take(b *intake.Batch) error {
	defer b.Release()
	seq, line, err := s.lines.One(b)
	if err != nil {
		return err
	}
	s.lines.Flush() // COMMAND may run for a long time
	if err := s.run(b.Messages[0], seq, line); err != nil {
		s.report(s.conn, fmt.Errorf("message %d: %w", seq, err))
	}
	return nil
}

// Flush has the lines written that have been made.
func (s *commandSink) Flush() error { return s.lines.Flush() }

func (s *commandSink) run(m *intake.Message, seq uint64, line []byte) error {
	if err := s.runner.Take(); err != nil {
		return fmt.Errorf("%w: the time of --drain is up", err)
	}
	defer s.runner.Give()
	h, err := s.handover(m)
	if err != nil {
		s.runner.Miss()
		return fmt.Errorf("COMMAND not run: %w", err)
	}
	defer h.Close()
	state, err := s.runner.Run(h, line)
	if err != nil {
		return err
	}
	e := record.Event{Origin: record.Origin{Conn: s.conn.Number()}, MessageSeq: seq, PID: state.Pid()}
	if status := state.Sys().(syscall.WaitStatus); status.Signaled() {
		e.Signal = unix.SignalName(status.Signal())
	} else {
		code := status.ExitStatus()
		e.ExitCode = &code
	}
	s.Event(record.TypeExit, e)
	return nil
}

// handover returns what COMMAND gets for a message.
func (s *commandSink) handover(m *intake.Message) (h *spawn.Handover, err error) {
	if err := m.CheckTruncated(); err != nil {
		return nil, err
	}
	if h, err = s.command.Handover(m.Rights(nil), spawn.ManagerVariables()...); err != nil {
		return nil, err
	}
	if err := h.AddMessage(m.Data()); err != nil {
		return nil, err
	}
	socket, err := s.conn.Socket().Duplicate()
	if err != nil {
		h.Close()
		return nil, err
	}
	h.AddExtra("FDMSG_CONN", socket)
	if from := m.From.String(); from != "" {
		h.AddVariable("FDMSG_FROM", from)
	}
	return h, nil
}

// endSignal returns the signal that ended the run, or SIGTERM if none did.
func endSignal(end context.Context) unix.Signal {
	if e, ok := errors.AsType[signalError](context.Cause(end)); ok {
		return e.signal
	}
	return unix.SIGTERM
}
