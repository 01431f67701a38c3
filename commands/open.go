package commands

import (
	"context"
	"errors"
	"os"
	"time"

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
	CommonFlags

	Descriptors []string `arg:"" name:"DESCRIPTOR"`

	specs []descriptor.Spec
	argv  []string // COMMAND
}

func (c *openCommand) setCommand(argv []string) { c.argv = argv }

func (c *openCommand) validate() (err error) {
	var stdin claims
	if c.specs, err = parseSpecs(c.Descriptors, &stdin); err != nil {
		return err
	}
	return stdin.check()
}

func (c *openCommand) run(ctx context.Context) error {
	if c.argv == nil {
		return c.print(ctx)
	}
	path, err := lookCommand(c.argv[0])
	if err != nil {
		return err
	}
	fds, release, err := openAll(ctx, c.specs)
	if err != nil {
		return err
	}
	defer release()
	for i, spec := range c.specs {
		if !spec.Inherited() {
			continue
		}
		// One of its own each: the same may have been named twice.
		if fds[i], err = unix.FcntlInt(uintptr(fds[i]), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
	}
	return become(ctx, path, c.argv, commandEnv(len(fds)), fds, nil)
}

func (c *openCommand) print(ctx context.Context) error {
	fds, release, err := openAll(ctx, c.specs)
	if err != nil {
		return err
	}
	defer release()
	if c.Quiet {
		return nil
	}
	in := descriptor.NewInspector()
	descriptors := describe(in, fds)
	c.read(ctx, in, descriptors, nil)
	out := newOutput(os.Stdout, func() {})
	out.giveUp(ctx)
	out.write(record.TypeOpened, record.AppendOpened(nil, time.Now(), descriptors))
	return errors.Join(out.close(), context.Cause(ctx))
}
