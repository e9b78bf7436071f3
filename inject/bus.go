package inject

import (
	"slices"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/ir"
)

// onlyBus says that a template states triggers of a function, and all of them are
// rules of EventBridge or schedules.
func onlyBus(fn *fnvet.Function) bool {
	return len(fn.Triggers) > 0 && !slices.ContainsFunc(fn.Triggers, func(t fnvet.Trigger) bool {
		return t.Kind != fnvet.TriggerBus && t.Kind != fnvet.TriggerSchedule
	})
}

// allBus says so of every function that is stated.
func (p *program) allBus() bool {
	return len(p.d.functions) > 0 && !slices.ContainsFunc(p.d.functions, func(fn fnvet.Function) bool { return !onlyBus(&fn) })
}

// busOnly says so of every function whose handler is an export of a file. It is
// entered once for all of them.
func (p *program) busOnly(f *ir.File, export string) bool {
	if p.buses == nil {
		p.buses = map[string]bool{}
		for i := range p.d.functions {
			fn := &p.d.functions[i]
			at, name := p.statedFile(fn.Root, fn.Handler)
			if at == nil {
				continue
			}
			key := at.Name + "\x00" + name
			before, known := p.buses[key]
			p.buses[key] = onlyBus(fn) && (before || !known)
		}
	}
	return p.buses[f.Name+"\x00"+export]
}

// fromBus are parameters whose event is one that EventBridge delivers.
func fromBus(params []string) []string {
	out := slices.Clone(params)
	for i, what := range out {
		if what == "source:event" {
			out[i] = "source:event.bus"
		}
	}
	return out
}
