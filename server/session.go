package server

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// maxEnded bounds the sessions that are remembered as ended; one more forgets all
// that have run out, and then the rest.
const maxEnded = 10_000

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
	mu     sync.Mutex
	ended  map[string]int64 // by id, until when
}

// newSessions takes a key of any length, or makes one that ends with the process.
func newSessions(key string, secure bool) *sessions {
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
	return &sessions{seal: g, secure: secure, ended: map[string]int64{}}
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

// current is the session of a request, or nil.
func (s *sessions) current(r *http.Request) *session {
	var c session
	if s == nil || !s.get(r, "session", &c) || time.Now().Unix() >= c.Until {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ended := s.ended[c.ID]; ended {
		return nil
	}
	return &c
}

// end forgets a session, of which somebody may have kept the cookie. Other servers
// do not hear of it.
func (s *sessions) end(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ended) >= maxEnded {
		now := time.Now().Unix()
		for id, until := range s.ended {
			if until < now {
				delete(s.ended, id)
			}
		}
		if len(s.ended) >= maxEnded {
			clear(s.ended)
		}
	}
	s.ended[c.ID] = c.Until
}
