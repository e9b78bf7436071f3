package remote

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrFenced says: a request was to leave the hosts or the addresses it may go to.
var ErrFenced = errors.New("not allowed")

// A Fence bounds where requests go when what is asked for was named by somebody
// else, as in a server: to named hosts only, redirects and token services
// included, and never to addresses of the link, whatever a name resolves to. It
// uses no proxy, which would resolve names itself.
type Fence struct {
	Hosts   []string // with the port if it is not the usual one
	Private bool     // loopback and private addresses will do
}

// Admits is ErrFenced for a host that is none of Hosts.
func (f *Fence) Admits(host string) error {
	if slices.Contains(f.Hosts, host) {
		return nil
	}
	return fmt.Errorf("%w: %s is no host of this registry's configuration", ErrFenced, host)
}

// Transport connects only to addresses that the fence allows. It is the caller
// who asks Admits.
func (f *Fence) Transport() *http.Transport {
	t := newTransport(&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: f.control})
	t.Proxy = nil
	return t
}

// control looks at the address after the name was resolved, so that no second
// answer of a name server can change it.
func (f *Fence) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s is no address", ErrFenced, address)
	}
	if !f.reaches(at.Addr()) {
		return fmt.Errorf("%w: connections to %s", ErrFenced, at.Addr())
	}
	return nil
}

// reaches reports whether an address may be connected to.
func (f *Fence) reaches(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if inner, ok := embedded(a); ok {
		a = inner
	}
	inside := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(a) }
	switch {
	case a.IsLinkLocalUnicast(), a.IsMulticast(), a.IsUnspecified(), inside("0.0.0.0/8"), inside("240.0.0.0/4"),
		a == netip.MustParseAddr("fd00:ec2::254"), a == netip.MustParseAddr("100.100.100.200"): // metadata services
		return false
	case a.IsLoopback(), a.IsPrivate(), inside("100.64.0.0/10"):
		return f.Private
	}
	return true
}

// embedded is the IPv4 address inside one of NAT64 or 6to4.
func embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case a.Is4():
		return a, false
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return a, false
}

// Fenced is a transport within a fence, with the care for credentials that this
// package takes everywhere.
type Fenced struct{ guard *guard }

// NewFenced makes a transport within a fence; plain allows http.
func NewFenced(f *Fence, plain bool) *Fenced {
	g := newGuard(f.Transport(), plain)
	g.fence = f
	if len(f.Hosts) > 0 {
		g.home = f.Hosts[0]
	}
	return &Fenced{g}
}

// RoundTrip sends one request.
func (t *Fenced) RoundTrip(req *http.Request) (*http.Response, error) { return t.guard.RoundTrip(req) }
