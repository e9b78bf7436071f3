package posture

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/model"
)

// policies are those that the functions of the artifact need: of each that a
// template certainly means by it, else of the code as a whole.
func (d *Detector) policies() []fnvet.RolePolicy {
	var out []fnvet.RolePolicy
	for i := range d.mine {
		x := &d.mine[i]
		if x.sure && (x.function.Cloud == "" || x.function.Cloud == model.AWS) {
			out = append(out, d.policy(x.function, x.stack.model, x.root)...)
		}
	}
	if len(out) == 0 {
		out = d.policy(nil, nil, "")
	}
	return out
}

func (d *Detector) policy(f *model.Function, m *model.Model, root string) []fnvet.RolePolicy {
	handler := ""
	if f != nil {
		handler, _ = f.Handler.Known()
	}
	u := d.code.For(root, handler)
	if u == nil {
		return nil
	}
	p := check.LeastPrivilege(d.catalog, u, f, m)
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(p) != nil {
		return nil
	}
	out := fnvet.RolePolicy{Document: text.Bytes(), Named: p.Named, Unsure: p.Unsure, Files: u.Files}
	if u.Dynamic {
		out.Open = u.Why
	}
	if f != nil {
		out.Function = f.ID
		out.Missing = check.Missing(m, f, d.catalog, u)
	}
	slices.Sort(out.Unsure)
	return []fnvet.RolePolicy{out}
}
