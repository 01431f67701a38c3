package commands

import (
	"context"
	"os"

	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"
)

// OutputFlag says where the lines go.
type OutputFlag struct {
	Output string `placeholder:"FILE" help:"Append the lines to FILE instead of printing them. With COMMAND, there are no lines otherwise."`
}

// openOutput opens the file that the lines go to, and returns nil if no lines are
// wanted. It does not wait for the reader of a FIFO.
func (f *OutputFlag) openOutput(ctx context.Context, quiet, isCommand bool) (*os.File, error) {
	switch {
	case quiet || isCommand && f.Output == "":
		return nil, nil
	case f.Output == "" || f.Output == "-":
		return os.Stdout, nil
	}
	fd, err := descriptor.Spec{Scheme: "a", Path: f.Output}.Open(ctx)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Output), nil
}

// startOutput returns the writer of lines to file, nil if file is nil. It ends the
// run with cancel when the reader goes away or a write fails.
func startOutput(ctx context.Context, in *descriptor.Inspector, file *os.File, cancel context.CancelCauseFunc) *output {
	if file == nil {
		return nil
	}
	o := newOutput(file, func() { cancel(errOutput) })
	o.prompt = o.part == 0 && !in.Stalls(int(file.Fd()))
	o.giveUp(ctx)
	go func() { // until the process ends
		if fdio.WaitHangup(ctx, int(file.Fd())) == nil {
			cancel(errReaderGone)
		}
	}()
	return o
}
