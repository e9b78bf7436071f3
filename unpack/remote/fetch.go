package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// ErrTooLarge is a file of more bytes than Fetch was told to take.
var ErrTooLarge = errors.New("larger than the limit")

// Fetch downloads a file of at most limit bytes into memory. An error that wraps
// ErrTooLarge comes with the first limit bytes.
func Fetch(ctx context.Context, d *Download, limit int64, opts Options) ([]byte, error) {
	at, err := url.Parse(d.URL)
	if err != nil {
		return nil, errors.New("the address to download from does not parse")
	}
	if at.Scheme != "https" && (at.Scheme != "http" || !d.Plain) {
		return nil, fmt.Errorf("the address to download from is %s://%s, not https", at.Scheme, at.Host)
	}
	g := newGuard(opts.Transport, d.Plain)
	client := &http.Client{Transport: g, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return nil
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
	if err != nil {
		return nil, plain(err, nil)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, plain(err, nil)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(at.Host, resp)
	}
	if resp.ContentLength > limit {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, resp.ContentLength)
	}
	var buf bytes.Buffer
	if resp.ContentLength > 0 {
		buf.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(resp.Body, limit+1)); err != nil {
		return buf.Bytes(), plain(err, nil)
	}
	if int64(buf.Len()) > limit {
		return buf.Bytes()[:limit], ErrTooLarge
	}
	return buf.Bytes(), nil
}

// s3Code is the code in an error document of S3.
var s3Code = lazyregexp.New(`<Code>([A-Za-z0-9]{1,64})</Code>`)

// refusal says what a server that gave no file answered.
func refusal(host string, resp *http.Response) error {
	text := fmt.Sprintf("%s answered %d %s", host, resp.StatusCode, http.StatusText(resp.StatusCode))
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10)) // the status says enough
	if m := s3Code().FindSubmatch(body); m != nil {
		text += ": " + string(m[1])
	}
	return errors.New(text)
}
