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

const openHelp = descriptorHelp + "\n" + addressHelp + `
fdmsg prints one line of type "opened", with the descriptors described and read.
With COMMAND it becomes that command instead: the descriptors are 3, 4, 5 ... in
order, and their number is in LISTEN_FDS (sd_listen_fds(3)).
` + "\n" + valueHelp

type openCommand struct {
	ContentFlags
	OutputFlag
	CommandFlags
	CommonFlags

	Wait Duration

	Descriptors []string

	specs []descriptor.Spec
}

func (c *openCommand) declare(g *grammar) {
	c.ContentFlags.declare(g)
	c.OutputFlag.declare(g)
	c.CommandFlags.declare(g)
	c.CommonFlags.declare(g)
	g.flag(one(&c.Wait, parseDuration), "wait", "DURATION", "For connect: keep trying for so long while nobody listens there")
	g.argument(many(&c.Descriptors, asGiven), "DESCRIPTOR")
}

func (c *openCommand) validate() (err error) {
	var stdin claims
	if c.specs, err = parseSpecs(c.Descriptors, c.Wait, &stdin); err != nil {
		return err
	}
	if err := c.validateCommand(); err != nil {
		return err
	}
	return stdin.check()
}

func (c *openCommand) run(ctx context.Context) error {
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
		// One of its own each: the same may have been named twice.
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

// show saves what is to be saved and prints the line.
func (c *openCommand) show(ctx context.Context, file *os.File, fds []int) error {
	if file == nil && c.directory == nil {
		return nil
	}
	content := c.content()
	// A log is open for writing only, and its process does not mind who reads it.
	content.Reopen = func(i int) bool { return c.specs[i].OtherProcess() }
	content.Later = file != nil
	in := descriptor.NewInspector()
	descriptors := describe(in, fds)
	content.Read(ctx, in, 1, descriptors, nil)
	if file == nil {
		return errors.Join(lines.Unsaved(descriptors), context.Cause(ctx))
	}
	out := lines.New(file, func() {})
	out.GiveUp(ctx)
	var line record.Line
	line.Opened(time.Now(), descriptors)
	out.AppendLine(record.TypeOpened, &line)
	out.Flush()
	return errors.Join(out.Close(), context.Cause(ctx))
}
