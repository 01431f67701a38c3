package commands

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"fdmsg/fdio/descriptor"
)

// prepare finds COMMAND and opens what lines and contents go to, before anything
// is bound or connected. file is nil where no lines are wanted; close closes the
// directory.
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

// unreadContent is the largest content that is held in memory while its line waits
// to be written, where there is a choice. Files may change meanwhile; with the
// limits that there are by default, none is as large.
const unreadContent = 16 << 20

// read reads and saves what is in the descriptors of a message, as far as it is
// wanted, and reads into arena.
func (f *ContentFlags) read(ctx context.Context, in *descriptor.Inspector, message int64, descriptors []descriptor.Descriptor, arena []byte) []byte {
	options := descriptor.ReadOptions{
		Which:   descriptor.Which(cmp.Or(f.Content, Which(descriptor.Files))),
		Timeout: time.Duration(f.ContentTimeout),
	}
	if f.directory != nil {
		options.Which = descriptor.Which(cmp.Or(f.Content, Which(descriptor.Nothing)))
		options.Save = &descriptor.SaveOptions{Directory: f.directory, Which: descriptor.Files, Limit: int64(f.SaveLimit)}
		if options.Which == descriptor.All {
			options.Save.Which = descriptor.All
		}
	}
	if f.unread {
		options.Defer = unreadContent
	}
	left := int64(f.ContentTotal)
	for i := range descriptors {
		if options.Save != nil {
			options.Save.Name = fmt.Sprintf("%d-%d", message, i)
		}
		options.Reopen = f.reopen != nil && f.reopen(i)
		options.Limit = min(int64(f.ContentLimit), left)
		arena = in.Read(ctx, &descriptors[i], arena, options)
		left -= descriptors[i].Content.Size()
	}
	return arena
}

// unsaved is an error where no line says that descriptors could not be saved.
func unsaved(descriptors []descriptor.Descriptor) error {
	failed, first := 0, error(nil)
	for i := range descriptors {
		if err := descriptors[i].Content.Err; err != nil {
			failed++
			if failed == 1 {
				first = fmt.Errorf("descriptor %d: %w", i, err)
			}
		}
	}
	if failed > 1 {
		first = fmt.Errorf("%w (and %d more)", first, failed-1)
	}
	return first
}
