// Package intake receives messages from many sockets and hands them, in order, to
// sinks. It accepts connections, decides which messages are taken, gathers those that
// arrive together, waits, counts, and drains the sockets at the end. It does not know
// what a sink does with a message.
//
// An [Intake] is one run. [Intake.Serve] accepts connections and receives from any number
// of sockets until the run ends; [Conn.Serve] receives from one socket, which remains its
// caller's to close. The user says in [Options] what is received, and gets the messages in
// a [Sink] for each connection: its Take method is given a [Batch], which is the messages
// of that connection, 64 at most, that were there together. One goroutine serves a
// connection, and it alone calls the methods of its Conn and Sink.
//
// # Inside
//
// A message goes through three functions. source.next receives what is there and never
// waits: recvmsg(2), recvmmsg(2), frames. Conn.receive takes batch after batch from it,
// and waits if nothing is there; all waiting for messages is in Conn.wait. Sink.Take uses
// the batch, and releases it.
//
//   - intake.go: Options, Intake, Sink, Observer: what the user of the package sees
//   - server.go: accepting connections and serving many sockets at once
//   - conn.go: a connection, from the first wait to its end
//   - source.go, frames.go: receiving a batch
//   - batch.go, memory.go: Batch, Message, and their memory
//   - admit.go: which messages are taken, and who sent them
//   - count.go: how many more messages may be received
//   - room.go: how much memory and how many descriptors batches may hold
//   - pace.go: how to wait
//   - fault.go: errors of recvmsg(2) after which receiving goes on, and others
//   - drain.go: receiving what is queued when the run ends
//   - stopper.go: ending many waits at once
//
// # What the kernel does that shaped it
//
// Closing a Unix socket resets the connections and drops the messages that are queued
// on it. shutdown(2) with SHUT_RD refuses new connections and new messages, and leaves
// the queued ones to be received: thus a run ends without losing what was sent. On TCP,
// shutdown resets connections; there, queued connections are accepted until there are
// no more, and then the listening socket is closed.
//
// accept4(2) needs a free descriptor before it looks for a connection, so that a shortage
// of descriptors (EMFILE) does not tell whether a connection is waiting.
//
// An error that is pending on a socket is returned once. It may concern one of many peers
// (ECONNREFUSED of a UDP socket with IP_RECVERR), or say that messages were lost (ENOBUFS
// of netlink(7)), and messages may be queued behind it. Other errors return for ever. What
// the kernel puts into the error queue besides takes up the receive buffer until somebody
// receives it.
//
// recvmmsg(2) repeats the empty message that stands for the end of a seqpacket
// connection. An error that it meets after it has received messages is returned by the
// next call.
//
// A stream with plain data is received with one recvmsg(2), but a message with
// descriptors ends the call, even if more is queued. Bytes that are received from a
// stream cannot be put back: if the number of frames is limited, they are first peeked at,
// with MSG_PEEK, and then exactly those frames are received.
//
// A datagram that was queued before the receiver had SO_PASSCRED set comes with
// credentials of nobody, pid 0 and the overflow uid: its sender counts as unknown.
//
// If no descriptor could be installed because none was free, MSG_CTRUNC is all that
// tells that some were sent. With Cut, the flag alone therefore refuses a message.
package intake
