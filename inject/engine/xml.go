package engine

import (
	"slices"
	"strings"
)

var yesValue = &Value{plain: true, exact: true, strs: []string{"true"}}

// harden notes what is set on a parser of XML, or the factory of one, that keeps
// it from reading external entities ("$hardened"). Settings that do something else,
// or that turn a guard off, count for nothing. false where the call sets nothing.
func (r *run) harden(name string, recv *Value, a args) bool {
	switch name {
	case "setFeature", "setProperty", "setAttribute", "setXIncludeAware", "setExpandEntityReferences", "setExpandEntities", "setNamespaceAware", "setValidating":
	default:
		return false
	}
	if len(recv.objs) == 0 || len(a.pos) == 0 {
		return true
	}
	what, known := a.at(0).single()
	on, off := switched(a.at(1))
	switch {
	case name == "setExpandEntities": // JDOM
		_, off = switched(a.at(0))
		r.hardened(recv, off)
	case len(a.pos) < 2:
	case !known:
		r.hardened(recv, true) // a setting that is chosen elsewhere
	case strings.HasSuffix(what, "/disallow-doctype-decl"), strings.HasSuffix(what, "/feature/secure-processing"):
		r.hardened(recv, on)
	case strings.HasSuffix(what, "/external-general-entities"):
		r.half(recv, off, "$general", "$parameter")
	case strings.HasSuffix(what, "/external-parameter-entities"):
		r.half(recv, off, "$parameter", "$general")
	case what == "javax.xml.stream.supportDTD", what == "javax.xml.stream.isSupportingExternalEntities":
		r.hardened(recv, off)
	case strings.HasSuffix(what, "/accessExternalDTD"):
		s, exact := a.at(1).single()
		r.hardened(recv, !exact || s == "")
	}
	return true
}

// switched says whether a value may be true and may be false.
func switched(v *Value) (on, off bool) {
	if v == nil || len(v.ext) == 0 && !v.exact {
		return true, true
	}
	for _, s := range append(slices.Clip(v.strs), v.ext...) {
		switch s {
		case "1", "true", "java.lang.Boolean.TRUE":
			on = true
		case "0", "false", "java.lang.Boolean.FALSE":
			off = true
		}
	}
	return on, off
}

func (r *run) hardened(recv *Value, really bool) {
	if really {
		r.setField(recv, "$hardened", yesValue)
	}
}

// half notes one of two settings that only together do it.
func (r *run) half(recv *Value, really bool, this, other string) {
	if !really {
		return
	}
	r.setField(recv, this, yesValue)
	r.hardened(recv, mayBeTrue(r.peek(recv, other)))
}
