package remote

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func TestMessagesHoldNoCredentials(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:hunter2hunter2"))
	for _, c := range []struct {
		why string
		err error
		not []string
	}{
		{"a signed address", &url.Error{Op: "Get", URL: "https://b.example/k?X-Amz-Signature=abcdef", Err: io.EOF}, []string{"abcdef"}},
		{"an address inside of the text", errors.New(`redirect to "https://u:pw1234@b.example/k?sig=abcdef#frag" failed`), []string{"abcdef", "pw1234", "frag"}},
		{"a server that repeats the header", &transport.Error{StatusCode: 401, Errors: []transport.Diagnostic{{Code: "X", Message: "bad " + basic}}}, []string{strings.TrimPrefix(basic, "Basic ")}},
		{"a server that repeats the password", errors.New("bad password hunter2hunter2"), []string{"hunter2"}},
		{"a token response", fmt.Errorf("no token in bearer response:\n%s", `{"refresh_token":"abcdef"}`), []string{"abcdef", "refresh"}},
	} {
		got := plain(c.err, []string{basic}).Error()
		for _, secret := range c.not {
			if strings.Contains(got, secret) {
				t.Errorf("%s: %q holds %q", c.why, got, secret)
			}
		}
		if got == "" {
			t.Errorf("%s: no message", c.why)
		}
	}
	long := plain(errors.New(strings.Repeat("x\x1b[31m", 1000)), nil).Error()
	if len(long) > maxMessage+10 || strings.Contains(long, "\x1b") {
		t.Errorf("a message of %d bytes, or with an escape sequence", len(long))
	}
}

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		why, url, body, authorization string
		from                          string // where the redirect came from, or ""
		plain                         bool
		want                          error
	}{
		{"https", "https://a.example/", "", "Basic x", "", false, nil},
		{"http unasked", "http://a.example/", "", "", "", false, errPlain},
		{"http", "http://a.example/", "", "Basic x", "", true, nil},
		{"https to http", "http://a.example/", "", "", "https://a.example/", true, errDowngrade},
		{"https to http unasked", "http://a.example/", "", "", "https://a.example/", false, errDowngrade},
		{"http to http elsewhere", "http://b.example/", "", "", "http://a.example/", true, nil},
		{"with credentials", "http://b.example/", "", "Basic x", "http://a.example/", true, errCredential},
		{"credentials seen elsewhere", "https://b.example/", "", "Basic known", "", false, errCredential},
		{"a token request sent elsewhere", "https://b.example/", "refresh_token=x", "", "https://a.example/", false, errCredential},
	} {
		g := newGuard(nil, c.plain)
		g.home = "a.example"
		g.hosts["Basic known"] = "https://a.example"
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.url, strings.NewReader(c.body))
		if c.body == "" {
			req.Body = http.NoBody
		}
		if c.from != "" {
			at, err := url.Parse(c.from)
			if err != nil {
				t.Fatal(err)
			}
			req.Response = &http.Response{Request: &http.Request{URL: at}}
		}
		if c.authorization != "" {
			req.Header.Set("Authorization", c.authorization)
		}
		if got := g.check(req); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
	g := newGuard(nil, true)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.example/", nil)
	req.URL.Scheme = "file"
	if g.check(req) == nil {
		t.Error("the scheme file is followed")
	}
}

func TestGuardRetries(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		switch r.URL.Path {
		case "/always":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/never":
			w.WriteHeader(http.StatusNotFound)
		case "/breaks":
			if n < 3 {
				panic(http.ErrAbortHandler)
			}
		case "/later":
			if n < 3 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}
	}))
	defer server.Close()
	for path, want := range map[string]struct{ tries, status int }{
		"/always": {maxTries, 503}, "/never": {1, 404}, "/breaks": {3, 200}, "/later": {3, 200},
	} {
		asked.Store(0)
		g := newGuard(&http.Transport{DisableKeepAlives: true}, true)
		g.first = time.Millisecond
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: g}).Do(req)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		resp.Body.Close()
		if int(asked.Load()) != want.tries || resp.StatusCode != want.status {
			t.Errorf("%s: %d tries, status %d; want %v", path, asked.Load(), resp.StatusCode, want)
		}
	}
}

func TestFetchLimits(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stated" {
			w.Header().Set("Content-Length", "1000")
		}
		_, _ = w.Write(make([]byte, 1000))
	}))
	defer server.Close()
	for _, path := range []string{"/stated", "/unstated"} {
		d := &Download{URL: server.URL + path, Plain: true}
		if data, err := Fetch(t.Context(), d, 1000, Options{}); err != nil || len(data) != 1000 {
			t.Errorf("%s: %d bytes, error %v", path, len(data), err)
		}
		if data, err := Fetch(t.Context(), d, 999, Options{}); !errors.Is(err, ErrTooLarge) || len(data) > 999 {
			t.Errorf("%s: %d bytes, error %v, want ErrTooLarge", path, len(data), err)
		}
		d.Plain = false
		if _, err := Fetch(t.Context(), d, 1000, Options{}); err == nil {
			t.Errorf("%s: fetched over plain http", path)
		}
	}
}

func TestPlanHidesItself(t *testing.T) {
	p := &Plan{Name: "x", Image: &Image{Login: Login{Password: "hunter2"}}, Code: &Download{URL: "https://x/?sig=hunter2"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, p) + fmt.Sprintf(format, p.Image.Login) + fmt.Sprintf(format, *p.Image); strings.Contains(text, "hunter2") {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

// FuzzReference: a reference that is read names a host, a repository, and a tag
// or a SHA-256 digest; what it was made of reads as the same again.
func FuzzReference(f *testing.F) {
	for _, seed := range []string{
		"registry.example/app:tag", "localhost:5000/a/b@sha256:" + strings.Repeat("a", 64), "docker://alpine", "docker://a/b:c", "x.zip",
		"[::1]:5000/a", "a.b/c:d@sha256:" + strings.Repeat("0", 64), "docker://a@sha256:1", "a.b/../c", "docker:///x", "a.b//c", "u:p@h.example/x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		r, err := ParseReference(target)
		if err != nil {
			if r != (Reference{}) {
				t.Errorf("%q: %v with error %v", target, r, err)
			}
			return
		}
		if r.Registry == "" || r.Repository == "" || (r.Tag == "") == (r.Digest == "") || r.Digest != "" && !IsDigest(r.Digest) {
			t.Fatalf("%q is read as %+v", target, r)
		}
		if strings.ContainsAny(r.Registry+r.Repository+r.Tag, "@?#\\ ") || strings.Contains("/"+r.Repository+"/", "/../") {
			t.Fatalf("%q is read as %+v", target, r)
		}
		separator := ":"
		if r.Digest != "" {
			separator = "@"
		}
		again, err := ParseReference(dockerPrefix + r.Registry + "/" + r.Repository + separator + r.identifier())
		if err != nil || again != r {
			t.Fatalf("%q: %+v reads as %+v, error %v", target, r, again, err)
		}
	})
}
