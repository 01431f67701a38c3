package commands

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"
)

// ContentFlags say what is read of descriptors.
type ContentFlags struct {
	Content        Which
	ContentLimit   Size
	ContentTotal   Size
	ContentTimeout Duration
	Save           string
	SaveLimit      FileSize

	directory *descriptor.Directory
	unread    bool             // large contents are left in their files until their line is written
	reopen    func(i int) bool // descriptors that are opened again if need be; nil: none
}

func (f *ContentFlags) declare(g *grammar) {
	f.ContentLimit, f.ContentTotal, f.ContentTimeout, f.SaveLimit = 1<<20, 16<<20, Duration(time.Second), 1<<30
	g.flag(one(&f.Content, parseWhich), "content", "files|all|none", "Which descriptors to read: regular files and memfds; pipes and terminals too; none (files)")
	g.flag(one(&f.ContentLimit, parseSize), "content-limit", "SIZE", "Read at most so much of each (1M)")
	g.flag(one(&f.ContentTotal, parseSize), "content-total", "SIZE", "Read at most so much of all in a message (16M)")
	g.flag(one(&f.ContentTimeout, parseDuration), "content-timeout", "DURATION", "Read at most so long from each; 0: no limit (1)")
	g.flag(one(&f.Save, asGiven), "save", "DIR", "Save the content of each, whole, as DIR/MESSAGE-INDEX-NAME, and show none without --content")
	g.flag(one(&f.SaveLimit, parseFileSize), "save-limit", "SIZE", "Save nothing that is larger (1G)")
}

// openSave opens the directory to save in, if there is to be one. close closes
// it.
func (f *ContentFlags) openSave() (close func(), err error) {
	if f.Save == "" {
		return func() {}, nil
	}
	if f.directory, err = descriptor.OpenDirectory(f.Save); err != nil {
		return nil, &fdio.Error{Address: f.Save, Op: "save", Err: cause(err)}
	}
	return func() { f.directory.Close() }, nil
}

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
		options.Unread = unreadContent
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
