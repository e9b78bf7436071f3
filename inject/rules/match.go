package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/ir"
)

// row is a pattern with what it stands for.
type row[T any] struct {
	glob string
	lang ir.Lang
	val  T
}

// index finds patterns by the last part of a name.
type index[T any] struct {
	byLast map[string][]row[T]
	loose  []row[T] // the last part has a wildcard
}

func (x *index[T]) add(glob string, lang ir.Lang, val T) {
	if x.byLast == nil {
		x.byLast = map[string][]row[T]{}
	}
	r := row[T]{glob, lang, val}
	last := glob[strings.LastIndexByte(glob, '.')+1:]
	if strings.Contains(last, "*") {
		x.loose = append(x.loose, r)
		return
	}
	x.byLast[last] = append(x.byLast[last], r)
}

// all calls yield for each pattern that a name matches until it says false.
func (x *index[T]) all(lang ir.Lang, name string, yield func(T) bool) {
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, rows := range [][]row[T]{x.byLast[last], x.loose} {
		for i := range rows {
			r := &rows[i]
			if (r.lang == "" || r.lang == lang) && Glob(r.glob, name) && !yield(r.val) {
				return
			}
		}
	}
}

// first is the zero value where no pattern matches.
func (x *index[T]) first(lang ir.Lang, name string) (val T) {
	x.all(lang, name, func(v T) bool { val = v; return false })
	return val
}

// Shape is the package whose exports have all the names of one of the shapes, or "".
func (s *Set) Shape(has func(name string) bool) string {
	for i := range s.shapes {
		k := &s.shapes[i]
		if has(k.Has[0]) && !slices.ContainsFunc(k.Has[1:], func(n string) bool { return !has(n) }) {
			return k.Module
		}
	}
	return ""
}

// Glob says whether a name matches a pattern, in which * is any text.
func Glob(glob, name string) bool {
	head, rest, star := strings.Cut(glob, "*")
	if !star {
		return glob == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], next
	}
}

// expand gives the patterns that braces stand for: a.{b,c} is a.b and a.c.
func expand(p string) ([]string, error) {
	out := []string{""}
	for {
		open := strings.IndexByte(p, '{')
		if open < 0 {
			for i := range out {
				out[i] += p
			}
			return out, nil
		}
		end := strings.IndexByte(p[open:], '}')
		if end < 0 {
			return nil, fmt.Errorf("pattern %q: a brace does not close", p)
		}
		var next []string
		for _, head := range out {
			for alt := range strings.SplitSeq(p[open+1:open+end], ",") {
				next = append(next, head+p[:open]+alt)
			}
		}
		if out = next; len(out) > 2000 {
			return nil, errors.New("a pattern stands for too many names")
		}
		p = p[open+end+1:]
	}
}

// Known is what the tables say of an external name in one language.
type Known struct {
	// Alias is another name for it, under which it is to be asked for, or the name.
	Alias  string
	Sinks  []*Sink // that a call may be
	Clean  bool    // the result of a call is no attacker's
	Passes bool    // the result of a call holds what its arguments hold
	Escape *Call   // nil for none, as all that follow
	Guard  *Call   // the question that a call asks
	Schema *Call   // the validation that a call is
	Fetch  *Call   // the fetching of an attacker's data that a call is
	Entry  *Call   // the registering of an entry point that a call or decorator is
	Read   *Call   // the source that the name is
}

// About asks every table for a name.
func (s *Set) About(lang ir.Lang, name string) *Known {
	k := &Known{Alias: name}
	s.sinks.all(lang, name, func(sink *Sink) bool { k.Sinks = append(k.Sinks, sink); return true })
	if a := s.aliases.first(lang, name); a != nil {
		k.Alias = a.Root
	}
	k.Clean, k.Passes = s.clean.first(lang, name) != nil, s.passes.first(lang, name) != nil
	k.Escape, k.Guard = s.escapes.first(lang, name), s.guards.first(lang, name)
	k.Schema, k.Fetch = s.schemas.first(lang, name), s.fetches.first(lang, name)
	k.Entry, k.Read = s.entries.first(lang, name), s.reads.first(lang, name)
	return k
}

// Handlers are the conventions for names of entry points.
func (s *Set) Handlers() []Handler { return s.handlers }

// Class describes a sink's class.
func (s *Set) Class(k *Sink) *Class { return &s.classes[k.index] }

// ClassOf finds a class by its id.
func (s *Set) ClassOf(id string) (*Class, Classes) {
	for i := range s.classes {
		if s.classes[i].ID == id {
			return &s.classes[i], 1 << i
		}
	}
	return nil, 0
}

// Grade finds what is known of a part of a source. ok is false where nothing is.
func (s *Set) Grade(root string, path []string) (*Path, bool) {
	const maxLike = 4
	for src, n := s.sources[root], 0; src != nil && n < maxLike; src, n = s.sources[src.Like], n+1 {
		for i := range src.Paths {
			if pathMatch(src.Paths[i].parts, path) {
				return &src.Paths[i], true
			}
		}
	}
	return nil, false
}

func pathMatch(pattern, path []string) bool {
	for i, p := range pattern {
		if p == "**" {
			rest := pattern[i+1:]
			for j := i; j <= len(path); j++ {
				if pathMatch(rest, path[min(j, len(path)):]) {
					return true
				}
			}
			return false
		}
		if i >= len(path) || p != "*" && !strings.EqualFold(p, path[i]) {
			return false
		}
	}
	return len(path) == len(pattern)
}

// Rules describes classes for "fnvet rules" and SARIF.
func Rules(classes []Class) []fnvet.Rule {
	out := make([]fnvet.Rule, len(classes))
	for i := range classes {
		c := &classes[i]
		out[i] = fnvet.Rule{ID: c.ID, Kind: fnvet.Injection, Severity: c.Severity, Title: c.Title, Help: strings.TrimSpace(c.Help + " " + c.Remediation)}
	}
	return out
}

// Classes lists the classes of a set; the position is the bit in Classes.
func (s *Set) Classes() []Class { return s.classes }
