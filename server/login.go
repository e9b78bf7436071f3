package server

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"

	"github.com/fnvet/fnvet/server/web"
)

// An OIDCLogin lets people log in to the page at an OpenID Connect provider.
type OIDCLogin struct {
	Issuer       string `yaml:"issuer"`
	ClientID     string `yaml:"client_id"`
	ClientSecret Secret `yaml:"client_secret"` // none for a public client
	// Scopes that are asked of the provider; default openid, profile, email.
	Scopes []string `yaml:"scopes"`
	// GroupsClaim names the claim that lists a person's groups, "groups" if it is
	// empty; "realm_access.roles" is one inside another.
	GroupsClaim string `yaml:"groups_claim"`
	// Groups maps a group to scopes of this server; "*" is everybody who can log in.
	Groups map[string][]string `yaml:"groups"`
	// Session is how long a login lasts; default 8h.
	Session time.Duration `yaml:"session"`
	// SessionKey seals sessions. Several servers need the same one; without one,
	// sessions end with the process.
	SessionKey Secret `yaml:"session_key"`
}

// loginTime is how long somebody may take at the provider.
const loginTime = 10 * time.Minute

// maxUser bounds the name of a person, in bytes.
const maxUser = 100

func (f *File) checkLogin() error {
	l := f.OIDCLogin
	if l == nil {
		return nil
	}
	l.GroupsClaim, l.Session = cmp.Or(l.GroupsClaim, "groups"), cmp.Or(l.Session, 8*time.Hour)
	if l.Scopes == nil {
		l.Scopes = []string{oidc.ScopeOpenID, "profile", "email"}
	}
	switch {
	case l.ClientID == "" || len(l.Groups) == 0:
		return errors.New("oidc_login wants issuer, client_id and groups")
	case !overTLS(l.Issuer):
		return fmt.Errorf("oidc_login: the issuer %q is no https URL", l.Issuer)
	case !overTLS(f.URL):
		return fmt.Errorf("oidc_login wants url, the https URL under which people reach this server; it is %q", f.URL)
	case !slices.Contains(l.Scopes, oidc.ScopeOpenID):
		return errors.New("oidc_login: scopes have no openid")
	case l.Session < time.Minute:
		return errors.New("oidc_login: session is at least 1m")
	}
	for group, scopes := range l.Groups {
		if err := checkScopes(scopes); err != nil {
			return fmt.Errorf("oidc_login: group %s: %w", group, err)
		}
	}
	return nil
}

// overTLS reports an https URL, or one of this machine.
func overTLS(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// A login asks one provider. What the provider says of itself is fetched with the
// first login, so that a server starts without it.
type login struct {
	*OIDCLogin
	redirect string
	client   *http.Client
	limit    *rate.Limiter // of logins begun and ended, by whomever
	mu       sync.Mutex
	provider *oidc.Provider
}

func newLogin(f *File) *login {
	if f.OIDCLogin == nil {
		return nil
	}
	return &login{
		OIDCLogin: f.OIDCLogin, redirect: strings.TrimSuffix(f.URL, "/") + "/login/callback",
		client: &http.Client{Timeout: headerTimeout}, limit: rate.NewLimiter(20, 40),
	}
}

func (l *login) discover(ctx context.Context) (*oidc.Provider, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.provider == nil {
		p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), l.client), l.Issuer) // its keys are fetched later
		if err != nil {
			return nil, err
		}
		l.provider = p
	}
	return l.provider, nil
}

func (l *login) config(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: l.ClientID, ClientSecret: l.ClientSecret.Reveal(), Endpoint: p.Endpoint(), RedirectURL: l.redirect, Scopes: l.Scopes}
}

// attempt is a login under way, kept in the browser.
type attempt struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Next     string `json:"to"`
	Until    int64  `json:"e"`
}

// local is a path of this server, or "/": nothing that leads elsewhere.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || len(next) > 1000 {
		return "/"
	}
	return next
}

// ready says why nobody can log in now, or nil.
func (s *Server) ready() error {
	switch {
	case s.login == nil:
		return fault(http.StatusNotFound, "no oidc_login is configured")
	case !s.login.limit.Allow():
		p := fault(http.StatusTooManyRequests, "too many logins at once")
		p.after = 1
		return p
	}
	return nil
}

// unreachable is a provider that does not do its part.
func (s *Server) unreachable(err error) error {
	s.Logger.Warn("the provider of logins failed", "error", reason(err))
	return fault(http.StatusServiceUnavailable, "the provider of logins does not answer as it should")
}

