package commands

import (
	"fmt"
	"os"
	"path/filepath"

	"fdmsg/fdio"
)

// warnOfDirectory warns if users other than the owner of the directory of a socket file can
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
