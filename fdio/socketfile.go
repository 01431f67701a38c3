package fdio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fdmsg/fdio/internal/poll"
	"fdmsg/fdio/internal/sockname"
	"fdmsg/fdio/internal/sys"

	"golang.org/x/sys/unix"
)

// ErrInTheWay says that the path of a socket file is taken by a file of another
// type.
var ErrInTheWay = errors.New("path exists and is not a socket")

// socketFile is the file that a Unix socket of ours is bound to. It is made and
// removed under flock(2) on its directory, which all servers that use this package
// observe.
type socketFile struct {
	dir  int // descriptor of the directory
	base string
	dev  uint64
	ino  uint64
}

// bindFile binds the socket fd to path, with exactly the permissions mode from the
// first instant that the file exists. A file that a dead server left there is
// replaced. A live server is EADDRINUSE, and does not notice.
func bindFile(ctx context.Context, fd int, path string, mode os.FileMode) (*socketFile, error) {
	dirPath, base := filepath.Split(path)
	if dirPath == "" {
		dirPath = "."
	}
	if base == "" {
		return nil, unix.EISDIR
	}
	dir, err := openDir(dirPath)
	if err != nil {
		return nil, err
	}
	f := &socketFile{dir: dir, base: base}
	if err := f.bind(ctx, fd, path, mode); err != nil {
		unix.Close(dir)
		return nil, err
	}
	return f, nil
}

func openDir(path string) (int, error) {
	dir, err := sys.Retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return -1, &os.PathError{Op: "open directory", Path: path, Err: err}
	}
	return dir, nil
}

func (f *socketFile) bind(ctx context.Context, fd int, path string, mode os.FileMode) (err error) {
	if err := f.lock(ctx); err != nil {
		return err
	}
	defer f.unlock()
	// The file gets the permissions of the socket's own inode, less the umask.
	if err := unix.Fchmod(fd, uint32(mode.Perm())); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	take, giveUp, err := f.taker(fd, path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			giveUp()
		}
	}()
	if err = take(); err == unix.EADDRINUSE || err == unix.EEXIST {
		if err = f.removeStale(); err == nil {
			err = take()
		}
	}
	if err != nil {
		return err
	}
	if err = f.identify(mode); err != nil {
		unix.Unlinkat(f.dir, f.base, 0)
	}
	return err
}

// taker returns two functions: take gives the socket fd its file, or fails because
// the path exists, and giveUp is to be called when it has failed for good. A socket
// whose path is longer than sun_path is bound by way of our descriptor of the
// directory. Where even the last part of the path is too long for that, the socket
// is bound under another name, and the file renamed.
func (f *socketFile) taker(fd int, path string) (take func() error, giveUp func(), err error) {
	giveUp = func() {}
	if len(path) > sockname.MaxPath {
		path = f.below(f.base)
	}
	if len(path) <= sockname.MaxPath {
		name := sockname.Unix(path)
		return func() error { return sockname.Bind(fd, &name) }, giveUp, nil
	}
	short := fmt.Sprintf(".fdmsg-%d-%d", os.Getpid(), fd)
	name := sockname.Unix(f.below(short))
	if err := sockname.Bind(fd, &name); err != nil {
		return nil, nil, err
	}
	take = func() error {
		return unix.Renameat2(f.dir, short, f.dir, f.base, unix.RENAME_NOREPLACE)
	}
	return take, func() { unix.Unlinkat(f.dir, short, 0) }, nil
}

// below returns a path for name in the directory, by way of our descriptor of that.
func (f *socketFile) below(name string) string { return sys.ProcFD(f.dir) + "/" + name }

// removeStale removes the file at the path if it is a socket that no process has
// open.
func (f *socketFile) removeStale() error {
	file, _, err := f.open()
	if err != nil {
		return err
	}
	defer unix.Close(file)
	if err := probe(file); err != unix.ECONNREFUSED {
		return unix.EADDRINUSE
	}
	err = unix.Unlinkat(f.dir, f.base, 0)
	return os.NewSyscallError("unlink", err)
}

// open opens the socket file itself, with O_PATH. A file of another type, a
// symbolic link included, is ErrInTheWay.
func (f *socketFile) open() (fd int, st unix.Stat_t, err error) {
	fd, err = sys.Retry(func() (int, error) {
		return unix.Openat(f.dir, f.base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return -1, st, os.NewSyscallError("open", err)
	}
	if err = os.NewSyscallError("fstat", unix.Fstat(fd, &st)); err == nil && st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		err = fmt.Errorf("%w: %s", ErrInTheWay, fileKind(st.Mode))
	}
	if err != nil {
		unix.Close(fd)
		return -1, st, err
	}
	return fd, st, nil
}

// probe returns ECONNREFUSED if no process has the socket file open. It connects a
// datagram socket: a server of another type answers EPROTOTYPE, and a server of
// datagrams is sent nothing.
func probe(file int) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	name := sockname.Unix(sys.ProcFD(file))
	return sockname.Connect(fd, &name)
}

// identify notes which file the socket was bound to, and gives it the permission
// bits that the umask took away.
func (f *socketFile) identify(mode os.FileMode) error {
	file, st, err := f.open()
	if err != nil {
		return err
	}
	defer unix.Close(file)
	f.dev, f.ino = uint64(st.Dev), st.Ino
	if os.FileMode(st.Mode).Perm() == mode.Perm() {
		return nil
	}
	return os.NewSyscallError("chmod", unix.Chmod(sys.ProcFD(file), uint32(mode.Perm())))
}

// remove removes the file if it still is the one that the socket was bound to, and
// closes the directory. If it cannot get the lock within a second it leaves the
// file, which is then stale.
func (f *socketFile) remove() error {
	defer unix.Close(f.dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := f.lock(ctx); err != nil {
		return &Error{Name: f.base, Op: "remove socket file", Err: err}
	}
	defer f.unlock()
	var st unix.Stat_t
	err := unix.Fstatat(f.dir, f.base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT || err == nil && (uint64(st.Dev) != f.dev || st.Ino != f.ino) {
		return nil
	}
	if err == nil {
		err = unix.Unlinkat(f.dir, f.base, 0)
	}
	return os.NewSyscallError("unlink", err)
}

// release closes the directory, and leaves the file to whoever has the socket.
func (f *socketFile) release() { unix.Close(f.dir) }

// lock locks the directory. flock(2) offers nothing to wait for along with ctx.
func (f *socketFile) lock(ctx context.Context) error {
	var b poll.Backoff
	for {
		_, err := sys.Retry(func() (int, error) {
			return 0, unix.Flock(f.dir, unix.LOCK_EX|unix.LOCK_NB)
		})
		if err != unix.EWOULDBLOCK {
			return os.NewSyscallError("flock", err)
		}
		if err := b.Sleep(ctx); err != nil {
			return err
		}
	}
}

func (f *socketFile) unlock() { unix.Flock(f.dir, unix.LOCK_UN) }

// fileKind returns the name of the file type in st_mode: inode(7).
func fileKind(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "regular file"
	case unix.S_IFDIR:
		return "directory"
	case unix.S_IFLNK:
		return "symbolic link"
	case unix.S_IFIFO:
		return "FIFO"
	case unix.S_IFCHR:
		return "character device"
	case unix.S_IFBLK:
		return "block device"
	}
	return "socket"
}
