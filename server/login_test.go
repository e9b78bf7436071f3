package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"

	"github.com/fnvet/fnvet/internal/testdb"
)

// A provider is an OpenID Connect provider that lets everybody in as claims says.
type provider struct {
	*httptest.Server
	t      *testing.T
	key    *ecdsa.PrivateKey
	claims map[string]any // beside issuer, audience, times
	info   map[string]any // of the user information
	mangle func(map[string]any)
	codes  map[string]url.Values // the question that got the code
	spoilt bool                  // signs with a key it does not publish
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"userinfo_endpoint": p.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) { p.answer(w, p.info) })
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		p.t.Error(err)
	}
}

// token gives an id_token for a code, once, to the client that asked for it and
// knows the verifier.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	asked, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	id, secret, _ := r.BasicAuth()
	if !ok || id != "fnvet" || secret != "test-not-a-secret" || asked.Get("code_challenge_method") != "S256" ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
		http.Error(w, `{"error":"invalid_grant","error_description":"a secret of the provider"}`, http.StatusBadRequest)
		return
	}
	claims := map[string]any{
		"iss": p.URL, "aud": "fnvet", "sub": "s1", "nonce": asked.Get("nonce"), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	maps.Copy(claims, p.claims)
	if p.mangle != nil {
		p.mangle(claims)
	}
	p.answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": p.sign(claims)})
}

func (p *provider) sign(claims map[string]any) string {
	p.t.Helper()
	key := p.key
	if p.spoilt {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			p.t.Fatal(err)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// consent is what the provider does with a question: it sends the browser back.
func (p *provider) consent(location string) (code, state string) {
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, p.URL+"/authorize?") {
		p.t.Fatalf("sent to %s: %v", location, err)
	}
	q := u.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != "fnvet" || q.Get("nonce") == "" || !strings.Contains(q.Get("scope"), "openid") {
		p.t.Errorf("asked %v", q)
	}
	code = rand.Text()
	p.codes[code] = q
	return code, q.Get("state")
}

// A browser keeps cookies.
type browser struct {
	*testServer
	jar map[string]string
}

func (b *browser) visit(method, path string) got {
	b.t.Helper()
	var pairs []string
	for name, value := range b.jar {
		pairs = append(pairs, name+"="+value)
	}
	g := b.do(method, path, "", "", "Accept", "text/html", "Cookie", strings.Join(pairs, "; "))
	for _, c := range (&http.Response{Header: g.header}).Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			b.t.Errorf("cookie %v", c)
		}
		if b.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.jar, c.Name)
		}
	}
	return g
}

func startLogin(t *testing.T, p *provider) *testServer {
	t.Helper()
	return startLoginOn(t, testdb.SQLite(t), p, "")
}

func startLoginOn(t *testing.T, url string, p *provider, more string) *testServer {
	t.Helper()
	return start(t, url, `
url: http://127.0.0.1:1/
oidc_login:
  issuer: `+p.URL+`
  client_id: fnvet
  client_secret: env:FNVET_TEST_SECRET
  groups_claim: realm.roles
  groups: {readers: [read], bosses: [admin]}
`+more)
}

// TestLogoutElsewhere: who logs out at one server is unknown to all of its store, and
// to those that start later; nobody is known while the store does not answer.
func TestLogoutElsewhere(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		p := newProvider(t)
		p.claims = roles("readers")
		key := "  session_key: env:FNVET_TEST_SECRET\n"
		one, two := startLoginOn(t, url, p, key), startLoginOn(t, url, p, key)
		b := &browser{one, map[string]string{}}
		b.login(p, "/")
		kept := maps.Clone(b.jar)
		at := func(s *testServer, why string, want int) {
			t.Helper()
			if g := (&browser{s, maps.Clone(kept)}).visit("GET", "/"); g.status != want {
				t.Errorf("%s: %d, want %d", why, g.status, want)
			}
		}
		at(one, "the server of the login", http.StatusOK)
		at(two, "another one", http.StatusOK)
		b.testServer = two
		if g := b.visit("POST", "/logout"); g.status != http.StatusOK || len(b.jar) != 0 {
			t.Fatalf("logout: %d, cookies %v", g.status, b.jar)
		}
		at(two, "the server of the logout", http.StatusSeeOther)
		at(one, "another one, after the logout", http.StatusSeeOther)
		at(startLoginOn(t, url, p, key), "one that started later", http.StatusSeeOther)
		b.testServer = one
		b.login(p, "/")
		kept = maps.Clone(b.jar)
		at(two, "a new session", http.StatusOK)
		two.Store.Close()
		at(two, "without a store", http.StatusSeeOther)
		if g := (&browser{two, maps.Clone(kept)}).visit("POST", "/logout"); g.status >= 500 {
			t.Errorf("logout without a store: %d", g.status)
		}
		at(one, "and with it", http.StatusOK)
	})
}

