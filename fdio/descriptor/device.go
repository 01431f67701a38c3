package descriptor

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// describeDevice names the driver, by /proc/devices and /proc/misc: proc(5).
func describeDevice(_ *Inspector, d *Descriptor) {
	d.detail("device", cmsg.String(d.Inode.Special.String()))
	section := "Character devices:"
	if d.Kind == KindBlock {
		section = "Block devices:"
	}
	driver := deviceDriver(section, d.Inode.Special.Major, d.Path)
	if driver != "" {
		d.detail("driver", cmsg.String(driver))
	}
	if d.AccessPath() || d.Kind == KindBlock {
		return
	}
	if driver == "misc" {
		d.detail("misc", cmsg.String(miscDriver(d.Inode.Special.Minor)))
	}
	if d.isPtyMaster() {
		if index, err := unix.IoctlGetUint32(d.FD, unix.TIOCGPTN); err == nil {
			d.detail("index", cmsg.Int(index))
		}
	}
	if driver != "misc" {
		return
	}
	info := readFdinfo(d.FD)
	if name := info.value("iff"); name != "" { // tun
		d.detail("interface", cmsg.String(name))
	}
	if connection := info.value("fuse_connection"); connection != "" {
		d.detail("fuse_connection", cmsg.String(connection))
	}
}

// deviceDriver returns the driver of a major number. If there are several, they are
// listed by the paths of their devices.
func deviceDriver(section string, major uint32, path string) string {
	text, err := os.ReadFile("/proc/devices")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), section+"\n")
	rest, _, _ = strings.Cut(rest, "\n\n")
	names := namesOfNumber(rest, major)
	if len(names) == 0 {
		return ""
	}
	if slices.Contains(names, path) {
		return path
	}
	return names[0]
}

// miscDriver returns the name of a minor number of the driver misc.
func miscDriver(minor uint32) string {
	text, err := os.ReadFile("/proc/misc")
	if err != nil {
		return ""
	}
	return strings.Join(namesOfNumber(string(text), minor), " ")
}

// namesOfNumber returns the names in lines of the form NUMBER NAME.
func namesOfNumber(lines string, number uint32) (names []string) {
	for line := range strings.Lines(lines) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == strconv.FormatUint(uint64(number), 10) {
			names = append(names, words[1])
		}
	}
	return names
}
