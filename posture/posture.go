// Package posture tells from templates and function settings what a function may
// do and who may call it. It finds the templates of an artifact, takes those given
// beside it, has them read into the one model (posture/model) by the reader of
// their dialect, has the checks (posture/check) run on that, and says which
// functions are those of the artifact. It runs no program, follows nothing out of a
// template's folder and knows no network.
package posture

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/usage"
)

// Options are what a caller knows. The zero value is usable.
type Options struct {
	// Given are the templates outside the artifact.
	Given []Given
	// Now is what ends of support are judged by.
	Now time.Time
	// Prices are the list prices; zero: the embedded ones.
	Prices data.Prices
	Region string
	// Secrets searches the templates outside the artifact; nil: not.
	Secrets Secrets
	// Policies asks for the policy that each function of the artifact needs.
	Policies bool
	// NoCode leaves out what code calls, which only checks and policies ask.
	NoCode bool
}

// A Given is a template or folder outside the artifact.
type Given struct {
	// Path is as the user wrote it, with slashes. Reports print it.
	Path string
	// FS is the folder of the template, or the folder itself; File its name in that,
	// "" for a folder.
	FS   fs.FS
	File string
	// Self is true when it is the artifact, with what lies around it.
	Self bool
}

// Secrets is what finds secrets in files and settings.
type Secrets interface {
	fnvet.Detector
	Settings(ctx context.Context, s []fnvet.Setting) []fnvet.Finding
}

// A Detector gathers the files of one artifact that templates are, or may refer to.
// It implements fnvet.Detector and fnvet.Finisher.
type Detector struct {
	options Options
	catalog *data.Catalog
	code    *usage.Collector

	mu       sync.Mutex
	artifact fnvet.Artifact
	settings []fnvet.Setting
	trees    map[string]*tree // by container
	kept     int64            // bytes
	cut      bool             // something was not kept
	models   []*model.Model
	mine     []match
}

// New returns a detector for one scan.
func New(o Options) *Detector {
	catalog := data.New()
	return &Detector{options: o, catalog: catalog, code: usage.New(catalog), trees: map[string]*tree{}}
}

// Situate tells what the artifact is, before Finish.
func (d *Detector) Situate(a fnvet.Artifact, settings []fnvet.Setting, _ bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.artifact, d.settings = a, slices.Clone(settings)
}

// Want takes what may be a template, lie beside one, or be code that one speaks of.
func (d *Detector) Want(f *fnvet.File) bool {
	return f.Link == "" && (wantText(f) || wantName(f)) || d.wantCode(f)
}

func (d *Detector) wantCode(f *fnvet.File) bool { return !d.options.NoCode && d.code.Want(f) }

// Detect keeps a file for Finish.
func (d *Detector) Detect(ctx context.Context, f *fnvet.File) (fnvet.Facts, error) {
	if f.Link == "" {
		d.keep(f)
	}
	if d.wantCode(f) {
		return d.code.Detect(ctx, f)
	}
	return fnvet.Facts{}, nil
}

// Finish reads the templates and judges them.
func (d *Detector) Finish(ctx context.Context, removed func(path, layer string) bool) (fnvet.Facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var facts fnvet.Facts
	var stacks []*stack
	for _, key := range sortedKeys(d.trees) {
		found, gaps := d.readTree(ctx, d.trees[key], removed)
		stacks, facts.Gaps = append(stacks, found...), append(facts.Gaps, gaps...)
	}
	for i := range d.options.Given {
		found, gaps := d.readGiven(ctx, &d.options.Given[i])
		stacks, facts.Gaps = append(stacks, found...), append(facts.Gaps, gaps...)
	}
	if s := d.deployed(); s != nil {
		stacks = append(stacks, s)
	}
	if d.cut {
		facts.Gaps = append(facts.Gaps, fnvet.Gap{Path: d.artifact.Name, Reason: fnvet.GapLimit, Detail: "too many files for templates to be looked for in all of them"})
	}
	d.match(stacks)
	d.judge(stacks, &facts)
	facts.Findings = append(facts.Findings, d.secretsOf(ctx, stacks)...)
	facts.Config = d.config()
	if d.options.Policies {
		facts.Policies = d.policies()
	}
	return facts, ctx.Err()
}

// judge runs the checks and says what was read.
func (d *Detector) judge(stacks []*stack, facts *fnvet.Facts) {
	for _, s := range stacks {
		m := s.model
		d.models = append(d.models, m)
		facts.Findings = append(facts.Findings, check.Run(m, d.Context())...)
		if s.own { // the API's answer about the artifact itself is no template
			continue
		}
		facts.Templates = append(facts.Templates, template(m))
		facts.Gaps = append(facts.Gaps, gaps(m)...)
	}
	for i := range d.mine {
		facts.Functions = append(facts.Functions, d.function(&d.mine[i]))
	}
}

// Context is what the checks know.
func (d *Detector) Context() check.Context {
	c := check.Context{Now: d.options.Now, Data: d.catalog, Prices: d.options.Prices, Region: d.options.Region}
	c.Usage = func(f *model.Function) *usage.Usage {
		for _, x := range d.mine {
			if x.function == f && x.sure {
				handler, _ := f.Handler.Known()
				return d.code.For(x.root, handler)
			}
		}
		return nil
	}
	if d.options.Secrets != nil {
		c.Secret = d.secret
	}
	return c
}

// secret asks the secrets engine about one literal.
func (d *Detector) secret(name, value string) (kind string, is bool) {
	for _, f := range d.options.Secrets.Settings(context.Background(), []fnvet.Setting{{Source: "template", Name: name, Value: value}}) {
		if f.Secret != nil && f.Secret.Confidence != fnvet.ConfidenceLow {
			return strings.TrimPrefix(f.Secret.Rule, "secret/"), true
		}
	}
	return "", false
}

// Models are those that Finish read, in its order.
func (d *Detector) Models() []*model.Model { return d.models }
