package commands

import (
	"context"
	"os"

	"fdmsg/fdio/descriptor"
)

// OutputFlag says where the lines are written.
type OutputFlag struct {
	Output string `placeholder:"FILE" help:"Append the lines to FILE instead of printing them. With COMMAND, there are no lines otherwise."`
}

// openOutput opens the file to which the lines are written, or returns nil if no lines are
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
