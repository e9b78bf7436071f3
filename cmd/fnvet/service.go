package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/attest"
	"github.com/fnvet/fnvet/policy"
	"github.com/fnvet/fnvet/report"
	"github.com/fnvet/fnvet/sbom"
	"github.com/fnvet/fnvet/scan"
	"github.com/fnvet/fnvet/secrets"
	"github.com/fnvet/fnvet/server"
	"github.com/fnvet/fnvet/server/store"
	"github.com/fnvet/fnvet/unpack"
	"github.com/fnvet/fnvet/unpack/remote"
	"github.com/fnvet/fnvet/vex"
)

// A service scans for the server: as "fnvet scan" does, in the sandboxed child,
// many at once and with one advisory database that may be replaced meanwhile.
type service struct {
	cli       *cli
	flags     scanFlags
	policy    policy.Policy
	vex       []*vex.Document
	request   walkRequest
	sandboxed bool
	finder    *secrets.Scanner
	gate      string // names policy and VEX
	dir       string // of the database
	logger    *slog.Logger

	mu      sync.Mutex
	db      *openDB
	checked time.Time
}

// An openDB is closed when nobody uses it and a newer one took its place.
type openDB struct {
	*advisory.DB
	users   int
	retired bool
}

func (c *cli) newService(flags *serveFlags, file *server.File, logger *slog.Logger) (*service, error) {
	s := &service{cli: &cli{stdin: c.stdin, stdout: io.Discard, stderr: io.Discard}, flags: flags.scan, logger: logger}
	var err error
	if s.policy, err = c.gate(&flags.scan, nil); err != nil {
		return nil, err
	}
	flags.scan.db.maxAge = s.flags.db.maxAge
	if s.vex, err = readVEX(flags.scan.vex); err != nil {
		return nil, err
	}
	if s.dir, err = flags.scan.db.place(); err != nil {
		return nil, err
	}
	if s.request, s.sandboxed, err = flags.scan.unpack.request(flags.scan.timeout); err != nil {
		return nil, err
	}
	s.request.Key = installationKey()
	if text := file.InstallationKey.Reveal(); text != "" {
		sum := sha256.Sum256([]byte("fnvet installation key\x00" + text))
		s.request.Key = sum[:]
	}
	sum := sha256.New()
	for _, file := range append(slices.Clone(flags.scan.vex), flags.scan.policy.file) {
		if file == "" {
			continue
		}
		data, err := readBounded(file, maxReport)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(sum, "%d\n", len(data))
		sum.Write(data)
	}
	if flags.scan.secretRules != "" {
		text, err := readBounded(flags.scan.secretRules, maxPolicy)
		if err != nil {
			return nil, fmt.Errorf("--secret-rules: %w", err)
		}
		s.request.SecretRules = string(text)
	}
	fmt.Fprintf(sum, "%s %s %s", flags.scan.policy.name, flags.scan.failOn, digestText(s.request.SecretRules))
	s.gate = hex.EncodeToString(sum.Sum(nil)[:8])
	if _, err = s.request.config(); err != nil { // says now what no scan could mend
		return nil, err
	}
	s.finder, err = s.request.finder()
	return s, err
}

// recheck is how long an open database is taken for the latest one.
const recheck = 2 * time.Second

// hold returns the latest database, or nil where there is none, and what gives it
// back.
func (s *service) hold() (*openDB, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	if s.db == nil || time.Since(s.checked) > recheck {
		latest, err := advisory.Open(s.dir)
		switch {
		case err == nil && s.db != nil && latest.ID() == s.db.ID() && latest.Status().Updated.Equal(s.db.Status().Updated):
			_ = latest.Close() // read only
		case err == nil:
			s.retire()
			s.db = &openDB{DB: latest}
		case s.db == nil:
			failed = err
		}
		s.checked = time.Now()
	}
	if s.db == nil {
		return nil, func() {}, failed
	}
	db := s.db
	db.users++
	return db, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if db.users--; db.users == 0 && db.retired {
			_ = db.Close() // read only
		}
	}), nil
}

// retire lets go of the present database.
func (s *service) retire() {
	if s.db == nil {
		return
	}
	s.db.retired = true
	if s.db.users == 0 {
		_ = s.db.Close() // read only
	}
	s.db = nil
}

// versionOf names what judges by a database.
func (s *service) versionOf(db *openDB) store.Version {
	v := store.Version{Database: "none", Rules: version() + " " + rulesVersion(), Policy: s.gate}
	if db != nil {
		v.Database = db.ID()
	}
	return v
}

// Version is by what a scan would be judged now.
func (s *service) Version() (store.Version, time.Time) {
	db, release, _ := s.hold()
	defer release()
	if db == nil {
		return s.versionOf(nil), time.Time{}
	}
	return s.versionOf(db), db.Status().Modified
}

