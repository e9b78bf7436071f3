package server

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/server/store"
)

// Work scans, fetches advisories and polls registries until ctx ends. Scans at
// work have grace to end.
func (s *Server) Work(ctx context.Context, grace time.Duration) error {
	var err error
	if s.scratch, err = openScratch(s.Scratch); err != nil {
		return fmt.Errorf("a place for uploads: %w", err)
	}
	defer s.scratch.close()
	var all sync.WaitGroup
	defer all.Wait()
	every := func(pause time.Duration, do func(context.Context) error, what string) {
		if pause > 0 {
			all.Go(func() { s.every(ctx, pause, do, what) })
		}
	}
	every(s.UpdateEvery, s.update, "fetching advisories")
	every(time.Minute, func(ctx context.Context) error {
		_, err := s.Store.Sum(ctx)
		return err
	}, "counting")
	every(time.Hour, s.Store.Prune, "dropping what is old")
	for i := range s.File.Registries {
		r := &s.File.Registries[i]
		every(r.Poll, func(ctx context.Context) error { return s.poll(ctx, r) }, "reading the catalogue of "+r.Name)
	}
	if s.Workers == 0 {
		<-ctx.Done()
		return nil
	}
	return s.Store.Work(ctx, &store.Handlers{Scan: s.scan, Notice: s.notify}, s.Workers, grace)
}

// every does something now and then: soon, and again after each pause, spread by
// a tenth so that many servers do not come at once.
func (s *Server) every(ctx context.Context, pause time.Duration, do func(context.Context) error, what string) {
	wait := min(pause/10, 2*time.Second)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait + rand.N(wait/10+1)): //nolint:gosec // spreads work; no secret
		}
		wait = pause
		if err := s.span(ctx, what, do); err != nil && ctx.Err() == nil {
			s.Logger.Warn(what+" failed", "error", err.Error())
		}
	}
}

// target is what a scan of the store asks for.
func (s *Server) target(c *store.Scan) (*Target, error) {
	switch c.Registry {
	case "upload":
		return &Target{Name: c.Repository, Digest: c.Digest}, nil
	case "s3", "lambda":
		return &Target{Other: c.Target}, nil
	}
	r := s.File.registryByHost(c.Registry)
	if r == nil {
		return nil, store.Permanent(fmt.Errorf("no registry of the configuration has the host %s", c.Registry))
	}
	return &Target{Registry: r, Repository: c.Repository, Tag: c.Tag, Digest: c.Digest, Last: c.Last}, nil
}

// scan does the job of one scan.
func (s *Server) scan(ctx context.Context, c *store.Scan) (*store.Outcome, error) {
	started := time.Now()
	var out *store.Outcome
	err := s.span(ctx, "scan", func(ctx context.Context) (err error) {
		out, err = s.scanOne(ctx, c)
		return err
	}, attribute.Int64("fnvet.scan", c.ID), attribute.Int("fnvet.attempt", c.Attempts), attribute.String("fnvet.source", c.Source), attribute.String("fnvet.registry", c.Registry))
	switch {
	case err != nil && ctx.Err() != nil:
		s.metrics.scan("stopped", time.Since(started))
	case err != nil:
		s.metrics.scan("failed", time.Since(started))
		s.Logger.Warn("a scan failed", "scan", c.ID, "attempt", c.Attempts, "error", err.Error())
	default:
		s.metrics.scan("done", time.Since(started))
		s.Logger.Info("scanned", "scan", c.ID, "repository", c.Repository, "ms", time.Since(started).Milliseconds())
	}
	return out, err
}

