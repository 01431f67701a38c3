// Package frame finds messages in the bytes of a stream. TCP and Unix stream sockets
// keep no boundaries between messages, so that sender and receiver have to agree on
// what ends a message. The package makes no system call: it works on bytes and control
// messages that its caller has received.
//
//   - kind.go: the table of kinds, one row each. To add a kind, add a row.
//   - splitter.go: Splitter finds where frames end, and copies nothing.
//   - json.go: the end of a JSON value.
//   - assembler.go: Assembler makes frames of the chunks that recvmsg(2) returns, and
//     decides to which frame a descriptor belongs.
//   - reader.go: Reader, an Assembler that calls a function to receive.
//
// # Descriptors
//
// On a Unix stream socket a descriptor is tied to a byte: recvmsg(2) ends right after
// the bytes that were sent together with descriptors, but it may begin with plain bytes
// that were sent before them. Therefore the descriptors that one recvmsg returns belong
// to the frame that contains the last of the bytes that it returns, and each descriptor
// belongs to exactly one frame. A peek (MSG_PEEK) with a control buffer also installs the
// descriptors of the bytes that it returns, and the call that receives the bytes installs
// them again: peek without one for [Assembler.Want].
package frame
