// Package server is fnvet as a service: registries push to it, it scans what they
// push, keeps every report and the inventory of every artifact, and answers for
// admission controllers, scripts and people. It joins the packages below it (store,
// hook, web, harbor) with a Scanner, and scans nothing itself.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/server/store"
)

// A Scanner scans and judges. Its methods may be called concurrently.
type Scanner interface {
	// Scan scans a target and judges it. The Version says by what.
	Scan(ctx context.Context, t *Target) (*fnvet.Report, store.Version, error)
	// Resolve asks the registry for the digest of a target, and whether it is no
	// image but refers to one (its manifest has a subject).
	Resolve(ctx context.Context, t *Target) (digest string, refers bool, err error)
	// Rematch compares those packages of a report with the advisories that changed
	// asks for, anew, and judges the whole again.
	Rematch(ctx context.Context, r *fnvet.Report, changed func(*fnvet.Package) bool) error
	// Match compares packages alone.
	Match(ctx context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, error)
	// Version is by what a scan would be judged now, and of when the advisories
	// are; zero if there are none.
	Version() (store.Version, time.Time)
	// Update fetches advisories. It returns the names whose advisories changed
	// since the version it names; all says that this cannot be told.
	Update(ctx context.Context) (from string, changed []advisory.PackageName, all bool, err error)
}

// A Target is what to scan: an image of a configured registry, a file, or what
// Other names.
type Target struct {
	Registry                *Registry
	Repository, Tag, Digest string
	File, Name              string // a file of an upload, and what it is called
	Other                   string // "s3://…", "lambda:…"
	// Last: what cannot be fetched now is a gap; before the last attempt, it is an
	// error that is tried again.
	Last bool
	// Layers, if set, is told of how many layers of an image it was known what is in
	// them, and how many were searched.
	Layers func(known, searched int)
}

// Config is what a server is made of.
type Config struct {
	File    *File // nil: no registries, sources, tokens
	Store   *store.Store
	Scanner Scanner
	Logger  *slog.Logger // nil: none
	Workers int          // scans at once; 0: none here
	// Open lets anybody in, where no token is configured.
	Open bool
	// MaxDatabaseAge is when /readyz says no; 0: never for age.
	MaxDatabaseAge time.Duration
	// UpdateEvery is how often advisories are fetched; 0: never.
	UpdateEvery time.Duration
	Version     string // of fnvet
	// Scratch is a directory for uploads that are being scanned; what a server that
	// was killed left there is removed. "": one in the system's for temporary files.
	Scratch string
	Rules   []fnvet.Rule
	Tracer  trace.Tracer // nil: none
	// Write renders a report as one of report's or sbom's formats.
	Write func(format string, r *fnvet.Report) ([]byte, error)
	// Attach puts the verdict and the SBOM beside an image; nil: cannot.
	Attach func(ctx context.Context, t *Target, r *fnvet.Report) error
}

// A Server answers requests and, in Work, scans.
type Server struct {
	Config
	gate    *gate
	login   *login // nil: none
	metrics *metrics
	keys    keySets
	scratch *scratch      // of Work
	stop    chan struct{} // closed when it is about to end
	ending  sync.Once
}

// New makes a server.
func New(c Config) (*Server, error) {
	if c.File == nil {
		c.File = &File{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Tracer == nil {
		c.Tracer = noop.NewTracerProvider().Tracer("")
	}
	s := &Server{Config: c, gate: newGate(c.File, c.Open, c.Store), login: newLogin(c.File), stop: make(chan struct{})}
	s.metrics = newMetrics(s)
	return s, nil
}

// Times of a connection.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second // of a whole request, uploads apart
	writeTimeout  = 60 * time.Second
	idleTimeout   = 90 * time.Second
	maxHeader     = 32 << 10
	drainTimeout  = 20 * time.Second
)

// Serve answers on a listener until ctx ends; requests under way are answered.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	tls, err := s.File.tlsConfig()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	ended := make(chan error, 1)
	go func() {
		if tls != nil {
			h.TLSConfig = tls
			ended <- h.ServeTLS(l, "", "")
			return
		}
		ended <- h.Serve(l)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.ending.Do(func() { close(s.stop) }) // /readyz says no from here on
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err = h.Shutdown(drain)
	if err != nil {
		err = errors.Join(err, h.Close())
	}
	return err
}
