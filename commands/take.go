package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// taker receives from one socket, and ends: what recv and call have in common.
type taker struct {
	*IncomingFlags
	*OutputFlag
	*CommandFlags
	quiet bool
	asks  bool // sends before it receives
	// open makes the socket that messages come from.
	open func(context.Context) (*fdio.Socket, error)
}

// validateOne checks the flags of receiving from one socket.
func (f *IncomingFlags) validateOne(a fdio.Address, order []string, command *CommandFlags) error {
	if err := command.validateCommand(); err != nil {
		return err
	}
	if command.argv != nil && f.Count.Given && f.Count.N != 1 {
		return usagef("", "-n %d: COMMAND is given one message", f.Count.N)
	}
	if command.argv != nil {
		f.Count = Count{N: 1, Given: true}
	}
	if err := f.usePeek(); err != nil {
		return err
	}
	if err := f.checkSize(a.Network.IsStream()); err != nil {
		return err
	}
	return f.checkBuffers(order)
}

func (t *taker) run(parent context.Context) error {
	file, closeSave, err := prepare(parent, t.CommandFlags, &t.ContentFlags, t.OutputFlag, t.quiet)
	if err != nil {
		return err
	}
	defer closeSave()
	if t.argv != nil {
		return t.become(parent, file)
	}
	return t.print(parent, file)
}

// become receives one message, makes its line if there is to be one, and hands
// it over to COMMAND.
func (t *taker) become(ctx context.Context, file *os.File) error {
	s, err := t.open(ctx)
	if err != nil {
		return err
	}
	if err := checkFrame(t.frame, s.Local().String(), s.IsStream()); err != nil {
		return errors.Join(err, s.Close())
	}
	in := descriptor.NewInspector()
	out := startOutput(ctx, in, file, func(error) {})
	conn := newReceiver(ctx, in, t.IncomingFlags, out, func(error) {}).connection(s, s.Local().String())
	sc, err := conn.receiveUntil(ctx)
	switch {
	case err == io.EOF && conn.framing != nil && len(conn.framing.frame) > 0:
		err = &exitError{exitPeerEnded, conn.wrap(errUnfinished), ""}
	case err == io.EOF:
		err = conn.ended(1)
	}
	if conn.partial != nil {
		err = fmt.Errorf("%w (%d bytes had come, and are lost)", err, conn.partial.msg.N)
	}
	// Before COMMAND begins: closing removes the file of a datagram socket.
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	defer conn.release(sc)
	conn.closeFraming()
	if err := sc.msg.CheckTruncated(); err != nil {
		return conn.wrap(err)
	}
	if _, err := conn.show(sc); err != nil && err != errOutput {
		return err
	}
	if err := errors.Join(out.close(), conn.failed); err != nil {
		return err
	}
	h, err := t.handover(sc.msg.Rights(nil))
	if err == nil {
		err = h.addMessage(sc.msg.Data())
	}
	if err != nil {
		return conn.wrap(err)
	}
	return become(ctx, t.path, t.argv, h)
}

// receiveUntil is receive that ends with ctx.
func (c *connection) receiveUntil(ctx context.Context) (*scratch, error) {
	stop := context.AfterFunc(ctx, c.socket.Interrupt)
	defer stop()
	sc, err := c.receive()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = c.wrap(context.Cause(ctx))
	}
	return sc, err
}

// print receives and prints until it has what was asked for.
func (t *taker) print(parent context.Context, file *os.File) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	in := descriptor.NewInspector()
	out := startOutput(parent, in, file, cancel)
	s, err := t.open(ctx)
	if context.Cause(ctx) == errReaderGone {
		if err == nil {
			err = s.Close()
		} else {
			err = nil
		}
		return errors.Join(err, out.close())
	}
	if err != nil {
		return err
	}
	if s.IsDatagram() && !t.Count.Given {
		t.Count.N = 1
	}
	if err := cmp.Or(t.checkSize(s.IsStream()), checkFrame(t.frame, s.Local().String(), s.IsStream())); err != nil {
		return errors.Join(err, s.Close())
	}
	lines := out
	if t.asks && file == os.Stdout && s.SameSocket(unix.Stdout) {
		lines = nil // they would be messages to the peer
	}
	conn := newReceiver(parent, in, t.IncomingFlags, lines, cancel).connection(s, s.Local().String())
	if err = conn.serve(ctx); errors.Is(err, errOutput) {
		err = nil // out says more
	}
	if err = errors.Join(err, out.close(), s.Close(), conn.failed); err != nil {
		return errors.Join(err, context.Cause(parent))
	}
	return t.outcome(ctx, conn)
}

// outcome is what becomes of a run in which nothing failed.
func (t *taker) outcome(ctx context.Context, conn *connection) error {
	switch {
	case t.Count.N > 0 && conn.got >= t.Count.N, context.Cause(ctx) == errReaderGone:
		return nil
	case ctx.Err() != nil && context.Cause(ctx) == errTimeout:
		return &exitError{exitTimeout, fmt.Errorf("%w after %d messages", conn.wrap(errTimeout), conn.got), ""}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case conn.unfinished:
		return &exitError{exitPeerEnded, conn.wrap(errUnfinished), ""}
	case t.Count.N > 0 || conn.got == 0:
		return conn.ended(t.Count.N)
	}
	return nil
}

var errUnfinished = errors.New("the peer ended in the middle of a message")

// ended is the error of a peer that ended before the wanted number of messages
// had come.
func (c *connection) ended(wanted int) error {
	err := errors.New("the peer ended without sending anything")
	if c.got > 0 {
		err = fmt.Errorf("the peer ended after %d of %d messages", c.got, wanted)
	}
	return &exitError{exitPeerEnded, c.wrap(err), ""}
}