// matcher compares with a database that is held; it fetches nothing by itself.
func (s *service) matcher(db *openDB, now time.Time) *matcher {
	flags := s.flags.db
	flags.offline, flags.sources, flags.kev, flags.epss = true, nil, "", ""
	m := &matcher{cli: s.cli, flags: flags, dir: s.dir, now: now, tried: map[string]bool{}, old: true}
	if db != nil {
		m.db = db.DB
	}
	return m
}

// reference is the image of a target, as its registry is reached.
func reference(t *server.Target) remote.Reference {
	return remote.Reference{Registry: t.Registry.Dial(), Repository: t.Repository, Tag: t.Tag, Digest: t.Digest}
}

func registryImage(t *server.Target) *remote.Image {
	im := &remote.Image{Reference: reference(t), Insecure: t.Registry.Insecure}
	if t.Registry.Username != "" {
		im.Login = remote.Login{Username: t.Registry.Username, Password: t.Registry.Password.Reveal()}
	}
	return im
}

// nameOf is the artifact's name in reports.
func nameOf(t *server.Target) string {
	name := t.Registry.Host + "/" + t.Repository
	if t.Tag != "" {
		return name + ":" + t.Tag
	}
	return name + "@" + t.Digest
}

// resolveTimeout bounds the question for a digest.
const resolveTimeout = 60 * time.Second

// maxManifestBytes bounds a manifest that is only resolved.
const maxManifestBytes = 8 << 20

// Resolve asks the registry for the digest of a target, and whether its manifest
// has a subject.
func (s *service) Resolve(ctx context.Context, t *server.Target) (digest string, refers bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	client, err := remote.Dial(ctx, registryImage(t), remote.Options{Insecure: t.Registry.Insecure, Fence: t.Registry.Fence()})
	if err != nil {
		return "", false, err
	}
	raw, _, _, err := client.Root(ctx, maxManifestBytes)
	if err != nil {
		return "", false, err
	}
	sum := sha256.Sum256(raw)
	var m struct {
		Subject *json.RawMessage `json:"subject"`
	}
	refers = json.Unmarshal(raw, &m) == nil && m.Subject != nil // what is no manifest is a matter of the scan
	return "sha256:" + hex.EncodeToString(sum[:]), refers, nil
}

// Scan scans a target and judges it.
func (s *service) Scan(ctx context.Context, t *server.Target) (*fnvet.Report, store.Version, error) {
	now := time.Now().UTC()
	db, release, err := s.hold()
	if err != nil && !errors.Is(err, advisory.ErrNoDatabase) {
		return nil, store.Version{}, fmt.Errorf("advisory database: %w", err)
	}
	defer release()
	v := s.versionOf(db)
	q := s.request
	q.Day, q.Senders = now.Truncate(24*time.Hour), sentByOthers
	switch {
	case t.Registry != nil:
		q.Target = "docker://" + t.Registry.Dial() + "/" + t.Repository + "@" + t.Digest
		q.Unpack.Name = nameOf(t)
		q.Unpack.Remote = remote.Options{Insecure: t.Registry.Insecure, Fence: t.Registry.Fence()}
		q.Unpack.Plan = &remote.Plan{Name: nameOf(t), Image: registryImage(t)}
		q.Senders = ""
	case t.File != "":
		q.Target, q.Unpack.Name = t.File, t.Name
	default:
		q.Target = t.Other
		if !unpack.Remote(q.Target) {
			return nil, v, store.Permanent(fmt.Errorf("%q is no target of a server", t.Other))
		}
	}
	r, err := s.report(ctx, t, q, db, now)
	if r != nil && r.Artifact.Digest == "" && t.Registry != nil { // the child died before it said
		r.Artifact.Digest, r.Artifact.Type = t.Digest, "image"
	}
	if err == nil && t.Registry != nil && !t.Last {
		err = undelivered(r)
	}
	return r, v, err
}

// undelivered is an error for a layer that the registry did not deliver, or not as
// it is: another attempt may mend that.
func undelivered(r *fnvet.Report) error {
	for _, g := range r.Gaps {
		if unpack.Undelivered(g) {
			return fmt.Errorf("layer %s: %s", g.Path, g.Detail)
		}
	}
	return nil
}

func (s *service) report(ctx context.Context, t *server.Target, q walkRequest, db *openDB, now time.Time) (*fnvet.Report, error) {
	config, err := q.judging()
	if err != nil {
		return nil, err
	}
	config.Settings = s.finder
	config.Matcher, config.Version, config.Rules = s.matcher(db, now), version(), rulesVersion()
	var harvest *scan.Harvest
	if q.Unpack.Plan == nil {
		if harvest, err = s.cli.sbomTarget(q); err != nil {
			return nil, err
		}
	}
	if harvest == nil {
		if harvest, err = s.cli.collect(ctx, q, s.sandboxed); err != nil {
			return nil, err
		}
		s.keepLayers(ctx, t, q, harvest)
	}
	r := scan.Complete(ctx, harvest, config)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r, s.judge(r, now)
}

