package commands

import (
	"fdmsg/fdio"
	"fdmsg/fdio/descriptor"
)

// ContentFlags say which contents of descriptors are read and saved.
type ContentFlags struct {
	Content        Which    `placeholder:"WHICH" help:"Which descriptors to read: files (regular files and memfds), all (also pipes, terminals and files of proc, sysfs and the like) or none (default: files)."`
	ContentLimit   Size     `placeholder:"SIZE" default:"1M" help:"Read at most this much of each descriptor."`
	ContentTotal   Size     `placeholder:"SIZE" default:"16M" help:"Read at most this much of all descriptors of a message together."`
	ContentTimeout Duration `placeholder:"DURATION" default:"1s" help:"Read from each descriptor for at most this long; 0 means no limit."`
	Save           string   `placeholder:"DIR" help:"Save the whole content of each descriptor as DIR/MESSAGE-INDEX-NAME, and show contents only if --content is given. The exit code is 1 if one could not be saved."`
	SaveLimit      FileSize `placeholder:"SIZE" default:"1G" help:"Save no content that is larger than this."`

	directory *descriptor.Directory
}

// openSave opens the directory of --save, if the flag is given. close closes it.
func (f *ContentFlags) openSave() (close func(), err error) {
	if f.Save == "" {
		return func() {}, nil
	}
	if f.directory, err = descriptor.OpenDirectory(f.Save); err != nil {
		return nil, &fdio.Error{Name: f.Save, Op: "save", Err: cause(err)}
	}
	return func() { f.directory.Close() }, nil
}
