package server

import (
	"errors"
	"io"
	"net/http"
)

// counted tells the caller's fault from ours: it keeps the error of the body.
type counted struct {
	r   io.Reader
	n   int64
	err error
}

// Read reads on.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	var large *http.MaxBytesError
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &large) {
		c.err = err
	}
	return n, err
}
