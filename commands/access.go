package commands

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// warnOfDirectory warns if others than the owner of the directory of a socket can
// put another socket in its place.
func warnOfDirectory(a fdio.Address) {
	path, ok := a.Path()
	if !ok {
		return
	}
	dir := filepath.Dir(path)
	if fi, err := os.Stat(dir); err == nil && fi.Mode()&os.ModeSticky == 0 && fi.Mode()&0o002 != 0 {
		warn("listen", fmt.Errorf("%s: others can write to the directory %s, and put another socket there", a, dir))
	}
}

// The values of --fds: what happens to descriptors that arrive.
const (
	passFDs   = "pass"   // they are received
	dropFDs   = "drop"   // the message is received without them
	cutFDs    = "cut"    // the connection is closed
	refuseFDs = "refuse" // the sender gets EPERM
)

// errDescriptorsCame ends a connection with --fds cut.
var errDescriptorsCame = errors.New("descriptors came: --fds cut")

// dropRights closes the descriptors of the message, and takes the control
// message that they came with out of it.
func (sc *scratch) dropRights() {
	kept := sc.msg.Control[:0:0]
	for m := range cmsg.Messages(sc.msg.Control) {
		fds := m.Rights(nil)
		for _, fd := range fds {
			unix.Close(fd)
		}
		sc.dropped += len(fds)
		if len(fds) == 0 {
			kept = cmsg.Append(kept, m)
		}
	}
	sc.msg.Control = kept
}
