package descriptor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// SaveOptions say where a content is saved.
type SaveOptions struct {
	Directory *Directory
	Name      string // of the file; a safe form of the descriptor's own name is added
	Which     Which  // which descriptors
	Limit     int64  // bytes; of what has more, nothing is kept
}

// Directory is where contents are saved, each to a new file.
type Directory struct {
	root *os.Root
	path string // absolute
}

// OpenDirectory opens an existing directory to save to. The caller closes it.
func OpenDirectory(path string) (*Directory, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if fi, err := os.Stat(path); err == nil && !fi.IsDir() { // opening a FIFO would wait
		return nil, &os.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Directory{root, absolute}, nil
}

// Close closes the directory.
func (dir *Directory) Close() error { return dir.root.Close() }

// maxSameName is how many files of one name there may be.
const maxSameName = 100_000

// create makes a new file, with a number after its name if there is a file of that
// name: nothing is overwritten.
func (dir *Directory) create(name string, mode os.FileMode) (file *os.File, err error) {
	for try := range maxSameName {
		numbered := name
		if try > 0 {
			numbered += "." + strconv.Itoa(try)
		}
		file, err = dir.root.OpenFile(numbered, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_LARGEFILE, mode)
		if !errors.Is(err, os.ErrExist) {
			break
		}
	}
	return file, err
}

// What can be wrong with a descriptor that is to be saved.
var (
	ErrNoContent = errors.New("has no content")
	ErrNotFile   = errors.New("not a regular file or memfd")
)

// Unsaved returns why there is no file with the content of a descriptor that Read was to
// save, or nil if there is one. The error is ErrNoContent if that kind is never read, and
// ErrNotFile if SaveOptions.Which leaves it out.
func (d *Descriptor) Unsaved() error {
	switch c := &d.Content; {
	case c.Saved != "":
		return nil
	case c.Err != nil:
		return c.Err
	case d.Kind.row().content == none:
		return saveError(fmt.Errorf("%s: %w", d.Kind, ErrNoContent))
	case d.onPseudoFileSystem():
		return saveError(fmt.Errorf("file of %s: %w", d.FileSystem, ErrNotFile))
	}
	return saveError(fmt.Errorf("%s: %w", d.Kind, ErrNotFile))
}

// readSaving saves the content, and reads what is wanted of it from the copy, since
// some contents can be read only once. A file that could not be saved whole is
// removed.
func (in *Inspector) readSaving(ctx context.Context, d *Descriptor, arena []byte, o ReadOptions) []byte {
	file, err := o.Save.Directory.create(o.Save.Name+suffixFor(d), modeFor(d))
	if err != nil {
		return in.notSaved(ctx, d, arena, o, err)
	}
	defer file.Close()
	name := filepath.Base(file.Name())
	size, err := in.copyTo(ctx, file, d, o)
	if err == nil {
		d.Content.Saved = filepath.Join(o.Save.Directory.path, name)
		d.Content.SavedSize = size
	} else {
		o.Save.Directory.root.Remove(name)
		if d.Kind.row().content != stream {
			return in.notSaved(ctx, d, arena, o, err)
		}
	}
	if d.Content.Read {
		copied := Descriptor{FD: int(file.Fd()), Kind: KindFile, Inode: Inode{Size: size}}
		arena = copied.makeRoom(arena, o.Limit)
		start := len(arena)
		arena = copied.readFile(patience{ctx: context.WithoutCancel(ctx)}, arena, o.Limit, false)
		d.Content.Data, d.Content.Truncated = arena[start:len(arena):len(arena)], copied.Content.Truncated
	}
	if err != nil {
		d.Content.Err = saveError(err)
	}
	return arena
}

// notSaved reads the content, if that is wanted, after saving it has failed.
func (in *Inspector) notSaved(ctx context.Context, d *Descriptor, arena []byte, o ReadOptions, err error) []byte {
	if d.Content.Read {
		arena = in.read(ctx, d, arena, o)
	}
	d.Content.Err = saveError(err)
	return arena
}

func saveError(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("save: %w", err)
}

// copyTo copies the whole content.
func (in *Inspector) copyTo(ctx context.Context, file *os.File, d *Descriptor, o ReadOptions) (size int64, err error) {
	to := int(file.Fd())
	switch {
	case d.mayHang():
		return in.copyApart(renewedPatience(ctx, o.Timeout), to, d, o.Save.Limit)
	case d.Kind.row().content == stream, d.Inode.Size == 0:
		return copyContents(renewedPatience(ctx, o.Timeout), to, d.FD, o.Save.Limit)
	}
	return copyContents(patience{ctx: ctx}, to, d.FD, o.Save.Limit)
}

// copyApart is copyContents on a thread that can be left behind, with descriptors
// of its own.
func (in *Inspector) copyApart(p patience, to int, d *Descriptor, limit int64) (int64, error) {
	own, err := unix.FcntlInt(uintptr(to), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("fcntl", err)
	}
	type result struct {
		size int64
		err  error
	}
	copied := make(chan result, 1)
	longer := p
	longer.extra = afterPatience
	err = in.stalling.run(longer, d.FD, func(from int) {
		defer unix.Close(own)
		size, err := copyContents(p, own, from, limit)
		copied <- result{size, err}
	})
	if err == ErrStalled {
		unix.Close(own)
	}
	if err != nil {
		return 0, err
	}
	r := <-copied
	return r.size, r.err
}

// modeFor returns the permissions of the copy: nobody may read it who could not
// read the original.
func modeFor(d *Descriptor) os.FileMode {
	if d.Kind == KindFile {
		return os.FileMode(d.Inode.Mode)&0o666 | 0o600
	}
	return 0o600
}

// maxSuffix is how many bytes of a descriptor's own name go into the name of a
// file. NAME_MAX leaves room for what precedes and follows it.
const maxSuffix = 200

// suffixFor returns a hyphen and the last part of the descriptor's path, or the
// name of a memfd, without characters that could do harm. It is empty if there is
// no name.
func suffixFor(d *Descriptor) string {
	name := path.Base(d.Path)
	switch {
	case d.Kind == KindMemfd:
		name = memfdName(d)
	case d.Path == "":
		return ""
	}
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == utf8.RuneError || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, strings.TrimLeft(name, "."))
	for len(name) > maxSuffix {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" {
		return ""
	}
	return "-" + name
}
