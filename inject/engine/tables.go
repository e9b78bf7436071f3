package engine

import (
	"encoding/binary"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// Limits of the answers that are kept.
const (
	maxAnswers = 20_000 // of each kind
	maxKey     = 250    // bytes of what was asked
)

// tables are what the rules answered: a program asks for the same few names again
// and again.
type tables struct {
	names  map[outsideName]*rules.Known
	values map[string]*Value // that are what is outside, by its name
	grades map[string]*rules.Path
	key    []byte // of grades, built
}

// An outsideName is a name of what is outside of the program, in the code of a language.
type outsideName struct {
	lang ir.Lang
	name string
}

func newTables() tables {
	return tables{names: map[outsideName]*rules.Known{}, values: map[string]*Value{}, grades: map[string]*rules.Path{}}
}

// about is what the rules say of an external name.
func (r *run) about(name string) *rules.Known {
	key := outsideName{r.now.Lang, name}
	k := r.tables.names[key]
	if k == nil {
		if k = r.rules.About(key.lang, name); len(r.tables.names) < maxAnswers && len(name) <= maxKey {
			r.tables.names[key] = k
		}
	}
	return k
}

// external is what a name outside of the program stands for.
func (r *run) external(name string) *Value {
	v := r.tables.values[name]
	if v == nil {
		if v = external(name); len(r.tables.values) < maxAnswers && len(name) <= maxKey {
			r.tables.values[name] = v
		}
	}
	return v
}

// grade is what the rules say of a part of a source, nil for nothing.
func (r *run) grade(root string, path []string) *rules.Path {
	t := &r.tables
	t.key = append(t.key[:0], root...)
	for _, part := range path {
		t.key = append(binary.AppendUvarint(t.key, uint64(len(part))), part...)
	}
	p, known := t.grades[string(t.key)]
	if !known {
		if p, _ = r.rules.Grade(root, path); len(t.grades) < maxAnswers && len(t.key) <= maxKey {
			t.grades[string(t.key)] = p
		}
	}
	return p
}
