package server

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// A session is who logged in. It is kept in the browser's cookie, sealed, so that
// any server with the same key knows it.
type session struct {
	ID     string   `json:"i"`
	User   string   `json:"u"`
	Scopes []string `json:"s"`
	Until  int64    `json:"e"` // seconds since 1970
}

// sessions seals and opens cookies.
type sessions struct {
	seal   cipher.AEAD
	secure bool // cookies go over TLS only
	ended  endings
}

// endings are the sessions that were ended before their time, for all servers.
type endings interface {
	EndSession(ctx context.Context, id string, until time.Time) error
	SessionEnded(ctx context.Context, id string) (bool, error)
}

// newSessions takes a key of any length, or makes one that ends with the process.
func newSessions(key string, secure bool, ended endings) *sessions {
	if key == "" {
		key = rand.Text()
	}
	sum := sha256.Sum256([]byte("fnvet sessions\x00" + key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // not for 32 bytes
	}
	g, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // not for AES
	}
	return &sessions{seal: g, secure: secure, ended: ended}
}

// name is that of a cookie. Browsers take the prefix only over TLS, from the host
// itself and for all its paths.
func (s *sessions) name(purpose string) string {
	if s.secure {
		return "__Host-fnvet_" + purpose
	}
	return "fnvet_" + purpose
}

func (s *sessions) set(w http.ResponseWriter, purpose string, value any, age time.Duration) {
	plain, _ := json.Marshal(value)                         // of structs of texts: does not fail
	sealed := s.seal.Seal(nil, nil, plain, []byte(purpose)) // #nosec G407 -- it makes its own random nonce
	s.cookie(w, purpose, base64.RawURLEncoding.EncodeToString(sealed), int(age.Seconds()))
}

func (s *sessions) drop(w http.ResponseWriter, purpose string) { s.cookie(w, purpose, "", -1) }

// cookie is sent along when a link of another site is followed, as the way back from
// the provider is, and with no other request of another site.
func (s *sessions) cookie(w http.ResponseWriter, purpose, value string, age int) {
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure is off on a loopback address without TLS
		Name: s.name(purpose), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
}

// get opens a cookie that was set for the same purpose.
func (s *sessions) get(r *http.Request, purpose string, into any) bool {
	c, err := r.Cookie(s.name(purpose))
	if err != nil {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return false
	}
	plain, err := s.seal.Open(nil, nil, sealed, []byte(purpose))
	return err == nil && json.Unmarshal(plain, into) == nil
}

// current is the session of a request, or nil. Where it cannot be told whether it was
// ended, it was.
func (s *sessions) current(r *http.Request) *session {
	var c session
	if s == nil || !s.get(r, "session", &c) || time.Now().Unix() >= c.Until {
		return nil
	}
	if ended, err := s.ended.SessionEnded(r.Context(), c.ID); err != nil || ended {
		return nil
	}
	return &c
}

// end ends a session, of which somebody may have kept the cookie, for every server
// of the store.
func (s *sessions) end(ctx context.Context, c *session) error {
	return s.ended.EndSession(ctx, c.ID, time.Unix(c.Until, 0))
}
