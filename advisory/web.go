package advisory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// How a download is tried.
const (
	attempts       = 5
	firstPause     = 500 * time.Millisecond
	longestPause   = 30 * time.Second
	dialTimeout    = 15 * time.Second
	headersTimeout = 30 * time.Second
)

// webSource is a web server or object store.
type webSource struct {
	base   *url.URL
	client *http.Client
	stall  time.Duration // without a byte for so long, an attempt ends
	pause  time.Duration // before the second attempt; doubles
}

func newWebSource(o *UpdateOptions, address string) (*webSource, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("advisory source %q: not a URL", address)
	}
	client := o.Client
	if client == nil {
		client = &http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headersTimeout,
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		}}
	}
	w := &webSource{base: u, client: client, stall: o.Stall, pause: o.Pause}
	if w.stall <= 0 {
		w.stall = headersTimeout
	}
	if w.pause <= 0 {
		w.pause = firstPause
	}
	return w, nil
}

// A statusError is an answer other than 200 and 304.
type statusError struct {
	name  string
	code  int
	after time.Duration // what Retry-After asks for
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: the server answered %d %s", e.name, e.code, http.StatusText(e.code))
}

// Is makes an answer that there is no such file os.ErrNotExist. Object stores say
// 403 to those who may not list a bucket.
func (e *statusError) Is(target error) bool {
	return target == os.ErrNotExist && (e.code == http.StatusNotFound || e.code == http.StatusForbidden || e.code == http.StatusGone)
}

// A transfer is what the attempts at one file have brought so far.
type transfer struct {
	tag  string // strong ETag of the file; "" when it cannot be resumed
	got  int64  // bytes written
	sums []checksum
}

// fetch tries several times with growing, jittered pauses, and goes on where the
// last attempt ended if the server can. Answers that another attempt cannot
// change end it at once.
func (s *webSource) fetch(ctx context.Context, name, tag string, size int64, w resetter, progress func(done, total int64)) (string, error) {
	var last error
	var part transfer
	for i := range attempts {
		if i > 0 {
			if err := wait(ctx, s.delay(i, last)); err != nil {
				return "", errors.Join(err, last)
			}
		}
		newTag, err := s.attempt(ctx, name, tag, size, w, &part, progress)
		if err == nil || errors.Is(err, errUnchanged) {
			return newTag, err
		}
		last = err
		if ctx.Err() != nil || !passing(err) {
			return "", ended(ctx, err)
		}
	}
	return "", fmt.Errorf("%w (%d attempts)", last, attempts)
}

// ended makes the last error of fetches tell that they were cancelled, if they were.
func ended(ctx context.Context, last error) error {
	if err := ctx.Err(); err != nil && !errors.Is(last, err) {
		return errors.Join(err, last)
	}
	return last
}

// retryAfter is how long the server asks to wait.
func retryAfter(resp *http.Response) time.Duration {
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return time.Duration(seconds) * time.Second
}

// delay doubles with each attempt, takes half of it at random, and respects
// Retry-After.
func (s *webSource) delay(attempt int, last error) time.Duration {
	d := min(s.pause<<(attempt-1), longestPause)
	d = d/2 + rand.N(d/2+1) //nolint:gosec // jitter
	if status, ok := errors.AsType[*statusError](last); ok {
		d = max(d, min(status.after, longestPause))
	}
	return d
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// passing says whether an error may be gone at the next attempt.
func passing(err error) bool {
	if status, ok := errors.AsType[*statusError](err); ok {
		switch status.code {
		case http.StatusTooManyRequests, http.StatusRequestTimeout,
			http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable: // the next attempt asks for all
			return true
		}
		return status.code >= 500
	}
	return !errors.Is(err, errTooLarge) && !errors.Is(err, errWrite)
}

var errStalled = errors.New("the server stopped sending")

// attempt makes one request, for the rest of the file if part has its start.
func (s *webSource) attempt(ctx context.Context, name, tag string, size int64, w resetter, part *transfer, progress func(done, total int64)) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(s.stall, func() { cancel(errStalled) })
	defer watch.Stop()
	resp, err := s.request(ctx, name, tag, part)
	if err != nil {
		return "", stallOr(ctx, name, err)
	}
	defer resp.Body.Close() // read to its end or given up
	switch {
	case resp.StatusCode == http.StatusNotModified && tag != "":
		return tag, errUnchanged
	case resp.StatusCode == http.StatusPartialContent && part.continues(resp):
	case resp.StatusCode == http.StatusOK:
		if err := part.begin(resp, w); err != nil {
			return "", err
		}
	default:
		*part = transfer{}
		return "", &statusError{name, resp.StatusCode, retryAfter(resp)}
	}
	if resp.ContentLength > size-part.got {
		return "", fmt.Errorf("%s: %w of %d bytes", name, errTooLarge, size)
	}
	total := resp.ContentLength
	if total >= 0 {
		total += part.got
	}
	body := &meter{ctx: ctx, r: resp.Body, left: size - part.got, done: part.got, total: total, progress: func(done, total int64) {
		watch.Reset(s.stall)
		progress(done, total)
	}}
	n, err := io.Copy(io.MultiWriter(append(part.writers(), markWrites{w})...), body)
	part.got += n
	if err == nil && resp.ContentLength >= 0 && n != resp.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", stallOr(ctx, name, err)
	}
	if err := part.check(); err != nil {
		*part = transfer{}
		return "", fmt.Errorf("fetch %s: %w", name, err)
	}
	return resp.Header.Get("ETag"), nil
}

func (s *webSource) request(ctx context.Context, name, tag string, part *transfer) (*http.Response, error) {
	u := s.base
	if name != "" {
		u = s.base.JoinPath(strings.Split(name, "/")...)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "fnvet")
	req.Header.Set("Accept-Encoding", "identity") // the length must be the file's
	switch {
	case part.tag != "" && part.got > 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", part.got))
		req.Header.Set("If-Range", part.tag)
	case tag != "":
		req.Header.Set("If-None-Match", tag)
	}
	return s.client.Do(req)
}

// begin empties the destination for a whole file.
func (t *transfer) begin(resp *http.Response, w resetter) error {
	*t = transfer{tag: resp.Header.Get("ETag"), sums: checksumsOf(resp.Header)}
	if strings.HasPrefix(t.tag, "W/") || resp.Header.Get("Accept-Ranges") == "none" {
		t.tag = ""
	}
	return w.Reset()
}

// continues says whether a partial answer starts where the last one ended.
func (t *transfer) continues(resp *http.Response) bool {
	return t.got > 0 && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", t.got))
}

// stallOr names the reason a request was given up for.
func stallOr(ctx context.Context, name string, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		err = errStalled
	}
	return fmt.Errorf("fetch %s: %w", name, err)
}

var errWrite = errors.New("write")

// markWrites tells errors of the disk from those of the network.
type markWrites struct{ w io.Writer }

func (m markWrites) Write(b []byte) (int, error) {
	n, err := m.w.Write(b)
	if err != nil {
		err = fmt.Errorf("%w: %w", errWrite, err)
	}
	return n, err
}
