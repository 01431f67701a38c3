// Package record writes messages, descriptors and events as JSON Lines: one object
// per line, valid UTF-8 whatever bytes were received. It does not write to files
// or sockets; its functions append to a slice, or write to an io.Writer.
//
// # The form
//
// Bytes that are UTF-8 are a string under the name of their field, and other bytes
// are in base64 under that name with _base64 added. Control characters are escaped
// beyond what RFC 8259 demands, so that a terminal can show a line. Fields may be
// added to the form; none is renamed or removed.
//
// A line has a head, its type and number, which [AppendHead] appends when it is the
// turn of the line to be written, and a rest, which [AppendMessage], [AppendSent],
// [AppendOpened] and [AppendEvent] append and which can be made earlier. A [Line] is
// a rest with values of more than 16 KiB that become JSON only as it is written.
//
// # What shaped it
//
//   - Numbers in jq are doubles. Inode numbers, counters and other numbers of 64 bits
//     are strings, so that no digit is lost.
//   - A message that the kernel has cut (MSG_TRUNC), or a content that a limit has cut,
//     may end within a character. The part of a character is left out, so that the
//     text before it remains text.
//   - With MSG_TRUNC as a flag, recvmsg(2) on TCP discards the bytes that it counts:
//     the size of the message is then more than what there is to show.
//   - An SCM_PIDFD below zero is an errno, for which there is no descriptor to describe.
//   - All anonymous inodes are one and the same to statx(2), so that their inode says
//     nothing and is not shown.
//   - A file may change between the time when it is looked at and the time when its line
//     is written: a content that is left in its file until then can end early.
//
// # Files
//
// message.go and event.go have the lines, control.go and descriptor.go what is in them.
// line.go has the lines with large values, and deferred.go the values that are read from
// a file only then. text.go begins the fields; quote.go, base64.go and time.go write
// their values, which is most of the work of a line.
package record
