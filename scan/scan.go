// Package scan walks one target once, offers every file to the steps that want
// it, and joins what they found into a report without a verdict. It knows no
// format, no rule and no policy of its own.
package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	// Inventory leaves everything out but packages.
	Inventory bool
	// Timeout ends the walk with a gap; 0: none.
	Timeout time.Duration
	Version string // of fnvet
	Rules   string // of the rule set
	// Progress, when set, counts the files as they are read.
	Progress *Progress
}

// Progress is counted up while a scan runs and may be read at any time.
type Progress struct{ Files, Bytes atomic.Int64 }

// Run scans one target. The error says the scan could not run at all; everything
// else that went wrong is among the gaps. The verdict is left to the caller.
func Run(ctx context.Context, target string, c Config) (*fnvet.Report, error) {
	started := time.Now()
	col := &collector{steps: c.active(), progress: c.Progress}
	walkCtx, cancel := ctx, context.CancelFunc(func() {})
	if c.Timeout > 0 {
		walkCtx, cancel = context.WithTimeout(ctx, c.Timeout)
	}
	defer cancel()
	res, err := unpack.Walk(walkCtx, target, c.Unpack, col.visit)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	col.finish(ctx, res.Removed)
	r := &fnvet.Report{Schema: fnvet.Schema, Artifact: res.Artifact}
	r.Gaps = res.Gaps
	r.Findings = res.Findings
	pkgs, distro := col.join(r, res.Removed)
	r.Packages = deps.Merge(pkgs, distro)
	if distro != nil {
		r.Artifact.Config.Distro = strings.TrimSpace(distro.ID + " " + distro.VersionID)
	}
	if !c.Inventory {
		r.Scan.Database = c.judgeable(ctx, r, res)
	}
	r.Gaps = append(r.Gaps, nothing(r, res.Files)...)
	c.clean(r)
	r.Scan.Version, r.Scan.Rules = c.Version, c.Rules
	r.Scan.Files, r.Scan.Bytes = res.Files, res.Bytes
	r.Scan.Started = started.UTC()
	r.Scan.DurationMS = time.Since(started).Milliseconds()
	r.Scan.Complete = len(r.Gaps) == 0
	return r, nil
}

// judgeable adds what is found outside the files: advisories and settings.
func (c *Config) judgeable(ctx context.Context, r *fnvet.Report, res *unpack.Result) fnvet.Database {
	if c.Settings != nil && c.wants(fnvet.SecretKind) {
		r.Findings = append(r.Findings, c.Settings.Settings(ctx, res.Settings)...)
	}
	db := fnvet.Database{Ecosystems: []string{}}
	if c.Matcher != nil && (c.wants(fnvet.Vulnerability) || c.wants(fnvet.Malware)) {
		findings, gaps, info := c.Matcher.Match(ctx, r.Packages)
		r.Findings = append(r.Findings, findings...)
		r.Gaps = append(r.Gaps, gaps...)
		db = info
	}
	return db
}

// nothing is the gap of a target in which there was nothing to judge.
func nothing(r *fnvet.Report, files int) []fnvet.Gap {
	detail := ""
	switch {
	case len(r.Packages)+len(r.Findings)+len(r.Gaps) > 0:
		return nil
	case files == 0:
		detail = "there is no file in it"
	case r.Artifact.Type == "file":
		detail = "not an archive, an image, an SBOM, a lockfile or a binary that fnvet reads"
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
	slices.SortStableFunc(r.Findings, compareFindings)
	slices.SortFunc(r.Gaps, compareGaps)
	r.Gaps = slices.Compact(r.Gaps)
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
}

// redact masks secrets in text that comes from the artifact as it is: commands of
// the image, error messages that quote a line, versions that are addresses.
func redact(r *fnvet.Report, mask func(string) string) {
	for i := range r.Artifact.Layers {
		r.Artifact.Layers[i].Command = mask(r.Artifact.Layers[i].Command)
	}
	for _, words := range [][]string{r.Artifact.Config.Cmd, r.Artifact.Config.Entrypoint} {
		for i := range words {
			words[i] = mask(words[i])
		}
	}
	for i := range r.Gaps {
		r.Gaps[i].Detail = mask(r.Gaps[i].Detail)
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		if strings.ContainsAny(p.Version, ":@") {
			p.Version, p.PURL = mask(p.Version), mask(p.PURL)
		}
	}
}

func compareFindings(a, b fnvet.Finding) int {
	return cmp.Or(
		cmp.Compare(slices.Index(fnvet.Kinds[:], a.Kind), slices.Index(fnvet.Kinds[:], b.Kind)),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(purl(a), purl(b)),
		cmp.Compare(a.Layer, b.Layer),
		cmp.Compare(a.Resource, b.Resource),
		cmp.Compare(a.Fingerprint, b.Fingerprint),
	)
}

func purl(f fnvet.Finding) string {
	if f.Package == nil {
		return ""
	}
	return f.Package.PURL
}

func compareGaps(a, b fnvet.Gap) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Detail, b.Detail))
}

