// Package fdio sends and receives messages over sockets with sendmsg(2) and
// recvmsg(2): data gathered from and scattered to several buffers, control
// messages, flags, and above all open file descriptors over Unix sockets
// (SCM_RIGHTS, unix(7)).
//
// It is for programs that need what package net hides. It is no protocol: it
// neither frames nor encodes anything (see packages frame and record), and knows
// no server loop (see package intake). It does not print, has no global state, and
// runs on Linux only.
//
// # Sockets
//
// [ParseAddress] reads an [Address], [Dial] connects to it and [Listen] binds to
// it. [Inherit], [FromFD] and [FromConn] make a [Socket] of one that exists
// already. [Socket.Send] sends an [Outgoing], [Socket.Recv] receives into an
// [Incoming]; TryRecv and TryRecvBatch are for programs that wait themselves, by
// way of [Socket.RecvConn]. What waits takes a context and observes the deadlines
// of the socket.
//
// Sockets that Dial, Listen and Accept make are non-blocking and wait on the Go
// runtime's poller. Those that were made elsewhere are waited for in an epoll
// instance of their own, nested in that poller, since their file status flags
// may be shared with other processes and are never changed.
//
// # Ownership
//
// A descriptor that is received belongs to the receiver, which closes it, with
// [Incoming.Close] for example. It is close-on-exec from the moment it is there.
// A descriptor that is sent stays the sender's. Each function that makes a Socket
// of a descriptor says whose that is then.
//
// # Errors
//
// Failed operations return an [*Error], which says on what address, and wraps the
// error of the system call: errors.Is(err, unix.ECONNREFUSED) finds it. The end
// of a wait is os.ErrDeadlineExceeded or the cause of the context.
//
// # What the kernel does
//
// These facts shaped the package; the code says where.
//
//   - Descriptors that are sent on a stream with no byte of data vanish without
//     an error. Send adds a NUL byte then.
//   - recvmsg(2) on a stream ends right after the bytes that came with
//     descriptors, but may begin with bytes that were sent before them. Several
//     SCM_RIGHTS of one sendmsg(2) arrive as one.
//   - A return of 0 on a seqpacket socket is an empty message or the end of file.
//     With SO_PASSCRED a message carries credentials and the end does not, so the
//     sockets of this package have it; the credentials are taken out of
//     Incoming.Control again, and are in Incoming.Sender.
//   - recvmmsg(2) repeats entries of length 0 at the end of file.
//   - Credentials of a datagram that was queued before SO_PASSCRED was set are
//     those of nobody: it is set before bind(2).
//   - MSG_WAITALL on a non-blocking socket returns short; TryRecv goes on.
//   - Urgent data alone wakes nobody who waits for input, only for EPOLLPRI.
//     EPOLLERR alone, as transmit timestamps cause, is the end of polling to the
//     Go runtime.
//   - An error of a socket is reported once, and before messages that are queued.
//     poll(2) shows it as it shows a message of the error queue.
//   - SO_PASSRIGHTS off at the receiver makes sendmsg(2) fail with EPERM.
//   - shutdown(2) with SHUT_RD on a Unix socket refuses what peers send from then
//     on and leaves what is queued to be received. On TCP it resets connections.
//   - A path longer than sun_path, 107 bytes, works by way of /proc/self/fd.
//   - A socket file has the permissions of the socket's own inode, less the umask.
//     A file is stale if it is a socket and connecting to it from a socket of
//     another type is refused: a live server answers EPROTOTYPE, and no server is
//     connected to by that.
//
// # Files
//
// address.go, resolve.go and listen.go, dial.go, accept.go, foreign.go lead to a
// socket; socket.go, credentials.go and option.go are about one; wait.go,
// deadline.go and rawconn.go wait; send.go, incoming.go, recv.go, end.go and
// batch.go are its messages, errqueue.go its error queue. msghdr.go has the system
// calls that x/sys/unix cannot express.
package fdio
