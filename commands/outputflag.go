package commands

import (
	"context"
	"os"

	"fdmsg/fdio/descriptor"
)

// OutputFlag says where lines go.
type OutputFlag struct {
	Output string
}

func (f *OutputFlag) declare(g *grammar) {
	g.flag(one(&f.Output, asGiven), "output", "FILE", "Append the lines to FILE instead of printing them; with COMMAND there are none otherwise")
}

// openOutput opens what the lines go to, nil for nothing. A FIFO that nobody reads is
// not waited for.
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

// startOutput begins to write lines to file, nil for none, and ends the run with
// cancel when its reader goes away or a write fails.
func startOutput(ctx context.Context, in *descriptor.Inspector, file *os.File, cancel context.CancelCauseFunc) *output {
	if file == nil {
		return nil
	}
	o := newOutput(file, func() { cancel(errOutput) })
	o.prompt = o.part == 0 && !in.Stalls(int(file.Fd()))
	o.giveUp(ctx)
	go func() { // until the process ends
		if descriptor.AwaitHangup(ctx, int(file.Fd())) == nil {
			cancel(errReaderGone)
		}
	}()
	return o
}
