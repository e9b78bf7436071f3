// Package scan walks one target once, offers every file to the steps that want
// it, and joins what they found into a report without a verdict. It knows no
// format, no rule and no policy of its own.
package scan

import (
	"cmp"
	"context"

	"slices"
	"strings"

	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps"
	"github.com/fnvet/fnvet/unpack"
)

// A Step is one row of the table of what the tool can do.
type Step struct {
	Name string
	// Kinds are the kinds of finding that need the step; a step none of whose
	// kinds is asked for does not run.
	Kinds    []fnvet.Kind
	Detector fnvet.Detector
}

// A Matcher compares packages with the advisories.
type Matcher interface {
	Match(ctx context.Context, pkgs []fnvet.Package) ([]fnvet.Finding, []fnvet.Gap, fnvet.Database)
}

// A SettingsScanner looks for secrets in names and values outside files.
type SettingsScanner interface {
	Settings(ctx context.Context, s []fnvet.Setting) []fnvet.Finding
	// Redact masks every secret in a text.
	Redact(s string) string
}

// Config is what a scan needs. A nil Matcher or Settings leaves that part out.
type Config struct {
	Unpack   unpack.Options
	Steps    []Step
	Matcher  Matcher
	Settings SettingsScanner
	// Wants reports whether findings of a kind are asked for; nil: all.
	Wants func(fnvet.Kind) bool
	// Timeout ends the walk with a gap; 0: none.
	Timeout time.Duration
	Version string // of fnvet
	Rules   string // of the rule set
	// Cache, when set, answers for layers that were searched before.
	Cache *Cache
	// Watch, when set, follows the work.
	Watch Watch
	// Walked, when set, is called when the files have been read and what they say is to
	// be joined.
	Walked func()
}

// A Watch follows the work of a scan; its methods are called concurrently.
type Watch interface {
	// Count is called for each file read, with its size.
	Count(files, bytes int64)
	// Expect is called with bytes of the target, as stored, that were read (done) and
	// that were found to be there (ahead). Both are estimates.
	Expect(done, ahead int64)
	// Post says what one of the workers does, by number; "" when it is done.
	Post(worker int, text string)
}

// Run scans one target: Collect, then Complete.
func Run(ctx context.Context, target string, c Config) (*fnvet.Report, error) {
	h, err := Collect(ctx, target, c)
	if err != nil {
		return nil, err
	}
	return Complete(ctx, h, c), nil
}

// Complete makes the report of a harvest: packages merged and matched, findings
// sorted and given their fingerprints. The verdict is left to the caller.
func Complete(ctx context.Context, h *Harvest, c Config) *fnvet.Report {
	r := &fnvet.Report{Schema: fnvet.Schema, Artifact: h.Artifact, Gaps: h.Gaps}
	r.Findings = h.Findings
	pkgs, distro := h.join(r)
	r.Packages = deps.Merge(pkgs, distro)
	h.licensed(r.Packages)
	h.sized(r.Packages, r.Artifact.Archives)
	masked := c.maskPackages(r.Packages)
	via := h.reachable(r.Packages)
	if distro != nil {
		r.Artifact.Config.Distro = strings.TrimSpace(distro.ID + " " + distro.VersionID)
	}
	h.host(&r.Artifact.Config)
	r.Scan.Database.Ecosystems = []string{}
	if c.Matcher != nil && (c.wants(fnvet.Vulnerability) || c.wants(fnvet.Malware)) {
		findings, gaps, info := c.Matcher.Match(ctx, r.Packages)
		if masked() {
			via = h.reachable(r.Packages)
			findings, gaps, info = c.Matcher.Match(ctx, r.Packages)
		}
		follow(findings, r.Packages, via)
		h.linkedIn(findings, r.Packages)
		r.Findings = append(r.Findings, findings...)
		r.Gaps = append(r.Gaps, gaps...)
		r.Scan.Database = info
	}
	masked()
	if c.wants(fnvet.Hygiene) {
		r.Findings = append(r.Findings, deps.Drift(r.Packages)...)
	}
	r.Gaps = append(r.Gaps, nothing(r, h.Files)...)
	c.clean(r)
	r.Scan.Version, r.Scan.Rules = c.Version, c.Rules
	r.Scan.Files, r.Scan.Bytes = h.Files, h.Bytes
	r.Scan.Sandbox = h.Sandbox
	r.Scan.Started = h.Started.UTC()
	r.Scan.DurationMS = time.Since(h.Started).Milliseconds()
	r.Scan.Complete = len(r.Gaps) == 0
	return r
}

// nothing is the gap of a target in which there was nothing to judge.
func nothing(r *fnvet.Report, files int) []fnvet.Gap {
	detail := ""
	switch {
	case len(r.Packages)+len(r.Findings)+len(r.Gaps)+len(r.Artifact.Templates) > 0:
		return nil
	case files == 0:
		detail = "there is no file in it"
	case r.Artifact.Type == "file":
		detail = "not an archive, an image, an SBOM, a template, a lockfile or a binary that fnvet reads"
	default:
		return nil
	}
	return []fnvet.Gap{{Path: r.Artifact.Name, Reason: fnvet.GapNothingFound, Detail: detail}}
}

