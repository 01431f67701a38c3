package commands

import (
	"context"
	"errors"
	"os"
	"time"

	"fdmsg/commands/internal/lines"
	"fdmsg/commands/internal/spawn"
	"fdmsg/fdio/descriptor"
	"fdmsg/fdio/record"

	"golang.org/x/sys/unix"
)

const openNotes = `One line of type "opened" is printed, which describes the descriptors and shows
their contents. With COMMAND, fdmsg becomes COMMAND instead: the descriptors are
3, 4, 5 and so on, in order, and LISTEN_FDS is their number (sd_listen_fds(3)).
`

const openExample = `  $ fdmsg open "pid:$(pidof -s server):1" | jq -r '.fds[0].content'
`

type openCommand struct {
	ContentFlags `group:"Descriptors and contents:"`
	Wait         Duration `group:"Descriptors and contents:" placeholder:"DURATION" help:"Keep trying for this long while nobody listens at the address of a connect: descriptor."`
	OutputFlag   `group:"Output:"`
	CommandFlags `group:"COMMAND:"`
	CommonFlags  `group:"General:"`

	Descriptors []string `arg:"" name:"DESCRIPTOR"`

	specs []descriptor.Spec
}

// AfterApply checks the command line.
func (c *openCommand) AfterApply() (err error) {
	var stdin claims
	if c.specs, err = parseSpecs(c.Descriptors, c.Wait, &stdin); err != nil {
		return err
	}
	if err := check(c.CommandFlags.rules()); err != nil {
		return err
	}
	return stdin.check()
}

// Run opens the descriptors, and shows them or becomes COMMAND.
func (c *openCommand) Run(ctx context.Context) error {
	file, closeSave, err := prepare(ctx, &c.CommandFlags, &c.ContentFlags, &c.OutputFlag, c.Quiet)
	if err != nil {
		return err
	}
	defer closeSave()
	fds, release, err := openAll(ctx, c.specs)
	if err != nil {
		return err
	}
	defer release()
	if err := c.show(ctx, file, fds); err != nil || c.argv == nil {
		return err
	}
	for i, spec := range c.specs {
		if !spec.Inherited() {
			continue
		}
		// Each gets a copy, since the same descriptor may have been named twice.
		if fds[i], err = unix.FcntlInt(uintptr(fds[i]), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
	}
	h, err := c.command().Handover(fds)
	if err != nil {
		return err
	}
	return spawn.Become(ctx, c.path, c.argv, h)
}

// show saves the contents if they are to be saved, and prints the line.
func (c *openCommand) show(ctx context.Context, file *os.File, fds []int) error {
	if file == nil && c.directory == nil {
		return nil
	}
	content := c.content()
	// A log of another process is open for writing only. Opening it again shows its content.
	content.Reopen = func(i int) bool { return c.specs[i].OtherProcess() }
	content.Later = file != nil
	in := descriptor.NewInspector()
	descriptors := describe(in, fds)
	content.Read(ctx, in, 1, descriptors, nil)
	var unsaved error
	if c.directory != nil {
		unsaved = lines.Unsaved(descriptors)
	}
	if file == nil {
		return errors.Join(unsaved, context.Cause(ctx))
	}
	out := lines.New(file, func() {})
	out.GiveUp(ctx)
	var line record.Line
	line.Opened(time.Now(), descriptors)
	out.AppendLine(record.TypeOpened, &line)
	out.Flush()
	return errors.Join(out.Close(), unsaved, context.Cause(ctx))
}
