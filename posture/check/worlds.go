package check

import (
	"fmt"
	"slices"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/usage"
)

// possible drops findings that hold in no way in which the conditions of the template
// may go together, and gives the others the severity of the worst such way.
func (r *run) possible() {
	if len(r.m.Worlds) == 0 {
		return
	}
	worst := map[string]fnvet.Severity{}
	for _, w := range r.m.Worlds {
		ctx := r.ctx
		if ctx.Usage != nil {
			ctx.Usage = func(f *model.Function) *usage.Usage {
				if same := r.m.FindFunction(f.ID); same != nil {
					return r.ctx.Usage(same)
				}
				return nil
			}
		}
		for _, f := range Run(w, ctx) {
			for _, key := range [...]string{f.ID + f.Resource, spot(f)} {
				if f.Severity.Rank() > worst[key].Rank() {
					worst[key] = f.Severity
				}
			}
		}
	}
	r.findings = slices.DeleteFunc(r.findings, func(f fnvet.Finding) bool { return worst[f.ID+f.Resource] == "" })
	for i := range r.findings {
		f := &r.findings[i]
		s, ok := worst[spot(*f)]
		if !ok {
			s = worst[f.ID+f.Resource]
		}
		if s.Rank() < f.Severity.Rank() {
			f.Severity = s
		}
	}
}

func spot(f fnvet.Finding) string {
	return fmt.Sprint(f.ID, f.Resource, "\x00", f.Path, ":", f.Line, ":", f.Column)
}