// login goes to the provider and back.
func (b *browser) login(p *provider, path string) got {
	b.t.Helper()
	g := b.visit("GET", path)
	if g.status != http.StatusSeeOther || !strings.HasPrefix(g.header.Get("Location"), "/login?next=") {
		b.t.Fatalf("%s: %d %v", path, g.status, g.header)
	}
	code, state := p.consent(b.visit("GET", g.header.Get("Location")).header.Get("Location"))
	return b.visit("GET", "/login/callback?"+url.Values{"code": {code}, "state": {state}}.Encode())
}

func roles(names ...any) map[string]any {
	return map[string]any{"realm": map[string]any{"roles": names}, "preferred_username": "<eve>"}
}

func TestLogin(t *testing.T) {
	p := newProvider(t)
	p.claims = roles("readers", "others")
	s := startLogin(t, p)
	id := s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody).id(t)
	s.await(id, "done")
	b := &browser{s, map[string]string{}}
	for _, path := range []string{"/", "/artifacts/1", "/search?package=a"} {
		if g := b.visit("GET", path); g.status != http.StatusSeeOther || g.header.Get("Location") != "/login?next="+url.QueryEscape(path) {
			t.Errorf("%s: %d %v", path, g.status, g.header)
		}
	}
	if g := b.login(p, "/queue?x=1"); g.status != http.StatusSeeOther || g.header.Get("Location") != "/queue?x=1" {
		t.Fatalf("after the login: %d %v %s", g.status, g.header, g.body)
	}
	if len(b.jar) != 1 || b.jar["fnvet_session"] == "" || strings.Contains(b.jar["fnvet_session"], "eve") {
		t.Errorf("cookies %v", b.jar)
	}
	for _, path := range []string{"/", "/queue", "/api/v1/scans/" + id + "/report?format=html", "/api/v1/scans/" + id + "/sbom"} {
		if g := b.visit("GET", path); g.status != http.StatusOK || !strings.HasPrefix(path, "/api") && !strings.Contains(g.body, "&lt;eve&gt;") {
			t.Errorf("%s: %d", path, g.status)
		}
	}
	// A reader reads: no dead letters again, no scans, no hooks, no adapter.
	for _, path := range []string{"/queue/" + id + "/replay", "/api/v1/scans", "/hooks/distribution", "/admission", "/scanner/api/v1/scan"} {
		if g := b.visit("POST", path); g.status != http.StatusForbidden && g.status != http.StatusUnauthorized {
			t.Errorf("POST %s: %d", path, g.status)
		}
	}
	kept := maps.Clone(b.jar)
	if g := b.visit("POST", "/logout"); g.status != http.StatusOK || len(b.jar) != 0 {
		t.Errorf("logout: %d, cookies %v", g.status, b.jar)
	}
	b.jar = kept // somebody copied it
	if g := b.visit("GET", "/"); g.status != http.StatusSeeOther {
		t.Errorf("a session that ended: %d", g.status)
	}
	if g := s.do("GET", "/api/v1/scans", "", ""); g.status != http.StatusUnauthorized {
		t.Errorf("a program is sent to log in: %d", g.status)
	}
	if g := s.do("POST", "/logout", "", "", "Sec-Fetch-Site", "cross-site"); g.status != http.StatusForbidden {
		t.Errorf("another site logs out: %d", g.status)
	}
}

