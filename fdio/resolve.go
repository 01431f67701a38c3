package fdio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"fdmsg/fdio/internal/sockname"

	"golang.org/x/sys/unix"
)

// target is one socket name that an address stands for.
type target struct {
	address Address
	domain  int
	typ     int
	name    sockname.Name // all but paths of Unix sockets
}

// resolve returns the socket names that a stands for: every address of a host, in
// the order of the resolver. An empty host stands for every address of this machine
// when binding, else for the loopback addresses.
func resolve(ctx context.Context, a Address, binding bool) ([]target, error) {
	domain, typ := a.Network.sockets()
	if domain == unix.AF_UNIX {
		return []target{{a, domain, typ, unixTargetName(a)}}, nil
	}
	if a.Network == Raw {
		name := sockname.FromBytes(a.Name)
		return []target{{a, name.Family(), 0, name}}, nil
	}
	ips, port, err := lookup(ctx, a, binding)
	if err != nil {
		return nil, &Error{Name: a.String(), Op: "resolve", Err: err}
	}
	var targets []target
	for _, ip := range ips {
		family := unix.AF_INET6
		if ip.Is4() {
			family = unix.AF_INET
		}
		if domain != 0 && domain != family {
			continue
		}
		zone, err := zoneIndex(ip.Zone())
		if err != nil {
			return nil, &Error{Name: a.String(), Op: "resolve", Err: err}
		}
		targets = append(targets, target{a, family, typ, sockname.Inet(family, ip, port, zone)})
	}
	if len(targets) == 0 {
		return nil, &Error{Name: a.String(), Op: "resolve", Err: fmt.Errorf("no address of %s for %s", a.Host, a.Network)}
	}
	return targets, nil
}

func unixTargetName(a Address) sockname.Name {
	if a.isAutobind() {
		return sockname.Unix("")
	}
	if len(a.Name) > sockname.SunPath {
		return sockname.Name{}
	}
	return sockname.Unix(a.Name)
}

// KernelPicks reports whether the kernel picks a part of a when it is bound, so that two
// sockets can be bound to a: port 0, and unix:@.
func (a Address) KernelPicks() bool { return a.Port == "0" || a.isAutobind() }

func (a Address) isAutobind() bool { return a.Network.IsUnix() && a.Name == autobind }

// lookup returns the IP addresses and the port of an address of TCP or UDP.
func lookup(ctx context.Context, a Address, binding bool) ([]netip.Addr, uint16, error) {
	network := "tcp"
	if a.Network.IsDatagram() {
		network = "udp"
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, a.Port)
	if err != nil {
		return nil, 0, fmt.Errorf("no such service: %q", a.Port)
	}
	if a.Host == "" {
		if binding {
			return []netip.Addr{netip.IPv6Unspecified(), netip.IPv4Unspecified()}, uint16(port), nil
		}
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, uint16(port), nil
	}
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return []netip.Addr{ip.Unmap()}, uint16(port), nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", a.Host)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, context.Cause(ctx)
		}
		return nil, 0, lookupError(a.Host, err)
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, uint16(port), nil
}

// ErrNoSuchHost says that a host name has no address.
var ErrNoSuchHost = errors.New("no such host")

func lookupError(host string, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fmt.Errorf("%w: %q", ErrNoSuchHost, host)
	}
	return err
}

func zoneIndex(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index), nil
	}
	if index, err := strconv.ParseUint(zone, 10, 32); err == nil { // as zoneName writes it
		return uint32(index), nil
	}
	return 0, fmt.Errorf("no such interface: %q", zone)
}