// beginLogin sends a person to the provider: code flow, with PKCE, state and nonce.
func (s *Server) beginLogin(w http.ResponseWriter, r *http.Request) error {
	if err := s.ready(); err != nil {
		return err
	}
	p, err := s.login.discover(r.Context())
	if err != nil {
		return s.unreachable(err)
	}
	a := attempt{State: newID(), Nonce: newID(), Verifier: oauth2.GenerateVerifier(), Next: local(r.URL.Query().Get("next")), Until: time.Now().Add(loginTime).Unix()}
	s.gate.sessions.set(w, "login", a, loginTime)
	http.Redirect(w, r, s.login.config(p).AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusSeeOther)
	return nil
}

// endLogin takes what the provider sends a person back with.
func (s *Server) endLogin(w http.ResponseWriter, r *http.Request) error {
	if err := s.ready(); err != nil {
		return err
	}
	q := r.URL.Query()
	var a attempt
	begun := s.gate.sessions.get(r, "login", &a) && time.Now().Unix() < a.Until
	s.gate.sessions.drop(w, "login")
	switch {
	case !begun || subtle.ConstantTimeCompare([]byte(a.State), []byte(q.Get("state"))) != 1:
		return fault(http.StatusBadRequest, "this login was not begun here, or too long ago")
	case q.Get("error") != "":
		return fault(http.StatusForbidden, "the provider let nobody in")
	case q.Get("code") == "":
		return fault(http.StatusBadRequest, "the provider sent no code")
	}
	p, err := s.login.discover(r.Context())
	if err != nil {
		return s.unreachable(err)
	}
	c, err := s.login.finish(oidc.ClientContext(r.Context(), s.login.client), p, &a, q.Get("code"))
	if err != nil {
		s.Logger.Warn("a login failed", "error", plainLogin(err))
		return fault(http.StatusForbidden, "the provider's answer does not hold")
	}
	if len(c.Scopes) == 0 {
		return fault(http.StatusForbidden, "none of your groups may look at this server")
	}
	s.gate.sessions.set(w, "session", c, s.login.Session)
	http.Redirect(w, r, a.Next, http.StatusSeeOther)
	return nil
}

// finish trades the code for who logged in.
func (l *login) finish(ctx context.Context, p *oidc.Provider, a *attempt, code string) (*session, error) {
	token, err := l.config(p).Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return nil, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("there is no id_token")
	}
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: l.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return nil, errors.New("the nonce is another one")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return nil, err
	}
	groups, found := groupsIn(claims, l.GroupsClaim)
	if !found && p.UserInfoEndpoint() != "" { // some providers keep them there
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return nil, err
		}
		var more map[string]any
		if info.Subject != id.Subject || info.Claims(&more) != nil {
			return nil, errors.New("the user information is of somebody else")
		}
		groups, _ = groupsIn(more, l.GroupsClaim)
	}
	return &session{ID: newID(), User: userOf(claims, id.Subject), Scopes: l.allowed(groups), Until: time.Now().Add(l.Session).Unix()}, nil
}

// groupsIn lists the groups of a claim, which may be one inside another.
func groupsIn(claims map[string]any, name string) (groups []string, found bool) {
	value, ok := claims[name]
	for rest := name; !ok; {
		var first string
		if first, rest, ok = strings.Cut(rest, "."); !ok {
			return nil, false
		}
		inner, is := claims[first].(map[string]any)
		if !is {
			return nil, false
		}
		claims = inner
		value, ok = claims[rest]
	}
	switch v := value.(type) {
	case string:
		return []string{v}, true
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				groups = append(groups, text)
			}
		}
	}
	return groups, true
}

// allowed are the scopes of a person in some groups.
func (l *login) allowed(groups []string) []string {
	scopes := slices.Clone(l.Groups["*"])
	for _, g := range groups {
		if g != "*" {
			scopes = append(scopes, l.Groups[g]...)
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// userOf is what a person is called.
func userOf(claims map[string]any, subject string) string {
	name := subject
	for _, claim := range []string{"preferred_username", "email", "name"} {
		if text, ok := claims[claim].(string); ok && text != "" {
			name = text
			break
		}
	}
	return strings.ToValidUTF8(name[:min(len(name), maxUser)], "")
}

// plainLogin is an error without what the provider answered, which may hold a token.
func plainLogin(err error) string {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return "the provider answered " + e.Response.Status
	}
	return reason(err)
}

// logout ends a session, on every server of the store and in the browser. The provider's goes on.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	if s.login == nil {
		return fault(http.StatusNotFound, "no oidc_login is configured")
	}
	if c := s.gate.sessions.current(r); c != nil {
		if err := s.gate.sessions.end(r.Context(), c); err != nil {
			return err // the cookie stays: it can be tried again
		}
	}
	s.gate.sessions.drop(w, "session")
	return s.show(w, r, "problem", web.View{Title: "Logged out", Problem: "fnvet knows you no more. The provider of the login may still do."})
}
