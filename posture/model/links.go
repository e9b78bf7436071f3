package model

import "strings"

// FindFunction returns the function of that logical id, or nil.
func (m *Model) FindFunction(id string) *Function {
	return find(m.Functions, id, func(f *Function) string { return f.ID })
}

// FindRole returns the role of that logical id, or nil.
func (m *Model) FindRole(id string) *Role {
	return find(m.Roles, id, func(r *Role) string { return r.ID })
}

// FindAPI returns the API of that logical id, or nil.
func (m *Model) FindAPI(id string) *API {
	return find(m.APIs, id, func(a *API) string { return a.ID })
}

// FindParameter returns the parameter of that name, or nil.
func (m *Model) FindParameter(id string) *Parameter {
	return find(m.Parameters, id, func(p *Parameter) string { return p.ID })
}

func find[T any](all []*T, id string, of func(*T) string) *T {
	for _, x := range all {
		if of(x) == id {
			return x
		}
	}
	return nil
}

// Denotes reports whether a text stands for the resource: a reference to it, its
// physical name, or an ARN or address that ends with its name. A name that is not
// stated denotes nothing.
func (r *Resource) Denotes(t Text) bool {
	for _, ref := range t.Refs() {
		if ref.Kind == RefResource && ref.ID == r.ID {
			return true
		}
	}
	for _, name := range r.Name.Alts {
		if len(name.Parts) == 0 {
			continue
		}
		if sameText(t, name) || endsWith(t, name) {
			return true
		}
	}
	return false
}

func sameText(a, b Text) bool { return a.String() == b.String() }

// endsWith reports whether a is an ARN, address or path whose last segment is b.
func endsWith(a, b Text) bool {
	rest, ok := strings.CutSuffix(a.String(), b.String())
	return ok && (strings.HasSuffix(rest, ":") || strings.HasSuffix(rest, "/"))
}

// May reports whether a value may denote the resource.
func (r *Resource) May(v Value[Text]) bool { return v.Any(r.Denotes) }
