package commands

import (
	"fdmsg/fdio"
)

// facts are what is known about a socket: from its address when the command line
// is parsed, from the socket itself when it is open.
type facts struct {
	address string // what errors call the socket

	// known says whether the rest is. An inherited socket does not show its kind
	// before it is open.
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

// A rule is something that a command refuses. The flag groups and the commands
// list theirs in methods named rules, which depend on flags and facts only: they
// are checked when the command line has been parsed, and once more when a socket
// is open.
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
