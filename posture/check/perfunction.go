package check

import (
	"slices"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

// Triggers are what starts a function, with whether anyone can.
func Triggers(m *model.Model, f *model.Function) []fnvet.Trigger {
	r := &run{m: m}
	var out []fnvet.Trigger
	for _, t := range f.Triggers {
		_, public := r.publicTrigger(t)
		if t.Kind == fnvet.TriggerURL && f.Endpoint != nil {
			public = endpointOpen(f.Endpoint)
		}
		x := fnvet.Trigger{Kind: t.Kind, Public: public, Resource: t.API, Path: t.File, Line: t.Line}
		for _, s := range t.Source.Alts {
			x.Resource = s.String()
			if ref, ok := s.Ref(); ok {
				x.Resource = ref.ID
			}
		}
		out = append(out, x)
	}
	return out
}

// Grants are the Allow statements of the roles of a function, those of the managed
// policies too.
func Grants(m *model.Model, f *model.Function, catalog *data.Catalog) []fnvet.Grant {
	r := &run{m: m, ctx: Context{Data: catalog}}
	all, open := r.grantsOf(f)
	var out []fnvet.Grant
	for _, g := range all {
		if !g.allow {
			continue
		}
		x := fnvet.Grant{Actions: slices.Clone(g.actions), Path: g.pos.File, Line: g.pos.Line, Open: len(g.notActions) > 0 || g.notResource}
		for _, t := range g.resources {
			x.Resources = append(x.Resources, t.String())
		}
		if g.s != nil {
			x.Open = x.Open || g.s.Actions.Open || g.s.Resources.Open
		}
		out = append(out, x)
	}
	if open {
		out = append(out, fnvet.Grant{Open: true, Path: f.File, Line: f.Line})
	}
	return out
}
