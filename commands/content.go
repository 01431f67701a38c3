package commands

import (
	"context"
	"time"

	"fdmsg/fdio/descriptor"
)

// ContentFlags say what is read of descriptors.
type ContentFlags struct {
	Content        string   `default:"files" enum:"files,all,none" placeholder:"files|all|none" help:"Which descriptors to read: regular files and memfds; pipes and terminals too; none (files)"`
	ContentLimit   Size     `default:"1M" placeholder:"SIZE" help:"Read at most so much of each (1M)"`
	ContentTotal   Size     `default:"16M" placeholder:"SIZE" help:"Read at most so much of all in a message (16M)"`
	ContentTimeout Duration `default:"1" placeholder:"DURATION" help:"Read at most so long from each; 0: no limit (1)"`
}

// read reads what is in descriptors, as far as it is wanted, into arena.
func (f *ContentFlags) read(ctx context.Context, in *descriptor.Inspector, descriptors []descriptor.Descriptor, arena []byte) []byte {
	options := descriptor.ReadOptions{
		Which:   descriptor.Which(f.Content),
		Timeout: time.Duration(f.ContentTimeout),
	}
	for i := range descriptors {
		left := int64(f.ContentTotal) - int64(len(arena))
		options.Limit = min(int64(f.ContentLimit), left)
		arena = in.Read(ctx, &descriptors[i], arena, options)
	}
	return arena
}
