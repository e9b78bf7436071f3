package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/fnvet/fnvet/server/store"
)

// A problem is an answer that says what is wrong, as RFC 9457 has it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	after  int    // seconds after which another try may help
}

func (p *problem) Error() string { return p.Detail }

func fault(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// problemOf makes a problem of an error; what the caller need not know is not in it.
func problemOf(err error) *problem {
	var p *problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &large), errors.Is(err, store.ErrTooLarge):
		return fault(http.StatusRequestEntityTooLarge, "the body is larger than allowed")
	case errors.Is(err, store.ErrNotFound):
		return fault(http.StatusNotFound, "there is no such thing")
	case errors.Is(err, store.ErrNotDead):
		return fault(http.StatusConflict, err.Error())
	case errors.Is(err, store.ErrDamaged):
		return fault(http.StatusInternalServerError, "what the store holds of this is not as it was written; the store is to be put back from a backup")
	case errors.Is(err, store.ErrFull):
		p = fault(http.StatusServiceUnavailable, "the queue is full; nothing was accepted")
		p.after = 30
		return p
	}
	p = fault(http.StatusServiceUnavailable, "the store does not take it now; nothing was accepted")
	p.after = 5
	return p
}

func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	p.headers(w.Header())
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// headers says when to try again, and how to say who asks.
func (p *problem) headers(h http.Header) {
	if p.after > 0 {
		h.Set("Retry-After", strconv.Itoa(p.after))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="fnvet", charset="UTF-8"`)
		h.Add("WWW-Authenticate", `Bearer realm="fnvet"`)
	}
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, status int, value any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // who went away needs no answer
	return nil
}
