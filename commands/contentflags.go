package commands

import (
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
		return nil, &fdio.Error{Name: f.Save, Op: "save", Err: cause(err)}
	}
	return func() { f.directory.Close() }, nil
}
