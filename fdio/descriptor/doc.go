// Package descriptor deals with open file descriptors: it opens what a DESCRIPTOR
// names, describes what a descriptor refers to, and reads what is in it.
//
// It is for descriptors that come from somewhere else, in a message for example,
// and of which nothing is known: it changes nothing about them that others would
// notice, and never waits longer than it was told to. It is no substitute for
// package os, which opens files and reads them.
//
// # Opening
//
// [ParseSpec] reads a [Spec], and [Spec.Open] opens it. The descriptor is the
// caller's, close-on-exec and blocking.
//
// # Describing
//
// An [Inspector] remembers what it has learned about mounts, so that describing
// many descriptors costs little. [Inspector.Describe] fills a [Descriptor] from
// fstat(2), fcntl(2), /proc and the ioctls of each kind. The descriptor stays the
// caller's; [Inspector.Close] and [Inspector.CloseAll] close it without waiting for
// a daemon behind it.
//
// # Reading
//
// [Inspector.Read] reads a content, with a limit in bytes and a timeout, and can
// save it to a file. Files are read from their beginning whatever their offset is.
// A large one can be left where it is, as a [Deferred], and be read in pieces.
//
// # What the kernel does
//
//   - The offset and the status flags belong to the open file description, which
//     the sender of a descriptor shares. Files are read with pread(2), O_NONBLOCK
//     is left as it is, and what may block is polled before each read: epoll(7),
//     preadv2(2) with RWF_NOWAIT.
//   - A file on a FUSE or network mount whose daemon does not answer can hang
//     fstat(2), pread(2) and close(2) beyond SIGKILL. F_GETFL, readlink(2) of
//     /proc/self/fd, fdinfo and statx(2) with AT_STATX_DONT_SYNC do not ask the daemon.
//     All other calls on such files run on threads that can be left behind.
//   - Regular files of proc, sysfs and their like are regular by name only: their size
//     is 0 or untrue, and reading them can block or consume.
//   - copy_file_range(2) does not cross file systems (EXDEV) and refuses devices and
//     proc; sendfile(2) and splice(2) go further; read(2) and write(2) always work.
//   - Opening a FIFO waits for its other end, and a terminal becomes the controlling
//     one, unless O_NONBLOCK and O_NOCTTY say otherwise.
//   - All anonymous inodes (eventfd, epoll ...) are one and the same to fstat(2); what
//     they are is in the link of /proc/self/fd, and what they hold in fdinfo.
//   - close_range(2) over a span of received descriptors can close a descriptor that the
//     Go runtime or another goroutine has opened in between: only numbers that are
//     known to be all ours are closed with it.
//
// # Files
//
// spec.go reads a Spec and open.go opens it. describe.go begins a description;
// kinds.go is the table of kinds, and inode.go, tty.go, device.go, socket.go,
// anonymous.go and bpf.go know more about each; mounts.go and fdinfo.go are where they
// look. content.go begins reading; file.go, stream.go, deferred.go and stripes.go read,
// copy.go and save.go save. patience.go has how long all that may take, stall.go what
// may not return at all. raw.go has the system calls that x/sys/unix lacks.
package descriptor
