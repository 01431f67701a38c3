package commands

import (
	"fdmsg/fdio"
)

// facts is what is known about a socket: from its address when the command line is parsed,
// and from the socket itself when it is open.
type facts struct {
	address string // name of the socket in errors

	// known says whether the other fields are known. Those of an inherited socket
	// are not known from its address.
	known    bool
	unix     bool
	stream   bool // without message boundaries
	datagram bool // without connections
}

func addressFacts(a fdio.Address) facts {
	return facts{
		address:  a.String(),
		known:    a.Network != fdio.Inherited,
		unix:     a.Network.IsUnix(),
		stream:   a.Network.IsStream(),
		datagram: a.Network.IsDatagram(),
	}
}

func socketFacts(s *fdio.Socket) facts {
	return facts{
		address:  s.Local().String(),
		known:    true,
		unix:     s.IsUnix(),
		stream:   s.IsStream(),
		datagram: s.IsDatagram(),
	}
}

// A rule is something that a command refuses. Flag groups and commands list theirs in
// methods called rules, which depend on flags and facts only. They are checked when the
// command line has been parsed, and again when a socket is open.
type rule struct {
	broken bool
	why    error
	hint   string // may be empty
}

// check returns the first broken rule as an error of wrong usage.
func check(rules ...[]rule) error {
	for _, list := range rules {
		for _, r := range list {
			if r.broken {
				return usage(r.why, r.hint)
			}
		}
	}
	return nil
}
