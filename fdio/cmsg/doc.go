// Package cmsg builds and parses control messages, the ancillary data of
// sendmsg(2) and recvmsg(2): bytes to values and back. It makes no system call,
// and opens, closes and owns no descriptor: the numbers in SCM_RIGHTS are just
// that here.
//
// # Control buffers
//
// A control buffer is a sequence of control messages, each a header (struct
// cmsghdr) followed by data and by padding to the next word: cmsg(3), RFC 3542
// section 20. Header fields are in native byte order, and a word has the size of
// the process's pointers. [Append] and [AppendRights] build one, [Messages] and
// [Next] walk through one. All lengths are in bytes.
//
// # Values
//
// [Message.Decode] takes the data of a known type apart into [Field] values, which
// have the names and units of the man pages. [Parse] reads a control message from
// a text, and [Message.String] writes one.
//
// # What the kernel does
//
//   - Only the bytes that recvmsg(2) reports in msg_controllen are of the call:
//     what follows in a buffer that is used again is from an earlier one,
//     descriptor numbers that may mean something else by now included.
//   - Where the buffer ends early, the last control message is cut (MSG_CTRUNC),
//     with a cmsg_len of what is there. Descriptors for which there is no room, or
//     no number (RLIMIT_NOFILE), are closed; the others of the message are there.
//   - Several SCM_RIGHTS of one sendmsg(2) arrive as one; over all of them there
//     are at most [MaxDescriptors].
//   - An SCM_PIDFD below zero is an errno. It is no descriptor, and not to be closed.
//   - A message that was queued before SO_PASSCRED was set has credentials of
//     nobody: see [Credentials.Known].
//
// # Files
//
// cmsg.go has the buffer, socket.go what is common on Unix sockets. types.go is
// the table of all known types, one row each; layout.go decodes and encodes those
// that are a C struct, irregular.go and ipoptions.go decode the others. value.go has
// what a field can hold, decode.go the way from a message to fields, parse.go from a
// text to a message.
package cmsg
