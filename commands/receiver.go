package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"fdmsg/commands/internal/lines"
	"fdmsg/commands/internal/spawn"
	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/intake"

	"golang.org/x/sys/unix"
)

// receiver receives from one socket and ends. It is what recv and call have in common.
type receiver struct {
	*IncomingFlags
	*OutputFlag
	*CommandFlags
	quiet bool
	asks  bool // open has sent a message
	told  told
	// open opens the socket from which messages are received.
	open func(context.Context) (*fdio.Socket, error)
}

// told is the Observer of a receiver: it prints errors after which receiving goes on.
type told struct {
	intake.Nobody
	command string
	any     bool // there were some
}

// Failed prints err.
func (t *told) Failed(_ *intake.Conn, err error) {
	warn(t.command, reword(err))
	t.any = true
}

// fail returns the error of a run that ended with err, and would otherwise not have
// failed: it has if errors were printed.
func (t *told) fail(err error) error {
	if !t.any {
		return err
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return &exitError{exitFailed, e.err, e.hint}
	}
	return errors.Join(err, errTold)
}

func (r *receiver) run(parent context.Context) error {
	file, closeSave, err := prepare(parent, r.CommandFlags, &r.ContentFlags, r.OutputFlag, r.quiet)
	if err != nil {
		return err
	}
	defer closeSave()
	if r.argv != nil {
		return r.become(parent, file)
	}
	return r.print(parent, file)
}

// become receives one message, writes its line if lines are wanted, and becomes COMMAND.
func (r *receiver) become(ctx context.Context, file *os.File) error {
	s, err := r.open(ctx)
	if err != nil {
		return err
	}
	inspector := descriptor.NewInspector()
	out := startOutput(ctx, inspector, file, func(error) {})
	first := &firstMessage{Maker: r.maker(ctx, inspector, out), command: r.command()}
	options := r.intakeOptions(intake.Fail)
	options.Observer = &r.told
	options.NewSink = func(conn *intake.Conn) intake.Sink { return first }
	conn := intake.New(ctx, options).Conn(s)
	first.conn = conn
	err = first.outcome(ctx, reword(conn.Serve()))
	// The socket is closed here and not by execve(2), to remove the file of a datagram socket.
	if err = errors.Join(err, s.Close(), out.Close(), first.Unsaved()); err != nil {
		return err
	}
	return spawn.Become(ctx, r.path, r.argv, first.handover)
}

// firstMessage is a sink that prepares what COMMAND gets of a message.
type firstMessage struct {
	*lines.Maker
	conn     *intake.Conn
	command  *spawn.Command
	handover *spawn.Handover
	lost     int // bytes of a message that was not complete
	err      error
}

// Take prepares COMMAND for the message of a batch.
func (f *firstMessage) Take(b *intake.Batch) error {
	defer b.Release()
	if b.Incomplete {
		f.lost = b.Messages[0].N
		return nil
	}
	if err := f.prepare(b); err != nil {
		f.err = wrapReceive(f.conn, err)
	}
	return nil
}

// Flush does nothing: nothing is ever left to be done.
func (f *firstMessage) Flush() error { return nil }

func (f *firstMessage) prepare(b *intake.Batch) (err error) {
	m := b.Messages[0]
	if err := m.CheckTruncated(); err != nil {
		return err
	}
	if _, _, err := f.Sink(f.conn).One(b); err != nil && err != lines.ErrFailed { // Writer.Close reports that one
		return err
	}
	h, err := f.command.Handover(m.Rights(nil))
	if err == nil {
		err = h.AddMessage(m.Data())
	}
	if err != nil {
		return err
	}
	f.handover, m.Control = h, nil // COMMAND's
	return nil
}

// outcome returns the error of a run that ended with err and without a message.
func (f *firstMessage) outcome(ctx context.Context, err error) error {
	switch {
	case f.err != nil || f.handover != nil:
		return f.err
	case err == nil && ctx.Err() != nil:
		err = wrapReceive(f.conn, context.Cause(ctx))
	case err == nil && f.conn.Unfinished():
		return &exitError{exitPeerEnded, wrapReceive(f.conn, errUnfinished), ""}
	case err == nil:
		return peerEnded(f.conn, 1)
	}
	if f.lost > 0 {
		err = fmt.Errorf("%w (%d bytes had come, and are lost)", err, f.lost)
	}
	return err
}

// print receives messages and prints lines until it has what was asked for.
func (r *receiver) print(parent context.Context, file *os.File) error {
	inspector := descriptor.NewInspector()
	options := r.intakeOptions(intake.Fail)
	options.Observer = &r.told
	var mk *lines.Maker // set when the socket is open
	options.NewSink = func(c *intake.Conn) intake.Sink { return mk.Sink(c) }
	in := intake.New(parent, options)
	defer in.Stop(nil)
	out := startOutput(parent, inspector, file, in.Stop)
	s, err := r.open(in.Context())
	if context.Cause(in.Context()) == errReaderGone {
		if err == nil {
			err = s.Close()
		} else {
			err = nil
		}
		return errors.Join(err, out.Close())
	}
	if err != nil {
		return err
	}
	if s.IsDatagram() && !r.Count.Given {
		r.Count.N = 1
		in.SetCount(1)
	}
	mk = r.maker(parent, inspector, out)
	if r.asks && file == os.Stdout && s.SameSocket(unix.Stdout) {
		mk = r.maker(parent, inspector, nil) // lines would be sent to the peer
	}
	conn := in.Conn(s)
	if err = reword(conn.Serve()); errors.Is(err, lines.ErrFailed) {
		err = nil // out.Close returns the reason
	}
	if err = errors.Join(err, out.Close(), s.Close(), mk.Unsaved()); err != nil {
		return errors.Join(err, context.Cause(parent))
	}
	return r.told.fail(r.outcome(in.Context(), conn))
}

// outcome returns the error with which a run ends in which nothing failed.
func (r *receiver) outcome(ctx context.Context, conn *intake.Conn) error {
	switch {
	case r.Count.N > 0 && conn.Received() >= r.Count.N, context.Cause(ctx) == errReaderGone:
		return nil
	case ctx.Err() != nil && context.Cause(ctx) == errTimeout:
		return &exitError{exitTimeout, fmt.Errorf("%w after %d messages", wrapReceive(conn, errTimeout), conn.Received()), ""}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case conn.Unfinished():
		return &exitError{exitPeerEnded, wrapReceive(conn, errUnfinished), ""}
	case r.Count.N > 0 || conn.Received() == 0:
		return peerEnded(conn, r.Count.N)
	}
	return nil
}

var errUnfinished = errors.New("the peer ended in the middle of a message")

// peerEnded returns the error of a peer that ended before it had sent the wanted number of
// messages.
func peerEnded(conn *intake.Conn, wanted int) error {
	err := errors.New("the peer ended without sending anything")
	if n := conn.Received(); n > 0 {
		err = fmt.Errorf("the peer ended after %d of %d messages", n, wanted)
	}
	return &exitError{exitPeerEnded, wrapReceive(conn, err), ""}
}

// wrapReceive adds the address of the peer, or of the socket, to err.
func wrapReceive(conn *intake.Conn, err error) error {
	return &fdio.Error{Name: cmp.Or(conn.Remote(), conn.Local()), Op: "receive", Err: err}
}
