package descriptor

import (
	"context"

	"fdmsg/fdio/internal/poll"
)

// AwaitHangup returns nil when the other end of fd is gone, the reader of a pipe
// or the peer of a socket, and ctx's cause when ctx ends before that. The error is
// EPERM for what has no other end and cannot be polled, a regular file for example.
// Nothing is read from fd, and its flags are not changed.
func AwaitHangup(ctx context.Context, fd int) error { return poll.AwaitHangup(ctx, fd) }
