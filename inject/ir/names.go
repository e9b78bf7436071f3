package ir

import "slices"

// Names finds the variables of one scope by their names: a short list until there
// are many. The zero value is an empty scope.
type Names struct {
	list []*Var
	at   map[string]*Var // once list is long
}

// fewNames is up to how many variables are searched one after the other.
const fewNames = 8

// Get is the variable that was put last under a name, or nil.
func (n *Names) Get(name string) *Var {
	if n.at != nil {
		return n.at[name]
	}
	for _, v := range slices.Backward(n.list) {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// Put adds a variable under its name.
func (n *Names) Put(v *Var) {
	switch {
	case n.at != nil:
		n.at[v.Name] = v
	case len(n.list) < fewNames:
		n.list = append(n.list, v)
	default:
		n.at = make(map[string]*Var, 4*fewNames)
		for _, w := range append(n.list, v) {
			n.at[w.Name] = w
		}
		n.list = nil
	}
}

// Drop takes what has a name away.
func (n *Names) Drop(name string) {
	delete(n.at, name)
	n.list = slices.DeleteFunc(n.list, func(v *Var) bool { return v.Name == name })
}