func (s *Server) scanOne(ctx context.Context, c *store.Scan) (*store.Outcome, error) {
	t, err := s.target(c)
	if err != nil {
		return nil, err
	}
	out := &store.Outcome{Digest: c.Digest}
	if t.Registry != nil {
		switch known, err := s.resolve(ctx, c, t, out); {
		case err != nil:
			return nil, err
		case known:
			return out, nil
		}
	}
	if c.Upload != "" {
		remove, err := s.fetchUpload(ctx, c, t)
		if err != nil {
			return nil, err
		}
		defer remove()
	}
	var r *fnvet.Report
	t.Layers = func(known, searched int) {
		s.metrics.layered(known, searched)
		s.Logger.Debug("layers", "scan", c.ID, "known", known, "searched", searched)
	}
	err = s.span(ctx, "read and judge", func(ctx context.Context) (err error) {
		r, out.Version, err = s.Scanner.Scan(ctx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.Digest == "" || t.Registry == nil {
		out.Digest = r.Artifact.Digest
	}
	out.Report = r
	out.Notices = func(a *store.Artifact, changes []store.Change) []store.Notice {
		return append(s.notices(a, changes), s.after(c, r)...)
	}
	if s.Attach != nil && t.Registry != nil && t.Registry.Attach {
		if err := s.span(ctx, "attach", func(ctx context.Context) error { return s.Attach(ctx, t, r) }); err != nil {
			return nil, fmt.Errorf("attach: %w", err)
		}
	}
	return out, nil
}

// resolve asks the registry for the digest: a tag may have moved, and notifications
// need not say what a manifest refers to. Known is what needs no scan.
func (s *Server) resolve(ctx context.Context, c *store.Scan, t *Target, out *store.Outcome) (known bool, err error) {
	err = s.span(ctx, "resolve", func(ctx context.Context) (err error) {
		t.Digest, out.Ignored, err = s.Scanner.Resolve(ctx, t)
		return err
	})
	if err != nil {
		return false, err
	}
	out.Digest = t.Digest
	if out.Ignored || c.Digest != "" {
		return out.Ignored, nil
	}
	now, _ := s.Scanner.Version()
	out.SameAs, err = s.Store.Judged(ctx, c.Registry, c.Repository, t.Digest, now)
	return out.SameAs > 0, err
}

// after are the messages that the end of a scan brings, whatever its verdict.
func (s *Server) after(c *store.Scan, r *fnvet.Report) []store.Notice {
	if c.Callback == "" {
		return nil
	}
	return []store.Notice{callback(c, r)}
}

// fetchUpload puts an upload into a file that only this user may read.
func (s *Server) fetchUpload(ctx context.Context, c *store.Scan, t *Target) (remove func(), err error) {
	f, err := os.CreateTemp(s.scratch.dir, "upload-*")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.Remove(f.Name()) }
	sum := sha256.New()
	err = errors.Join(s.Store.CopyUpload(ctx, c.Upload, io.MultiWriter(f, sum)), f.Close())
	if err == nil && c.Digest != "sha256:"+hex.EncodeToString(sum.Sum(nil)) {
		err = store.Permanent(errors.New("the upload was damaged in the store: send it again"))
	}
	if err != nil {
		remove()
		if errors.Is(err, store.ErrNotFound) {
			err = store.Permanent(errors.New("the upload is not kept any more: send it again"))
		}
		return nil, err
	}
	t.File = f.Name()
	return remove, nil
}

// update fetches advisories, and compares the inventory with those that changed.
func (s *Server) update(ctx context.Context) error {
	from, names, all, err := s.Scanner.Update(ctx)
	if err != nil {
		return err
	}
	return s.Rescan(ctx, from, names, all)
}

// Rescan compares the inventory with the advisories of names, which changed since
// the database from. Where that does not fit what the inventory was compared with
// last, everything is compared.
func (s *Server) Rescan(ctx context.Context, from string, names []advisory.PackageName, all bool) error {
	v, dated := s.Scanner.Version()
	if dated.IsZero() {
		return nil
	}
	stale, err := s.Store.Unjudged(ctx, v.Database, from)
	if err != nil {
		return err
	}
	if from == v.Database && !stale {
		return nil
	}
	done, err := s.Store.Rematch(ctx, &store.Rematch{
		Version: v, From: from, Names: names, All: all || stale || from == "",
		Match: s.Scanner.Match, Judge: s.Scanner.Rematch, Notices: s.notices,
	})
	if errors.Is(err, store.ErrTaken) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("rescan: %w", err)
	}
	s.Logger.Info("compared the inventory with new advisories", "database", v.Database, "names", len(names), "components", done.Components, "artifacts", done.Artifacts, "changes", done.Changes)
	return nil
}

// send does one request of ours to somebody else's server, and reads nothing of
// the answer but its status.
func send(ctx context.Context, client *http.Client, address string, body []byte, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used") // it may hold a secret
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		return errors.New("it cannot be reached: " + reason(err))
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("it answered %d %s", resp.StatusCode, cmp.Or(http.StatusText(resp.StatusCode), "?"))
	}
	return nil
}
