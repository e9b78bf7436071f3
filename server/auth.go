package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/time/rate"
)

// NewToken makes a token and the hash that the configuration holds of it. It has
// 256 random bits, so that a plain digest keeps it as well as a slow one.
func NewToken() (token, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // does not fail
	token = "fnvet_" + base64.RawURLEncoding.EncodeToString(b[:])
	return token, HashToken(token)
}

// HashToken is what the configuration holds of a token.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// A caller is who asks.
type caller struct {
	name    string
	scopes  []string
	limit   *rate.Limiter // nil: none
	session bool          // logged in, and may log out
}

type callerKey struct{}

// callerOf is who asks, of a request that was admitted.
func callerOf(r *http.Request) *caller {
	c, _ := r.Context().Value(callerKey{}).(*caller)
	return c
}

func (c *caller) may(scope string) bool {
	return slices.Contains(c.scopes, scope) || slices.Contains(c.scopes, ScopeAdmin)
}

// anybody is the caller where nobody is asked for a token: on a loopback address.
func anybody() *caller { return &caller{name: "local", scopes: []string{ScopeAdmin}} }

type gate struct {
	tokens   map[string]*caller // by hash
	open     bool
	header   string
	proxies  []netip.Prefix
	proxied  []string  // scopes
	sessions *sessions // nil: nobody logs in
}

func newGate(f *File, open bool, ended endings) *gate {
	g := &gate{tokens: map[string]*caller{}, open: open && !f.Guarded()}
	for _, t := range f.Tokens {
		g.tokens[t.Hash] = &caller{name: t.Name, scopes: t.Scopes, limit: rate.NewLimiter(rate.Limit(t.Rate), max(int(2*t.Rate), 1))}
	}
	if f.ProxyLogin != nil {
		g.header, g.proxied = f.ProxyLogin.Header, f.ProxyLogin.Scopes
		for _, p := range f.ProxyLogin.From {
			g.proxies = append(g.proxies, netip.MustParsePrefix(p)) // checked when it was read
		}
	}
	if f.OIDCLogin != nil {
		g.sessions = newSessions(f.OIDCLogin.SessionKey.Reveal(), strings.HasPrefix(f.URL, "https:"), ended)
	}
	return g
}

// who finds the caller of a request, or nil. Hashes are compared: how long that
// takes says nothing about a token.
func (g *gate) who(r *http.Request) *caller {
	if g.open {
		return anybody()
	}
	token := ""
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		token = rest
	case "basic": // browsers ask for a name and a password
		_, token, _ = r.BasicAuth()
	case "":
		token = r.Header.Get("X-ScannerAdapter-API-Key") // the third way that Harbor knows
	}
	return g.byToken(token)
}

func (g *gate) byToken(token string) *caller {
	if token == "" {
		return nil
	}
	hash := HashToken(token)
	var found *caller
	for known, c := range g.tokens {
		if subtle.ConstantTimeCompare([]byte(known), []byte(hash)) == 1 {
			found = c
		}
	}
	return found
}

// reader finds who reads the page: as who does, by a session, or as the proxy says.
func (g *gate) reader(r *http.Request) *caller {
	if c := g.who(r); c != nil {
		return c
	}
	if c := g.sessions.current(r); c != nil {
		return &caller{name: c.User, scopes: c.Scopes, session: true}
	}
	if g.header == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return nil
	}
	at, err := netip.ParseAddr(host)
	if err != nil || !slices.ContainsFunc(g.proxies, func(p netip.Prefix) bool { return p.Contains(at.Unmap()) }) {
		return nil
	}
	if user := r.Header.Get(g.header); user != "" {
		return &caller{name: user[:min(len(user), maxUser)], scopes: g.proxied}
	}
	return nil
}

// admit lets in who has the scope and is within their rate.
func (g *gate) admit(r *http.Request, scope string, find func(*http.Request) *caller) (*http.Request, *problem) {
	c := find(r)
	switch {
	case c == nil && r.Header.Get("Authorization") == "":
		return nil, fault(http.StatusUnauthorized, "a token is wanted: Authorization: Bearer …")
	case c == nil:
		return nil, fault(http.StatusUnauthorized, "the token is not known here")
	case !c.may(scope):
		return nil, fault(http.StatusForbidden, "this caller has not the scope "+scope)
	case c.limit != nil && !c.limit.Allow():
		p := fault(http.StatusTooManyRequests, "more requests than the token may send")
		p.after = 1
		return nil, p
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c)), nil
}

// localHost guards an open server against pages in the user's own browser that
// reach it under a name of theirs.
func localHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