func TestLoginScopes(t *testing.T) {
	p := newProvider(t)
	s := startLogin(t, p)
	for _, r := range []struct {
		reason       string
		claims, info map[string]any
		want         int // of the callback
		replay       int // of a dead letter that is not there
	}{
		{"an admin", roles("bosses"), nil, 303, 404},
		{"two groups", roles("readers", "bosses"), nil, 303, 404},
		{"a reader", roles("readers"), nil, 303, 403},
		{"no group that counts", roles("others"), nil, 403, 303},
		{"everybody is no group of a person", roles("*"), nil, 403, 303},
		{"no groups", roles(), nil, 403, 303},
		{"groups of another kind", map[string]any{"realm": map[string]any{"roles": 7}}, nil, 403, 303},
		{"one group as a text", map[string]any{"realm": map[string]any{"roles": "bosses"}}, nil, 303, 404},
		{"one claim by the whole name", map[string]any{"realm.roles": []string{"bosses"}}, nil, 303, 404},
		{"groups in the user information", nil, map[string]any{"sub": "s1", "realm": map[string]any{"roles": []string{"readers"}}}, 303, 403},
		{"somebody else's user information", nil, map[string]any{"sub": "s2", "realm": map[string]any{"roles": []string{"bosses"}}}, 403, 303},
	} {
		p.claims, p.info = r.claims, r.info
		b := &browser{s, map[string]string{}}
		if g := b.login(p, "/"); g.status != r.want {
			t.Errorf("%s: %d %s, want %d", r.reason, g.status, g.body, r.want)
		}
		if r.replay == 303 { // nobody is logged in
			if g := b.visit("GET", "/"); g.status != 303 {
				t.Errorf("%s: %d, want to be sent to log in", r.reason, g.status)
			}
			continue
		}
		if g := b.visit("POST", "/queue/999/replay"); g.status != r.replay || !strings.Contains(g.body, "<h1>") {
			t.Errorf("%s: replay %d %s, want %d and a page", r.reason, g.status, g.body, r.replay)
		}
	}
}

// TestLoginRefused: each part of the protocol holds.
func TestLoginRefused(t *testing.T) {
	p := newProvider(t)
	p.claims = roles("bosses")
	s := startLogin(t, p)
	s.login.limit = rate.NewLimiter(rate.Inf, 1)
	for _, r := range []struct {
		reason string
		before func()
		mangle func(map[string]any)
		change func(b *browser, q url.Values)
		want   int
	}{
		{"nothing wrong", nil, nil, nil, 303},
		{"another state", nil, nil, func(_ *browser, q url.Values) { q.Set("state", "x") }, 400},
		{"no state", nil, nil, func(_ *browser, q url.Values) { q.Del("state") }, 400},
		{"another browser", nil, nil, func(b *browser, _ url.Values) { clear(b.jar) }, 400},
		{"a cookie of another purpose", nil, nil, func(b *browser, _ url.Values) { b.jar = map[string]string{"fnvet_session": b.jar["fnvet_login"]} }, 400},
		{"a cookie that was changed", nil, nil, func(b *browser, _ url.Values) { b.jar["fnvet_login"] = "A" + b.jar["fnvet_login"][1:] + "A" }, 400},
		{"a code that is none", nil, nil, func(_ *browser, q url.Values) { q.Set("code", "x") }, 403},
		{"no code", nil, nil, func(_ *browser, q url.Values) { q.Del("code") }, 400},
		{"the provider says no", nil, nil, func(_ *browser, q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, 403},
		{"another nonce", nil, func(c map[string]any) { c["nonce"] = "x" }, nil, 403},
		{"no nonce", nil, func(c map[string]any) { delete(c, "nonce") }, nil, 403},
		{"another issuer", nil, func(c map[string]any) { c["iss"] = "https://evil.example" }, nil, 403},
		{"another client", nil, func(c map[string]any) { c["aud"] = "other" }, nil, 403},
		{"expired", nil, func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }, nil, 403},
		{"another key", func() { p.spoilt = true }, nil, nil, 403},
	} {
		p.spoilt, p.mangle = false, r.mangle
		if r.before != nil {
			r.before()
		}
		b := &browser{s, map[string]string{}}
		code, state := p.consent(b.visit("GET", "/login?next=//evil.example/").header.Get("Location"))
		q := url.Values{"code": {code}, "state": {state}}
		if r.change != nil {
			r.change(b, q)
		}
		g := b.visit("GET", "/login/callback?"+q.Encode())
		if g.status != r.want || strings.Contains(g.body, "a secret of the provider") {
			t.Errorf("%s: %d %s, want %d", r.reason, g.status, g.body, r.want)
		}
		if in := b.visit("GET", "/").status == http.StatusOK; in != (r.want == 303) {
			t.Errorf("%s: logged in: %v", r.reason, in)
		}
		if r.want == 303 && g.header.Get("Location") != "/" {
			t.Errorf("%s: sent to %s", r.reason, g.header.Get("Location"))
		}
		if again := b.visit("GET", "/login/callback?"+q.Encode()); again.status != 400 {
			t.Errorf("%s: the callback a second time: %d", r.reason, again.status)
		}
	}
}

