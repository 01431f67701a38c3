package commands

import (
	"context"
	"os"
	"time"

	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/intake"

	"fdmsg/commands/internal/lines"
	"fdmsg/commands/internal/spawn"
)

// This file turns the flags of the commands that receive messages into options of the
// packages that do the work.

// intakeOptions returns the options of package intake. cut is what --fds cut means.
func (f *IncomingFlags) intakeOptions(cut intake.Rights) intake.Options {
	sizes := []int{int(f.Size)}
	if len(f.Buffer) > 0 {
		sizes = sizes[:0]
		for _, size := range f.Buffer {
			sizes = append(sizes, int(size))
		}
	}
	rights := map[Action]intake.Rights{dropFDs: intake.Drop, cutFDs: cut}
	return intake.Options{
		Count:       f.Count.N,
		Flags:       f.recvFlags,
		Sizes:       sizes,
		ControlSize: int(f.ControlSize),
		Frame:       f.frame,
		MaxFrame:    int(f.MaxFrame),
		Rights:      rights[f.FDs],
		OneByOne:    f.Save != "", // what saving has to wait for stays in the socket
		Drain:       -1,
	}
}

// content returns the options for the contents of descriptors.
func (f *ContentFlags) content() lines.Content {
	return lines.Content{
		Which:     descriptor.Which(f.Content),
		Limit:     int64(f.ContentLimit),
		Total:     int64(f.ContentTotal),
		Timeout:   time.Duration(f.ContentTimeout),
		Directory: f.directory,
		SaveLimit: int64(f.SaveLimit),
	}
}

// maker returns a Maker of lines that are written to out, which may be nil. All reading of
// contents ends when end does.
func (f *IncomingFlags) maker(end context.Context, in *descriptor.Inspector, out *lines.Writer) *lines.Maker {
	mk := lines.NewMaker()
	mk.Out, mk.Inspector, mk.End = out, in, end
	mk.Content = f.content()
	mk.Content.Later = out != nil
	mk.Flags, mk.Buffers = f.recvFlags, len(f.Buffer) > 0
	return mk
}

// afterDrain returns a context that ends when a time has passed since end: until then, what
// was received when end came is described, read and saved.
func afterDrain(end context.Context, drain time.Duration) context.Context {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(end))
	context.AfterFunc(end, func() {
		time.AfterFunc(drain, func() { cancel(context.Cause(end)) })
	})
	return ctx
}

// prepare finds COMMAND and opens the files for lines and contents, before anything is bound
// or connected. file is nil if no lines are wanted; close closes the directory of --save.
func prepare(ctx context.Context, command *CommandFlags, content *ContentFlags, output *OutputFlag, quiet bool) (file *os.File, close func(), err error) {
	if err := command.find(); err != nil {
		return nil, nil, err
	}
	if close, err = content.openSave(); err != nil {
		return nil, nil, err
	}
	if file, err = output.openOutput(ctx, quiet, command.argv != nil); err != nil {
		close()
		return nil, nil, err
	}
	return file, close, nil
}

// find finds the file of COMMAND, if there is a COMMAND.
func (f *CommandFlags) find() (err error) {
	if f.argv != nil {
		f.path, err = spawn.Look(f.argv[0])
	}
	return err
}

// command returns COMMAND for package spawn.
func (f *CommandFlags) command() *spawn.Command {
	c := &spawn.Command{Argv: f.argv, Path: f.path, Names: f.names()}
	if f.Stdin.Given {
		c.Stdin = &f.Stdin.N
	}
	if f.Stdout.Given {
		c.Stdout = &f.Stdout.N
	}
	return c
}

// startOutput returns a Writer of lines to file, or nil if file is nil. It calls stop to end
// the run when the reader has gone or a write fails.
func startOutput(ctx context.Context, in *descriptor.Inspector, file *os.File, stop func(error)) *lines.Writer {
	if file == nil {
		return nil
	}
	w := lines.New(file, func() { stop(lines.ErrFailed) })
	if w.IsFile() && !in.Stalls(int(file.Fd())) {
		w.SetPrompt()
	}
	w.GiveUp(ctx)
	go func() { // until the process ends
		if descriptor.AwaitHangup(ctx, int(file.Fd())) == nil {
			stop(errReaderGone)
		}
	}()
	return w
}
