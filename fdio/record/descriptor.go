package record

import (
	"strconv"
	"strings"

	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

func appendDescriptors(dst []byte, ds []descriptor.Descriptor, large *[]largeValue) []byte {
	dst = append(appendKey(dst, "fds"), '[')
	for i := range ds {
		dst = append(appendKey(dst, ""), '{')
		dst = appendDescriptor(dst, &ds[i], large)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendDescriptor(dst []byte, d *descriptor.Descriptor, large *[]largeValue) []byte {
	dst = appendInt(dst, "fd", int64(d.FD))
	dst = AppendQuote(appendKey(dst, "type"), string(d.Kind))
	if d.Path != "" {
		dst = appendText(dst, "path", d.Path)
	}
	if d.Deleted {
		dst = appendTrue(dst, "deleted")
	}
	if d.Name != "" {
		dst = appendText(dst, "name", d.Name)
	}
	dst = AppendQuote(appendKey(dst, "access"), access(d))
	dst = appendFlags(dst, "flags", d.Flags&^unix.O_ACCMODE, descriptor.StatusFlags)
	dst = appendInode(dst, d)
	dst = appendDetails(dst, d)
	if d.Content.Saved != "" {
		dst = appendText(dst, "saved", d.Content.Saved)
		dst = appendInt(dst, "saved_size", d.Content.SavedSize)
	}
	return appendContent(dst, &d.Content, large)
}

func access(d *descriptor.Descriptor) string {
	switch r, w := d.Readable(), d.Writable(); {
	case r && w:
		return "rw"
	case r:
		return "r"
	case w:
		return "w"
	}
	return "none"
}

// appendInode appends what statx(2) returned, unless it means nothing: anonymous
// inodes are all the same one, and pipes and sockets have no size.
func appendInode(dst []byte, d *descriptor.Descriptor) []byte {
	in := &d.Inode
	if !in.Known() || strings.HasPrefix(d.Name, "anon_inode:") {
		return dst
	}
	dst = appendMode(dst, "mode", in.Mode)
	dst = appendInt(dst, "uid", int64(in.UID))
	dst = appendInt(dst, "gid", int64(in.GID))
	switch in.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK:
		dst = appendInt(dst, "size", in.Size)
	}
	if d.HasOffset {
		dst = appendInt(dst, "offset", d.Offset)
	}
	dst = appendDevice(dst, "device", in.Device)
	dst = appendBigUint(dst, "inode", in.Number)
	dst = appendInt(dst, "links", int64(in.Links))
	dst = appendTime(dst, "mtime", in.Modified)
	if d.Mount != 0 {
		dst = appendBigUint(dst, "mount", d.Mount)
	}
	if d.FileSystem != "" {
		dst = appendText(dst, "filesystem", d.FileSystem)
	}
	return dst
}

// appendMode appends the permission bits in octal: a zero and at least three
// digits.
func appendMode(dst []byte, key string, mode uint32) []byte {
	dst = append(appendKey(dst, key), '"', '0')
	mode &= 0o7777
	for least := uint32(0o100); least > 1 && mode < least; least >>= 3 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendUint(dst, uint64(mode), 8)
	return append(dst, '"')
}

func appendDevice(dst []byte, key string, d descriptor.Device) []byte {
	dst = append(appendKey(dst, key), '"')
	dst = strconv.AppendUint(dst, uint64(d.Major), 10)
	dst = append(dst, ':')
	dst = strconv.AppendUint(dst, uint64(d.Minor), 10)
	return append(dst, '"')
}

// appendDetails appends the object with what is special to the kind of d.
func appendDetails(dst []byte, d *descriptor.Descriptor) []byte {
	if len(d.Details) == 0 {
		return dst
	}
	dst = append(AppendQuote(append(dst, ','), string(d.Kind)), ':', '{')
	return append(appendFields(dst, d.Details), '}')
}

func appendContent(dst []byte, c *descriptor.Content, large *[]largeValue) []byte {
	if c.Deferred != nil {
		return appendDeferred(dst, c, large)
	}
	if c.Read && (c.Err == nil || len(c.Data) > 0) {
		data, isText := textOf(c.Data, c.Truncated)
		dst = appendValue(dst, "content", data, isText, large)
		dst = appendInt(dst, "content_size", int64(len(data)))
	}
	return appendOutcome(dst, c.Truncated, c.Err)
}

// appendOutcome appends whether a content was cut, and why it could not be read.
func appendOutcome(dst []byte, truncated bool, err error) []byte {
	if truncated {
		dst = appendTrue(dst, "content_truncated")
	}
	if err != nil {
		dst = AppendQuote(appendKey(dst, "content_error"), strings.ToValidUTF8(err.Error(), "?"))
	}
	return dst
}