func TestLoginProviderAway(t *testing.T) {
	p := newProvider(t)
	s := startLogin(t, p)
	p.Close()
	if g := s.do("GET", "/login", "", "", "Accept", "text/html"); g.status != http.StatusServiceUnavailable || !strings.Contains(g.body, "provider of logins") {
		t.Errorf("%d %s", g.status, g.body)
	}
	limited := false
	for range 60 {
		limited = limited || s.do("GET", "/login", "", "").status == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("no rate of logins is too high")
	}
}

func TestSessions(t *testing.T) {
	ended := &fakeEndings{ids: map[string]bool{}}
	s, other := newSessions("k", true, ended), newSessions("", true, ended)
	w := httptest.NewRecorder()
	s.set(w, "session", &session{ID: "1", User: "u", Scopes: []string{ScopeRead}, Until: time.Now().Add(time.Hour).Unix()}, time.Hour)
	c := w.Result().Cookies()[0]
	if c.Name != "__Host-fnvet_session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 3600 {
		t.Errorf("cookie %v", c)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.AddCookie(c)
	switch {
	case s.current(r) == nil || newSessions("k", true, ended).current(r) == nil:
		t.Error("a server with the key does not know the session")
	case other.current(r) != nil || newSessions("k", false, ended).current(r) != nil:
		t.Error("another server does")
	}
	w = httptest.NewRecorder()
	s.set(w, "session", &session{ID: "2", Until: time.Now().Unix()}, time.Hour)
	late := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	late.AddCookie(w.Result().Cookies()[0])
	if s.current(late) != nil {
		t.Error("a session goes on after its end")
	}
	ended.err = errFake
	if s.current(r) != nil {
		t.Error("a session of which nobody knows whether it was ended counts")
	}
	ended.err = nil
	if err := s.end(t.Context(), &session{ID: "1"}); err != nil || s.current(r) != nil {
		t.Errorf("a session goes on after it was ended, error %v", err)
	}
}

// fakeEndings are ended sessions, or an error.
type fakeEndings struct {
	ids map[string]bool
	err error
}

// EndSession ends one.
func (f *fakeEndings) EndSession(_ context.Context, id string, _ time.Time) error {
	f.ids[id] = true
	return f.err
}

// SessionEnded tells.
func (f *fakeEndings) SessionEnded(_ context.Context, id string) (bool, error) {
	return f.ids[id], f.err
}

func TestLocal(t *testing.T) {
	for next, want := range map[string]string{
		"/": "/", "/queue?a=1": "/queue?a=1", "/artifacts/7#x": "/artifacts/7#x",
		"": "/", "//evil.example": "/", "https://evil.example/": "/", "/\\evil.example": "/", "queue": "/", "/\r\nX: y": "/", "javascript:alert(1)": "/", "/" + strings.Repeat("a", 1001): "/",
	} {
		if got := local(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}
