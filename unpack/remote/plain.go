package remote

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/fnvet/fnvet/internal/lazyregexp"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// maxMessage bounds what is repeated of a server's words, in bytes.
const maxMessage = 300

// plain says what went wrong in one line that holds no credential: addresses
// without their query, nothing that was sent to log in, and only a bounded and
// printable part of what the server said.
func plain(err error, secrets []string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	text := err.Error()
	if t, ok := errors.AsType[*transport.Error](err); ok {
		text = answer(t)
	} else if u, ok := errors.AsType[*url.Error](err); ok {
		text = u.Err.Error()
		if at, parseErr := url.Parse(u.URL); parseErr == nil {
			text = at.Host + ": " + text
		}
	}
	text, _, _ = strings.Cut(text, "\n") // what follows may quote a token response
	if strings.Contains(text, "server gave HTTP response to HTTPS client") {
		text = strings.TrimSuffix(text, "http: server gave HTTP response to HTTPS client") + "the server speaks plain http; " + errPlain.Error()
	}
	text = mask(text, secrets)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", strings.TrimSuffix(text, ": "+context.DeadlineExceeded.Error()), context.DeadlineExceeded)
	}
	return errors.New(text)
}

// answer is what a registry said, by status and error codes.
func answer(t *transport.Error) string {
	text := fmt.Sprintf("the registry answered %d %s", t.StatusCode, http.StatusText(t.StatusCode))
	if t.Request != nil {
		text = t.Request.URL.Host + text[len("the registry"):]
	}
	if len(t.Errors) > 0 {
		text += ": " + string(t.Errors[0].Code)
		if message := t.Errors[0].Message; message != "" {
			text += " (" + message + ")"
		}
	}
	if t.StatusCode == http.StatusUnauthorized || t.StatusCode == http.StatusForbidden {
		text += "; log in with docker login"
	}
	return text
}

var address = lazyregexp.New(`([A-Za-z][A-Za-z0-9+.-]*://)([^\s/?#"'@]*@)?([^\s?#"']*)([?#][^\s"']*)?`)

// mask takes queries and user names out of addresses, and what was sent to log
// in out of the rest.
func mask(text string, secrets []string) string {
	text = address().ReplaceAllString(text, "$1$3")
	for _, s := range secrets {
		scheme, value, _ := strings.Cut(s, " ")
		words := []string{value}
		if strings.EqualFold(scheme, "basic") {
			if raw, err := base64.StdEncoding.DecodeString(value); err == nil {
				_, password, _ := strings.Cut(string(raw), ":")
				words = append(words, string(raw), password)
			}
		}
		for _, word := range words {
			if len(word) >= 4 {
				text = strings.ReplaceAll(text, word, "***")
			}
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// isNoHost reports that no host of that name is known.
func isNoHost(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}