func (c *Config) wants(k fnvet.Kind) bool { return c.Wants == nil || c.Wants(k) }

func (c *Config) active() []Step {
	var active []Step
	for _, s := range c.Steps {
		if slices.ContainsFunc(s.Kinds, c.wants) {
			active = append(active, s)
		}
	}
	return active
}

// clean puts a report into its final order: kinds asked for only, secrets masked
// in free text, fingerprints set, sorted, no nil lists.
func (c *Config) clean(r *fnvet.Report) {
	r.Findings = slices.DeleteFunc(r.Findings, func(f fnvet.Finding) bool { return !c.wants(f.Kind) })
	if c.Settings != nil {
		redact(r, c.Settings.Redact)
	}
	fingerprint(r.Artifact.Name, r.Findings)
	slices.SortStableFunc(r.Findings, fnvet.CompareFindings)
	slices.SortFunc(r.Gaps, compareGaps)
	r.Gaps = slices.Compact(r.Gaps)
	slices.SortFunc(r.Artifact.Archives, func(a, b fnvet.Archive) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer))
	})
	r.Artifact.Archives = slices.CompactFunc(r.Artifact.Archives, func(a, b fnvet.Archive) bool { return a.Path == b.Path && a.Layer == b.Layer })
	if r.Findings == nil {
		r.Findings = []fnvet.Finding{}
	}
	if r.Gaps == nil {
		r.Gaps = []fnvet.Gap{}
	}
	if r.Packages == nil {
		r.Packages = []fnvet.Package{}
	}
	if r.Artifact.Layers == nil {
		r.Artifact.Layers = []fnvet.Layer{}
	}
	if r.Scan.Database.Ecosystems == nil {
		r.Scan.Database.Ecosystems = []string{}
	}
	for i := range r.Artifact.Templates {
		t := &r.Artifact.Templates[i]
		if t.Functions == nil {
			t.Functions = []string{}
		}
		if t.Unresolved == nil {
			t.Unresolved = []fnvet.Unresolved{}
		}
	}
}

// redact masks secrets in text that comes from the artifact as it is: commands of
// the image, error messages that quote a line, versions that are addresses.
func redact(r *fnvet.Report, mask func(string) string) {
	for i := range r.Artifact.Layers {
		r.Artifact.Layers[i].Command = mask(r.Artifact.Layers[i].Command)
	}
	for _, text := range []*string{&r.Artifact.Config.Base, &r.Artifact.Config.Runtime} {
		*text = mask(*text)
	}
	for _, words := range [][]string{r.Artifact.Config.Cmd, r.Artifact.Config.Entrypoint} {
		for i := range words {
			words[i] = mask(words[i])
		}
	}
	for i := range r.Gaps {
		r.Gaps[i].Detail = mask(r.Gaps[i].Detail)
	}
	for _, t := range r.Artifact.Templates {
		for i := range t.Unresolved {
			t.Unresolved[i].What = mask(t.Unresolved[i].What)
		}
	}
}

// maskPackages looks for secrets in what manifests say of packages: a version that
// is an address with a password, a token pasted where a licence should be. There is
// hardly ever one, so it looks while others go on; the function it returns waits for
// the answer, masks what there is, and says at its first call whether it did.
func (c *Config) maskPackages(pkgs []fnvet.Package) func() bool {
	if c.Settings == nil {
		return func() bool { return false }
	}
	var all strings.Builder
	each(pkgs, func(s *string) {
		all.WriteString(*s)
		all.WriteByte('\n')
	})
	clean := make(chan bool, 1)
	go func() { clean <- c.Settings.Redact(all.String()) == all.String() }()
	done := false
	return func() bool {
		if done || <-clean {
			done = true
			return false
		}
		each(pkgs, func(s *string) { *s = c.Settings.Redact(*s) })
		done = true
		return true
	}
}

func each(pkgs []fnvet.Package, do func(*string)) {
	for i := range pkgs {
		p := &pkgs[i]
		do(&p.Name)
		do(&p.Version)
		do(&p.PURL)
		if p.Supplier != nil {
			do(&p.Supplier.Name)
			do(&p.Supplier.Email)
			do(&p.Supplier.URL)
		}
		for j := range p.Links {
			do(&p.Links[j].URL)
		}
		for _, list := range [][]string{p.Licenses, p.DependsOn, p.Groups} {
			for j := range list {
				do(&list[j])
			}
		}
		if p.Source != nil {
			do(&p.Source.Name)
			do(&p.Source.Version)
		}
	}
}

func compareGaps(a, b fnvet.Gap) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Detail, b.Detail))
}