// collector gathers facts from concurrent visits. Only files that yielded
// something leave a trace.
type collector struct {
	steps    []Step
	progress *Progress

	mu    sync.Mutex
	slots []slot
}

type slot struct {
	path, layer string
	step        int
	facts       fnvet.Facts
}

func (c *collector) visit(ctx context.Context, f *fnvet.File) {
	for i := range c.steps {
		if facts, some := c.run(ctx, i, f); some {
			c.mu.Lock()
			c.slots = append(c.slots, slot{f.Path, f.Layer, i, facts})
			c.mu.Unlock()
		}
	}
	if c.progress != nil {
		c.progress.Files.Add(1)
		c.progress.Bytes.Add(int64(len(f.Data)))
	}
}

// run gives one file to one step and turns an error or a panic into a gap.
func (c *collector) run(ctx context.Context, step int, f *fnvet.File) (facts fnvet.Facts, some bool) {
	defer func() {
		if p := recover(); p != nil {
			facts.Gaps = append(facts.Gaps, crashed(c.steps[step].Name, f.Path, p))
			some = true
		}
	}()
	d := c.steps[step].Detector
	if !d.Want(f) {
		return fnvet.Facts{}, false
	}
	facts, err := d.Detect(ctx, f)
	if err != nil {
		facts.Gaps = append(facts.Gaps, gapOf(f.Path, err))
	}
	return facts, len(facts.Packages)+len(facts.Findings)+len(facts.Gaps) > 0 || facts.Distro != nil
}

func gapOf(path string, err error) fnvet.Gap {
	if errors.Is(err, context.DeadlineExceeded) {
		return fnvet.Gap{Path: path, Reason: fnvet.GapLimit, Detail: "the time limit of the scan (--timeout) was reached"}
	}
	return fnvet.Gap{Path: path, Reason: fnvet.GapUnparsable, Detail: err.Error()}
}

func crashed(step, path string, p any) fnvet.Gap {
	at := ""
	// The frame that panicked, without arguments: they may hold file content.
	for line := range strings.SplitSeq(string(debug.Stack()), "\n") {
		if strings.HasPrefix(line, "\t") && !strings.Contains(line, "/runtime/") && !strings.Contains(line, "/scan/scan.go") {
			at, _, _ = strings.Cut(strings.TrimSpace(line), " ")
			at = at[strings.LastIndexByte(at, '/')+1:]
			break
		}
	}
	return fnvet.Gap{Path: path, Reason: fnvet.GapFailed, Detail: fmt.Sprintf("step %s crashed (%T at %s)", step, p, at)}
}

func (c *collector) finish(ctx context.Context, removed func(path, layer string) (string, bool)) {
	gone := func(path, layer string) bool { _, is := removed(path, layer); return is }
	for i, s := range c.steps {
		fin, ok := s.Detector.(fnvet.Finisher)
		if !ok {
			continue
		}
		facts, err := safeFinish(ctx, s.Name, fin, gone)
		if err != nil {
			facts.Gaps = append(facts.Gaps, gapOf(s.Name, err))
		}
		c.slots = append(c.slots, slot{step: i, facts: facts})
	}
}

func safeFinish(ctx context.Context, name string, f fnvet.Finisher, gone func(path, layer string) bool) (facts fnvet.Facts, err error) {
	defer func() {
		if p := recover(); p != nil {
			facts.Gaps = append(facts.Gaps, crashed(name, name, p))
		}
	}()
	return f.Finish(ctx, gone)
}

// join merges the slots in path order into the report and returns the packages
// of the final file system and its distribution.
func (c *collector) join(r *fnvet.Report, removed func(path, layer string) (string, bool)) ([]fnvet.Package, *fnvet.Distro) {
	slices.SortFunc(c.slots, func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.layer, b.layer), cmp.Compare(a.step, b.step))
	})
	var pkgs []fnvet.Package
	var distro *fnvet.Distro
	for i := range c.slots {
		s := &c.slots[i]
		r.Gaps = append(r.Gaps, s.facts.Gaps...)
		for _, f := range s.facts.Findings {
			f.RemovedBy, f.Removed = removed(f.Path, f.Layer)
			r.Findings = append(r.Findings, f)
		}
		if _, gone := removed(s.path, s.layer); gone && s.path != "" {
			continue
		}
		pkgs = append(pkgs, s.facts.Packages...)
		if distro == nil {
			distro = s.facts.Distro
		}
	}
	return pkgs, distro
}
