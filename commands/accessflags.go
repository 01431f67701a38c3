package commands

import (
	"errors"
	"os/user"
	"slices"
	"strconv"

	"fdmsg/fdio/cmsg"
)

// AccessFlags say which peers a server on Unix sockets serves.
type AccessFlags struct {
	AllowUID []string `name:"allow-uid" placeholder:"USER" sep:"none" help:"Refuse everyone but this user, given by name or number. May be repeated."`
	AllowGID []string `name:"allow-gid" placeholder:"GROUP" sep:"none" help:"Refuse everyone but this group, and the users of --allow-uid. May be repeated."`

	uids, gids []uint32
}

// parseAccess looks up the users and groups.
func (f *AccessFlags) parseAccess() (err error) {
	f.uids, err = lookUp("--allow-uid", "user", f.AllowUID, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return err
	}
	f.gids, err = lookUp("--allow-gid", "group", f.AllowGID, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	return err
}

// lookUp returns the numbers of users or groups. A number needs no entry in the
// database.
func lookUp(flag, kind string, names []string, find func(string) (string, error)) (ids []uint32, err error) {
	for _, name := range names {
		number := name
		if _, err := strconv.ParseUint(name, 10, 32); err != nil {
			if number, err = find(name); err != nil {
				return nil, usagef("", "%s: %w", flag, &cmsg.NameError{Kind: kind, Name: name})
			}
		}
		id, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return nil, usagef("", "%s %s: out of range: at most 32 bits", flag, name)
		}
		ids = append(ids, uint32(id))
	}
	return ids, nil
}

func (f *AccessFlags) restricts() bool { return len(f.uids)+len(f.gids) > 0 }

// rules refuses sockets that do not know their peers.
func (f *AccessFlags) rules(s facts) []rule {
	return []rule{
		{f.restricts() && s.known && !s.unix, errors.New("--allow-uid and --allow-gid: " + s.address + ": only Unix sockets know their peers"), ""},
	}
}

// allows reports whether a peer is served. A peer without credentials could be anyone, and
// is refused if anyone is.
func (f *AccessFlags) allows(peer *cmsg.Credentials) bool {
	return !f.restricts() || peer != nil && (slices.Contains(f.uids, peer.UID) || slices.Contains(f.gids, peer.GID))
}
