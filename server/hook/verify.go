package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

// Signed reports whether a body has the source's own signature, made with the
// secret. Every comparison takes the same time wherever the difference is. An
// empty secret signs nothing.
func Signed(source string, h http.Header, body []byte, secret string) bool {
	if secret == "" {
		return false
	}
	switch source {
	case "github":
		return hmacEqual(h.Get("X-Hub-Signature-256"), "sha256=", body, secret)
	case "gitea":
		return hmacEqual(h.Get("X-Hub-Signature-256"), "sha256=", body, secret) ||
			hmacEqual(h.Get("X-Forgejo-Signature"), "", body, secret) ||
			hmacEqual(h.Get("X-Gitea-Signature"), "", body, secret)
	case "artifactory": // signed, or the secret itself, as the webhook is set up
		return hmacEqual(h.Get("X-Jfrog-Event-Auth"), "", body, secret) || Same(h.Get("X-Jfrog-Event-Auth"), secret)
	case "pubsub": // signed by Google: see the server
		return false
	}
	return carried(h, secret)
}

// SignsBody reports whether the source signs what it sends, so that a secret in a
// header is no substitute.
func SignsBody(source string) bool { return source == "github" || source == "gitea" }

// carried reports a static header that holds the secret: alone, as a bearer token
// or as the password of basic authentication, or as an API key.
func carried(h http.Header, secret string) bool {
	value := h.Get("Authorization")
	found := Same(value, secret)
	if scheme, rest, ok := strings.Cut(value, " "); ok {
		switch strings.ToLower(scheme) {
		case "bearer":
			found = Same(rest, secret) || found
		case "basic":
			if plain, err := base64.StdEncoding.DecodeString(rest); err == nil {
				_, password, _ := strings.Cut(string(plain), ":")
				found = Same(password, secret) || found
			}
		}
	}
	return Same(h.Get("X-Api-Key"), secret) || found
}

// Same compares secrets in a time that tells neither where they differ nor how
// long the right one is.
func Same(given, secret string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && secret != ""
}

func hmacEqual(given, prefix string, body []byte, secret string) bool {
	text, ok := strings.CutPrefix(given, prefix)
	if !ok || text == "" {
		return false
	}
	sum, err := hex.DecodeString(text)
	if err != nil {
		return false
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	return hmac.Equal(sum, m.Sum(nil))
}
