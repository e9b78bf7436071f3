package server

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fnvet/fnvet/internal/testdb"
)

// TestProxyLogin: the header counts from the proxy's address and from no other,
// whatever a request says of itself.
func TestProxyLogin(t *testing.T) {
	for _, r := range []struct {
		from string
		want int
	}{{"127.0.0.0/8", 200}, {"127.0.0.1/32", 200}, {"10.0.0.0/8", 401}, {"127.0.0.2/32", 401}, {"::1/128", 401}} {
		s := start(t, testdb.SQLite(t), "proxy_login: {header: X-Forwarded-User, from: ['"+r.from+"']}\n")
		for _, path := range []string{"/", "/queue", "/api/v1/scans"} {
			if g := s.do("GET", path, "", "", "X-Forwarded-User", "eve", "X-Forwarded-For", "10.0.0.1", "Forwarded", "for=10.0.0.1", "X-Real-Ip", "10.0.0.1"); g.status != r.want {
				t.Errorf("from %s: %s %d, want %d", r.from, path, g.status, r.want)
			}
			if g := s.do("GET", path, "", "", "X-Forwarded-User", ""); g.status != 401 {
				t.Errorf("from %s: %s without a name: %d", r.from, path, g.status)
			}
		}
		for _, path := range []string{"/queue/1/replay", "/api/v1/scans", "/api/v1/dead/1/replay", "/hooks/distribution"} {
			if g := s.do("POST", path, "", "{}", "X-Forwarded-User", "eve"); g.status != 401 && g.status != 403 {
				t.Errorf("from %s: POST %s %d", r.from, path, g.status)
			}
		}
	}
	s := start(t, testdb.SQLite(t), "proxy_login: {header: X-Forwarded-User, from: [127.0.0.0/8], scopes: [admin]}\n")
	if g := s.do("POST", "/queue/1/replay", "", "", "X-Forwarded-User", "eve"); g.status != http.StatusNotFound {
		t.Errorf("an admin by the proxy: %d", g.status)
	}
	if g := s.do("POST", "/api/v1/dead/1/replay", "", "", "X-Forwarded-User", "eve"); g.status != http.StatusUnauthorized {
		t.Errorf("the API takes the proxy's word for a change: %d", g.status)
	}
	if g := newGate(s.File, false, s.Store); g.reader(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)) != nil {
		t.Error("a request without the header is somebody's")
	}
	mapped := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	mapped.RemoteAddr = "[::ffff:127.0.0.1]:1"
	mapped.Header.Set("X-Forwarded-User", "eve")
	if newGate(s.File, false, s.Store).reader(mapped) == nil {
		t.Error("an IPv4 address written as IPv6 is another one")
	}
}

// TestPubSub: the token of a push subscription holds in each part, or it does not.
// A google signs the tokens of Pub/Sub's pushes.
type google struct {
	t    *testing.T
	key  *rsa.PrivateKey
	keys *httptest.Server
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	}))
	t.Cleanup(keys.Close)
	return &google{t, key, keys}
}

// source is the configuration of a subscription.
func (g *google) source() Source {
	return Source{Source: "pubsub", Audience: "https://fnvet.example/hooks/pubsub", Email: "push@project.iam.gserviceaccount.com", Keys: g.keys.URL, Registry: "main"}
}

func (g *google) claims(change func(map[string]any)) map[string]any {
	c := map[string]any{
		"iss": "https://accounts.google.com", "aud": "https://fnvet.example/hooks/pubsub", "sub": "1", "email": "push@project.iam.gserviceaccount.com",
		"email_verified": true, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	if change != nil {
		change(c)
	}
	return c
}

func (g *google) sign(alg jose.SignatureAlgorithm, with any, c map[string]any) string {
	g.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: with, KeyID: "1"}}, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		g.t.Fatal(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		g.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		g.t.Fatal(err)
	}
	return text
}

func TestPubSub(t *testing.T) {
	g := newGoogle(t)
	key, claims, sign := g.key, g.claims, g.sign
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, testdb.SQLite(t), "")
	s.File.Sources = append(s.File.Sources, g.source())
	good := sign(jose.RS256, key, claims(nil))
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	parts := strings.Split(good, ".")
	body := `{"message":{"data":"eyJhY3Rpb24iOiJERUxFVEUifQ==","messageId":"m1"},"subscription":"s"}`
	for _, r := range []struct {
		reason, token string
		want          int
	}{
		{"as Google sends it", good, 200},
		{"another audience", sign(jose.RS256, key, claims(func(c map[string]any) { c["aud"] = "https://other.example/" })), 401},
		{"another account", sign(jose.RS256, key, claims(func(c map[string]any) { c["email"] = "eve@project.iam.gserviceaccount.com" })), 401},
		{"an address nobody verified", sign(jose.RS256, key, claims(func(c map[string]any) { c["email_verified"] = false })), 401},
		{"an address with no word on that", sign(jose.RS256, key, claims(func(c map[string]any) { delete(c, "email_verified") })), 401},
		{"expired", sign(jose.RS256, key, claims(func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() })), 401},
		{"another issuer", sign(jose.RS256, key, claims(func(c map[string]any) { c["iss"] = "https://evil.example" })), 401},
		{"another key", sign(jose.RS256, other, claims(nil)), 401},
		{"the public key as a secret", sign(jose.HS256, public, claims(nil)), 401},
		{"no signature", parts[0] + "." + parts[1] + ".", 401},
		{"no algorithm", "eyJhbGciOiJub25lIn0." + parts[1] + ".", 401},
		{"cut off", good[:len(good)-20], 401},
		{"not a token", "x", 401},
		{"nothing", "", 401},
	} {
		if g := s.do("POST", "/hooks/pubsub", r.token, body); g.status != r.want {
			t.Errorf("%s: %d %s, want %d", r.reason, g.status, g.body, r.want)
		}
	}
}