// judge applies VEX and the policy, of which an earlier judgement is undone.
func (s *service) judge(r *fnvet.Report, now time.Time) error {
	for i := range r.Findings {
		if by := r.Findings[i].Suppressed; by != nil && by.By == "vex" {
			r.Findings[i].Suppressed = nil
		}
	}
	vex.Apply(r, s.vex)
	if err := policy.Enforce(r, s.policy, policy.Options{Now: now, Compare: compareVersions}); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return nil
}

// Rematch compares some packages of a report anew, and judges it.
func (s *service) Rematch(ctx context.Context, r *fnvet.Report, changed func(*fnvet.Package) bool) error {
	db, release, err := s.hold()
	if err != nil {
		return err
	}
	defer release()
	now := time.Now().UTC()
	if err := scan.Rematch(ctx, r, scan.Config{Matcher: s.matcher(db, now)}, changed); err != nil {
		return err
	}
	return s.judge(r, now)
}

// Match compares packages alone.
func (s *service) Match(ctx context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, error) {
	db, release, err := s.hold()
	if err != nil {
		return nil, err
	}
	defer release()
	findings, _, err := db.Match(ctx, pkgs)
	return findings, err
}

// Update fetches advisories, and tells what they changed.
func (s *service) Update(ctx context.Context) (from string, changed []advisory.PackageName, all bool, err error) {
	before, release, _ := s.hold()
	if before != nil {
		from = before.ID()
	}
	release()
	_, err = advisory.Update(ctx, s.flags.db.options(s.dir))
	if errors.Is(err, advisory.ErrLocked) { // another process of this machine does
		return from, nil, true, nil
	}
	if err != nil {
		return from, nil, false, fmt.Errorf("advisory database: %w", err)
	}
	s.mu.Lock()
	s.checked = time.Time{}
	s.mu.Unlock()
	latest, release, err := s.hold()
	if err != nil {
		return from, nil, false, err
	}
	defer release()
	if from == "" || latest.ID() == from {
		return from, nil, from == "", nil
	}
	previous, err := advisory.OpenPrevious(s.dir)
	if err != nil {
		return from, nil, true, nil //nolint:nilerr // then everything is compared
	}
	defer previous.Close()
	if previous.ID() != from {
		return from, nil, true, nil
	}
	changed, err = advisory.Changed(previous, latest.DB)
	return from, changed, err != nil, nil //nolint:nilerr // then everything is compared
}

// write renders a report as it was judged.
func (s *service) write(format string, r *fnvet.Report) ([]byte, error) {
	var b bytes.Buffer
	if slices.Contains(documentFormats(), format) {
		err := writeDocument(&b, format, []*fnvet.Report{r}, sbom.Options{Now: r.Scan.Started, Version: version()})
		return b.Bytes(), err
	}
	all, err := rules()
	if err != nil {
		return nil, err
	}
	err = report.Write(&b, format, []*fnvet.Report{r}, report.Options{Rules: all, Blocking: report.Stated})
	return b.Bytes(), err
}

// attacher puts what a scan came to beside the image: verdict, vulnerabilities and
// SBOM, signed by the key of a file.
func attacher(keyFile string) (func(context.Context, *server.Target, *fnvet.Report) error, error) {
	key, err := readKey(keyFile)
	if err != nil {
		return nil, fmt.Errorf("--attach: %w", err)
	}
	if !key.Private() {
		return nil, fmt.Errorf("--attach: %s is a public key; signing takes the private one", keyFile)
	}
	var flags attestFlags
	return func(ctx context.Context, t *server.Target, r *fnvet.Report) error {
		registry := attest.Registry{Insecure: t.Registry.Insecure, Auth: authn.Anonymous, Transport: remote.NewFenced(t.Registry.Fence(), t.Registry.Insecure)}
		if t.Registry.Username != "" {
			registry.Auth = authn.FromConfig(authn.AuthConfig{Username: t.Registry.Username, Password: t.Registry.Password.Reveal()})
		}
		for _, typ := range statements {
			s, err := flags.statement(typ, r)
			if err != nil {
				return err
			}
			line, err := attest.Sign(ctx, s, key)
			if err != nil {
				return err
			}
			if _, err := registry.Push(ctx, t.Registry.Dial()+"/"+t.Repository, r.Artifact.Digest, line, s.PredicateType); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
