// Package frame finds messages in the bytes of a stream: TCP and Unix stream
// sockets keep no boundaries between the messages that were sent, so that the
// two sides have to agree on what ends one. The package makes no system call; it
// works on the bytes, and on the control messages, that somebody else received.
//
//   - kind.go: the table of kinds, one row each. To add a kind, add a row.
//   - splitter.go: Splitter finds where frames end. Nothing is copied.
//   - json.go: the end of a JSON value.
//   - assembler.go: Assembler makes frames of the chunks that recvmsg(2) returns,
//     and says which frame a descriptor belongs to.
//   - reader.go: Reader, an Assembler that receives by itself.
//
// # Descriptors
//
// On a Unix stream socket a descriptor is tied to a byte: recvmsg(2) ends right
// after the bytes that were sent together with descriptors, but it may begin with
// plain bytes that were sent before them. So the descriptors that one recvmsg
// returned belong to the frame in which the bytes that it returned end, and each
// descriptor belongs to exactly one frame.
package frame
