package descriptor

import (
	"runtime"

	"fdmsg/fdio"

	"golang.org/x/sys/unix"
)

// largeFile is O_LARGEFILE as the kernel has it. In x/sys/unix and libc it is 0
// where every file may be large.
var largeFile = func() int {
	if runtime.GOARCH == "arm64" {
		return 0o400000
	}
	return 0o100000
}()

// StatusFlags are the names of the status flags of a description, without the
// access mode: open(2), fcntl(2). Flags that contain others come first.
var StatusFlags = []fdio.Flag{
	{Bits: unix.O_PATH, Name: "O_PATH"},
	{Bits: unix.O_TMPFILE, Name: "O_TMPFILE"},
	{Bits: unix.O_SYNC, Name: "O_SYNC"},
	{Bits: unix.O_DSYNC, Name: "O_DSYNC"},
	{Bits: unix.O_APPEND, Name: "O_APPEND"},
	{Bits: unix.O_NONBLOCK, Name: "O_NONBLOCK"},
	{Bits: unix.O_ASYNC, Name: "O_ASYNC"},
	{Bits: unix.O_DIRECT, Name: "O_DIRECT"},
	{Bits: unix.O_EXCL, Name: "O_EXCL"}, // a pidfd of a thread: pidfd_open(2)
	{Bits: unix.O_DIRECTORY, Name: "O_DIRECTORY"},
	{Bits: unix.O_NOFOLLOW, Name: "O_NOFOLLOW"},
	{Bits: unix.O_NOATIME, Name: "O_NOATIME"},
	{Bits: largeFile, Name: "O_LARGEFILE"},
}

// Seals are the names of the seals of a memfd: F_ADD_SEALS of fcntl(2).
var Seals = []fdio.Flag{
	{Bits: unix.F_SEAL_SEAL, Name: "F_SEAL_SEAL"},
	{Bits: unix.F_SEAL_SHRINK, Name: "F_SEAL_SHRINK"},
	{Bits: unix.F_SEAL_GROW, Name: "F_SEAL_GROW"},
	{Bits: unix.F_SEAL_WRITE, Name: "F_SEAL_WRITE"},
	{Bits: unix.F_SEAL_FUTURE_WRITE, Name: "F_SEAL_FUTURE_WRITE"},
	{Bits: unix.F_SEAL_EXEC, Name: "F_SEAL_EXEC"},
}
