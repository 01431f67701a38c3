// Package intake receives messages from many sockets, in order, and hands them to
// sinks: accepting connections, deciding what is taken, gathering messages that are
// there together, pausing, counting, and draining at the end. It knows nothing of
// what becomes of a message.
//
// The way of a message:
//
//	source.next    receives what is there, and never waits: recvmsg(2), recvmmsg(2), frames
//	Conn.serve     takes batch after batch; waits where nothing is there
//	Sink.Take      makes of a batch what it is for, and releases it
//
// One unit goes that way, the Batch: the messages of one connection that were there
// together, 64 at most. Waiting happens in Conn.wait and nowhere else.
//
//   - intake.go: Options, Intake, Sink, Observer: what the user of the package sees
//   - server.go: accepting connections and serving sockets, many at once
//   - conn.go: the life of one connection, from the first wait to its end
//   - source.go, frames.go: receiving a batch
//   - batch.go: Batch, Message, and their memory
//   - admit.go: which messages are taken, and who sent them
//   - count.go: how many messages may still be received
//   - room.go: how much memory and how many descriptors batches may hold
//   - pace.go: how to wait
//   - drain.go: what is queued when the run ends
//   - stopper.go: ending many waits at once
//
// # What the kernel does that shaped it
//
// Closing a Unix socket resets the connections that are queued on it and drops what
// is queued in it. shutdown(SHUT_RD) refuses new connections, and new messages, and
// still lets the queued ones be taken: that is how a run ends without losing what
// was sent. On TCP shutdown resets, so there the queued connections are accepted and
// the listening socket is closed after that.
//
// recvmmsg(2) repeats the empty message that stands for the end of a seqpacket
// connection, and an error that it meets behind messages comes with the next call.
package intake
