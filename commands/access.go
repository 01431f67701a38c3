package commands

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// AccessFlags say who may talk to a server over Unix sockets.
type AccessFlags struct {
	AllowUID []string `name:"allow-uid" placeholder:"USER" sep:"none" help:"Refuse everyone but this user, given by name or number. May be repeated."`
	AllowGID []string `name:"allow-gid" placeholder:"GROUP" sep:"none" help:"Refuse everyone but this group, and the users of --allow-uid. May be repeated."`

	uids, gids []uint32
}

// parseAccess looks the users and groups up.
func (f *AccessFlags) parseAccess() (err error) {
	f.uids, err = lookUp("--allow-uid", f.AllowUID, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return err
	}
	f.gids, err = lookUp("--allow-gid", f.AllowGID, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	return err
}

// lookUp makes numbers of names; what is a number already needs no entry.
func lookUp(flag string, names []string, find func(string) (string, error)) (ids []uint32, err error) {
	for _, name := range names {
		number := name
		if _, err := strconv.ParseUint(name, 10, 32); err != nil {
			if number, err = find(name); err != nil {
				return nil, usagef("", "%s %s: unknown", flag, name)
			}
		}
		id, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return nil, usagef("", "%s %s: not a number of 32 bits", flag, name)
		}
		ids = append(ids, uint32(id))
	}
	return ids, nil
}

func (f *AccessFlags) restricts() bool { return len(f.uids)+len(f.gids) > 0 }

// rules refuses sockets whose peers nobody knows.
func (f *AccessFlags) rules(s facts) []rule {
	return []rule{
		{f.restricts() && s.known && !s.unix, errors.New("--allow-uid and --allow-gid: " + s.address + ": only Unix sockets know their peers"), ""},
	}
}

// allows reports whether somebody may talk. Nobody knows who a peer without
// credentials is.
func (f *AccessFlags) allows(peer *cmsg.Credentials) bool {
	return !f.restricts() || peer != nil && (slices.Contains(f.uids, peer.UID) || slices.Contains(f.gids, peer.GID))
}

// rules refuses --mode where no address has a file.
func (f *ModeFlag) rules(given func(string) bool, addresses ...fdio.Address) []rule {
	isFile := func(a fdio.Address) bool { _, ok := a.Path(); return ok }
	return []rule{
		{given("mode") && !slices.ContainsFunc(addresses, isFile), errors.New("--mode: " + addresses[0].String() + " has no socket file"), ""},
	}
}

// warnOfDirectory says so when others than the owner of a socket's directory can
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

// What becomes of the descriptors that come.
const (
	passFDs   = "pass"   // they are taken
	dropFDs   = "drop"   // the message is taken without
	cutFDs    = "cut"    // the connection is closed
	refuseFDs = "refuse" // the sender gets EPERM
)

// errDescriptorsCame is the end of a connection with --fds cut.
var errDescriptorsCame = errors.New("descriptors came: --fds cut")

// refuseRights makes the kernel refuse descriptors, if that is wanted:
// SO_PASSRIGHTS of unix(7).
func (f *IncomingFlags) refuseRights(sockets *SocketFlags) error {
	if f.FDs != refuseFDs {
		return nil
	}
	option, err := fdio.ParseOption("SO_PASSRIGHTS=off")
	if err != nil {
		return err
	}
	sockets.options = append(sockets.options, option)
	return nil
}

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
