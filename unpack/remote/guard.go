package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Times of one request.
const (
	dialTimeout   = 10 * time.Second
	headerTimeout = 30 * time.Second
	idleTimeout   = 60 * time.Second // without a byte of a body
	maxTries      = 5
	maxWait       = 30 * time.Second // that a Retry-After may ask for
	maxRedirects  = 5
)

var (
	errPlain      = errors.New("plain http is used only with --insecure-registry")
	errDowngrade  = errors.New("a redirect from https to http is not followed")
	errCredential = errors.New("credentials for one host would go to another")
)

// A guard is the transport under everything this package does: it keeps
// credentials to the host they are for and plain http to those who asked for it,
// tries again where that may help, and gives up on a server that stalls.
type guard struct {
	inner http.RoundTripper
	plain bool          // http is allowed
	home  string        // the only host that credentials go to over plain http
	first time.Duration // the first pause before another try
	fence *Fence        // or nil

	mu    sync.Mutex
	hosts map[string]string // where an Authorization header went first
}

func newGuard(inner http.RoundTripper, plain bool) *guard {
	if inner == nil {
		inner = newTransport(&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second})
	}
	return &guard{inner: inner, plain: plain, first: 200 * time.Millisecond, hosts: map[string]string{}}
}

func newTransport(d *net.Dialer) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           d.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   8,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: headerTimeout,
		IdleConnTimeout:       30 * time.Second,
		DisableCompression:    true, // a blob is what its digest says, not what a server packs
	}
}

// RoundTrip sends one request.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.check(req); err != nil {
		return nil, err
	}
	pause := g.first
	for try := 1; ; try++ {
		resp, err := g.once(req)
		wait, again := g.retry(req, resp, err, pause)
		if !again || try == maxTries {
			return resp, err
		}
		if resp != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10))
			_ = resp.Body.Close()
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-req.Context().Done():
			timer.Stop()
			return nil, req.Context().Err()
		}
		pause *= 2
	}
}

// check refuses a request that would say too much to the wrong host.
func (g *guard) check(req *http.Request) error {
	if g.fence != nil {
		if err := g.fence.Admits(req.URL.Host); err != nil {
			return err
		}
	}
	switch from := req.Response; {
	case req.URL.Scheme != "https" && req.URL.Scheme != "http":
		return fmt.Errorf("the scheme %q is not followed", req.URL.Scheme)
	case req.URL.Scheme == "http" && !g.plain:
		if from != nil {
			return errDowngrade
		}
		return errPlain
	case from != nil && from.Request != nil && from.Request.URL.Scheme == "https" && req.URL.Scheme == "http":
		return errDowngrade
	case from != nil && from.Request != nil && from.Request.URL.Host != req.URL.Host && req.Body != nil && req.Body != http.NoBody:
		return errCredential // a token request that was sent elsewhere
	}
	authorization := req.Header.Get("Authorization")
	if authorization == "" {
		return nil
	}
	if req.URL.Scheme == "http" && req.URL.Host != g.home {
		return errCredential
	}
	at := req.URL.Scheme + "://" + req.URL.Host
	g.mu.Lock()
	defer g.mu.Unlock()
	if known, ok := g.hosts[authorization]; ok && known != at {
		return errCredential
	}
	g.hosts[authorization] = at
	return nil
}

// secrets are the credentials that were sent, which no message may hold.
func (g *guard) secrets() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []string
	for authorization := range g.hosts {
		all = append(all, authorization)
	}
	return all
}

// once sends the request, with a limit on silence.
func (g *guard) once(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := g.inner.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	body := &idleBody{ReadCloser: resp.Body, cancel: cancel}
	body.timer = time.AfterFunc(idleTimeout, func() { cancel(errIdle) })
	resp.Body = body
	return resp, nil
}

var errIdle = errors.New("the server sent nothing for " + idleTimeout.String())

// An idleBody ends when the server falls silent.
type idleBody struct {
	io.ReadCloser
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// Read reads the body.
func (b *idleBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.timer.Reset(idleTimeout)
	return n, err
}

// Close ends the request.
func (b *idleBody) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// retry reports whether another try may help, and after how long.
func (g *guard) retry(req *http.Request, resp *http.Response, err error, pause time.Duration) (time.Duration, bool) {
	if req.Context().Err() != nil || req.Method != http.MethodGet && req.Method != http.MethodHead {
		return 0, false
	}
	wait := pause + rand.N(pause/2+1) //nolint:gosec // spreads retries; no secret
	if err != nil {
		return wait, temporary(err)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
			wait = min(max(wait, time.Duration(min(s, 3600))*time.Second), maxWait)
		}
		return wait, true
	}
	return 0, false
}

// temporary reports an error of the connection, not of what was asked.
func temporary(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsTemporary && !dns.IsNotFound
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op == "read" || op.Op == "write"
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
