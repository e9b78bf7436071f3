package server

import (
	"cmp"
	"context"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/fnvet/fnvet/server/hook"
	"github.com/fnvet/fnvet/server/store"
)

// receive takes what a source sends: who sent it, what it says, and, once that is
// durable, 202.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("source")
	if !hook.Known(name) {
		return fault(http.StatusNotFound, "no source has that name")
	}
	body, err := readBody(w, r, hook.MaxBody)
	if err != nil {
		return err
	}
	source, refused := s.sender(name, r, body)
	if refused != nil {
		return refused
	}
	parsed, err := hook.Parse(name, r.Header, body)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil && kind == "application/x-www-form-urlencoded" {
		return fault(http.StatusBadRequest, "the body is a form; choose application/json as the webhook's content type")
	}
	if err != nil {
		return fault(http.StatusBadRequest, strings.TrimPrefix(err.Error(), hook.ErrMalformed.Error()+": "))
	}
	if len(parsed.Events) == 0 {
		return answer(w, http.StatusOK, map[string]string{"ignored": parsed.Ignored})
	}
	version, _ := s.Scanner.Version()
	requests := make([]store.Request, len(parsed.Events))
	for i := range parsed.Events {
		if requests[i], err = s.request(name, source, &parsed.Events[i], version); err != nil {
			return err
		}
	}
	accepted, err := s.commit(r.Context(), requests)
	if err != nil {
		return err
	}
	jobs, known := []int64{}, hook.SignsBody(name)
	for _, a := range accepted {
		jobs = append(jobs, a.Scan)
		known = known && a.Known
	}
	s.metrics.events(name, len(jobs))
	if known { // its sender does not repeat what was answered: somebody else may
		return fault(http.StatusConflict, "this delivery was accepted before")
	}
	return answer(w, http.StatusAccepted, map[string][]int64{"jobs": jobs})
}

// sender finds the source of the configuration that a request comes from: by its
// signature, by the secret at the end of the path, or by a token.
func (s *Server) sender(name string, r *http.Request, body []byte) (*Source, *problem) {
	configured := false
	for i := range s.File.Sources {
		source := &s.File.Sources[i]
		if source.Source != name {
			continue
		}
		configured = true
		secret := source.Secret.Reveal()
		inPath := hook.Same(r.PathValue("secret"), secret) && !hook.SignsBody(name)
		if inPath || hook.Signed(name, r.Header, body, secret) || name == "pubsub" && s.fromGoogle(r, source) {
			return source, nil
		}
	}
	if s.gate.open && configured {
		return nil, fault(http.StatusUnauthorized, "the signature or secret of the source is wrong or missing")
	}
	c := s.gate.who(r)
	switch {
	case c == nil:
		return nil, fault(http.StatusUnauthorized, "neither the source's signature nor a token is right")
	case !c.may(ScopeHooks):
		return nil, fault(http.StatusForbidden, "the token has not the scope hooks")
	case c.limit != nil && !c.limit.Allow():
		p := fault(http.StatusTooManyRequests, "more requests than the token may send")
		p.after = 1
		return nil, p
	}
	return &Source{Source: name}, nil
}

// request makes a request of an event. Events name the registries of the
// configuration and no others.
func (s *Server) request(name string, source *Source, e *hook.Event, v store.Version) (store.Request, error) {
	r := store.Request{
		Source: name, Registry: e.Registry, Repository: e.Repository, Tag: e.Tag, Digest: e.Digest, Target: e.Target, Version: v,
	}
	if e.ID != "" { // one delivery may hold several artifacts
		r.Event = strings.Join([]string{e.ID, e.Repository, cmp.Or(e.Digest, e.Tag)}, "|")
	}
	if e.Target != "" {
		if !s.File.AWS {
			return r, errNoAWS()
		}
		return r, nil
	}
	registry := s.File.registryByHost(e.Registry)
	if source.Registry != "" {
		registry = s.File.registryByName(source.Registry)
	}
	if registry == nil {
		return r, fault(http.StatusForbidden, "no registry of the configuration has the host "+cmp.Or(e.Registry, "of this source: name one there"))
	}
	r.Registry = registry.Host
	if e.Callback != "" && dockerHubCallback(e.Callback) {
		r.Callback = e.Callback
	}
	return r, nil
}

// dockerHubCallback reports an address on the host that Docker Hub's callbacks have.
func dockerHubCallback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host == "registry.hub.docker.com" && u.User == nil && strings.HasPrefix(u.Path, "/u/")
}

// Where Google's tokens come from.
const (
	googleIssuer = "https://accounts.google.com"
	googleKeys   = "https://www.googleapis.com/oauth2/v3/certs"
)

// keySets keeps the issuers' keys, which go-oidc fetches and renews.
type keySets struct {
	mu  sync.Mutex
	set map[string]*oidc.RemoteKeySet
}

func (k *keySets) of(address string) *oidc.RemoteKeySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set == nil {
		k.set = map[string]*oidc.RemoteKeySet{}
	}
	if k.set[address] == nil {
		k.set[address] = oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), &http.Client{Timeout: headerTimeout}), address)
	}
	return k.set[address]
}

// fromGoogle verifies the OpenID Connect token of a push subscription: signature,
// issuer, audience, expiry, and the service account that sent it.
func (s *Server) fromGoogle(r *http.Request, source *Source) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false
	}
	v := oidc.NewVerifier(cmp.Or(source.Issuer, googleIssuer), s.keys.of(cmp.Or(source.Keys, googleKeys)), &oidc.Config{ClientID: source.Audience})
	id, err := v.Verify(r.Context(), token)
	if err != nil {
		return false
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	return id.Claims(&claims) == nil && claims.Verified && claims.Email == source.Email && slices.Contains(id.Audience, source.Audience)
}
