package posture

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/posture/model"
)

// template is what a report says of a model: its functions and what could not be
// resolved.
func template(m *model.Model) fnvet.Template {
	t := fnvet.Template{Path: m.File, Dialect: string(m.Dialect), Functions: []string{}, Unresolved: []fnvet.Unresolved{}}
	for _, f := range m.Functions {
		t.Functions = append(t.Functions, f.ID)
	}
	for _, u := range m.Unknown() {
		t.Unresolved = append(t.Unresolved, fnvet.Unresolved{Path: u.File, Line: u.Line, Column: u.Column, What: u.What, Why: u.Why})
	}
	return t
}

// gaps are what of a model a rule could have been decided by: what would have left
// the folder, and parts of the stack that were not read. Imports, parameters and
// settings of the place of deployment are ordinary, and only listed.
func gaps(m *model.Model) []fnvet.Gap {
	var out []fnvet.Gap
	for _, u := range m.Unresolved {
		switch {
		case u.Refused:
			out = append(out, fnvet.Gap{Path: u.File, Reason: fnvet.GapUnsafePath, Detail: lineOf(u) + u.What + ": " + u.Why})
		case u.Partial && !ordinary(m, u):
			out = append(out, fnvet.Gap{Path: u.File, Reason: fnvet.GapUnsupported, Detail: lineOf(u) + whatOf(u) + u.Why + "; what it states was not judged"})
		}
	}
	return out
}

// stating are words in the names of modules that state functions or permissions.
var stating = lazyregexp.New(`(?i)lambda|function|iam|role|polic|api|gateway|serverless|cloud-?run`)

// ordinary reports a module of a registry beside functions that are here, which by
// its name states something else, such as a network.
func ordinary(m *model.Model, u model.Unresolved) bool {
	return strings.HasPrefix(u.What, "module.") && len(m.Functions) > 0 && !stating().MatchString(u.What)
}

// whatOf is what of a file was not resolved, unless it is the file itself.
func whatOf(u model.Unresolved) string {
	if u.What == path.Base(u.File) {
		return ""
	}
	return u.What + ": "
}

func lineOf(u model.Unresolved) string {
	if u.Line == 0 {
		return ""
	}
	return "line " + strconv.Itoa(u.Line) + ": "
}

// secretsOf searches the templates outside the artifact: their files whole, and
// the literals of environments that the files alone do not show as secrets. The
// files of the artifact are searched by the step for secrets.
func (d *Detector) secretsOf(ctx context.Context, stacks []*stack) []fnvet.Finding {
	if d.options.Secrets == nil {
		return nil
	}
	var found, before []fnvet.Finding
	searched := map[string]bool{}
	for _, s := range stacks {
		if s.given == nil {
			continue
		}
		names := sortedKeys(s.files.read)
		if s.given.File != "" && !slices.Contains(names, s.given.File) {
			names = append(names, s.given.File)
		} else if s.name != "." && !slices.Contains(names, s.name) {
			names = append(names, s.name)
		}
		for _, name := range names {
			at := joined(s.given, name)
			if searched[at] {
				continue
			}
			searched[at] = true
			in := d.fileSecrets(ctx, s.given, name, at)
			before = append(before, in...)
			if !s.given.Self || name != s.given.File { // that one is a file of the artifact
				found = append(found, in...)
			}
		}
		in := d.envSecrets(ctx, s.model, before)
		found, before = append(found, in...), append(before, in...)
	}
	return found
}

// joined is the path of a file of a Given in reports.
func joined(g *Given, name string) string {
	dir := g.Path
	if g.File != "" {
		dir = strings.TrimSuffix(g.Path, g.File)
	} else {
		dir += "/"
	}
	return strings.TrimPrefix(dir+name, "./")
}

func (d *Detector) fileSecrets(ctx context.Context, g *Given, name, at string) []fnvet.Finding {
	data, err := readBounded(g.FS, name)
	if err != nil {
		return nil
	}
	f := &fnvet.File{Path: at, Name: name, Size: int64(len(data)), Data: data}
	if !d.options.Secrets.Want(f) {
		return nil
	}
	facts, _ := d.options.Secrets.Detect(ctx, f) // a mistake in a file is the reader's to tell
	for i := range facts.Findings {
		if s := facts.Findings[i].Secret; s != nil {
			s.Source = "template"
		}
	}
	return facts.Findings
}

// envSecrets searches the literals of environments for what was not found already.
func (d *Detector) envSecrets(ctx context.Context, m *model.Model, before []fnvet.Finding) []fnvet.Finding {
	seen := map[string]bool{}
	for _, f := range before {
		if f.Secret != nil {
			seen[f.Secret.Hash] = true
		}
	}
	var found []fnvet.Finding
	for _, fn := range m.Functions {
		for _, v := range fn.Env {
			for _, x := range v.Value.Alts {
				value, ok := x.Literal()
				if !ok || value == "" {
					continue
				}
				for _, f := range d.options.Secrets.Settings(ctx, []fnvet.Setting{{Path: v.File, Source: "template", Name: v.Name, Value: value}}) {
					if f.Secret == nil || seen[f.Secret.Hash] {
						continue
					}
					seen[f.Secret.Hash] = true
					f.Line, f.Column = v.Line, v.Column
					found = append(found, f)
				}
			}
		}
	}
	return found
}
