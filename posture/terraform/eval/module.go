package eval

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// A module is one instance of a declared directory: the root or a call.
type module struct {
	decl    *declared
	parent  *module
	address string            // "module.a.module.b[0]"
	given   map[string]*Value // inputs
	depth   int
	maybe   bool
	memo    map[string]*Value
	busy    map[string]bool
	defs    map[string]*resource
	remote  string // source of a module that is not here; decl is then empty
}

func (r *run) newModule(d *declared, parent *module, address string) *module {
	m := &module{decl: d, parent: parent, address: address, given: map[string]*Value{}, memo: map[string]*Value{},
		busy: map[string]bool{}, defs: map[string]*resource{}}
	if parent != nil {
		m.depth = parent.depth + 1
	}
	return m
}

func (m *module) prefix() string {
	if m.address == "" {
		return ""
	}
	return m.address + "."
}

// once evaluates what a name of the module stands for, once; a name that hangs on
// itself is unknown.
func (m *module) once(r *run, key string, pos Pos, f func() *Value) *Value {
	if v := m.memo[key]; v != nil {
		return v
	}
	if m.busy[key] {
		r.issue(pos, m.prefix()+key, "refers to itself", false)
		return unknown(pos)
	}
	m.busy[key] = true
	v := f()
	delete(m.busy, key)
	m.memo[key] = v
	return v
}

func (m *module) variable(r *run, name string, pos Pos) *Value {
	x := m.decl.vars[name]
	ref := Ref{Address: m.prefix() + "var." + name}
	if x == nil {
		return unknown(pos, ref)
	}
	return m.once(r, "var."+name, pos, func() *Value {
		v := m.given[name]
		if v == nil || v.Kind == Null && !x.nullable {
			if x.def == nil {
				v = unknown(pos, ref)
			} else {
				v = r.expr(x.def, &scope{mod: m, sealed: true, names: map[string]*Value{}})
			}
		}
		if m.parent == nil {
			v = asVariable(v, ref).through(x.info)
		}
		return v
	})
}

// asVariable makes the text of a variable of the root module a link to it.
func asVariable(v *Value, ref Ref) *Value {
	if s, ok := v.Text(); ok && v.Kind == String {
		return stringOf(v.Pos, []Part{{Text: s, Known: true, Ref: &ref}})
	}
	return v
}

func (m *module) local(r *run, name string, pos Pos) *Value {
	a, ok := m.decl.locals[name]
	if !ok {
		return unknown(pos, Ref{Address: m.prefix() + "local." + name})
	}
	return m.once(r, "local."+name, pos, func() *Value { return r.expr(a.expr, &scope{mod: m}) })
}

func (m *module) output(r *run, name string, pos Pos) *Value {
	a, ok := m.decl.outputs[name]
	if !ok {
		return unknown(pos, Ref{Address: m.address, Attr: name})
	}
	return m.once(r, "output."+name, pos, func() *Value { return r.expr(a.expr, &scope{mod: m}) })
}

// pathValue is path.module and its kin, relative to the root of the fs.
func (m *module) pathValue(name string, pos Pos) *Value {
	switch name {
	case "module":
		return text(pos, m.decl.dir)
	case "root", "cwd":
		root := m
		for root.parent != nil {
			root = root.parent
		}
		return text(pos, root.decl.dir)
	}
	return unknown(pos)
}

// child is module.name: an Instance, or a List or Map of them.
func (m *module) child(r *run, name string, pos Pos) *Value {
	b, ok := m.decl.calls[name]
	if !ok {
		return unknown(pos, Ref{Address: m.prefix() + "module." + name})
	}
	return m.once(r, "module."+name, pos, func() *Value {
		made := r.instances(m, b)
		return made.gather(b.pos, func(i instance) *Value { return r.call1(m, name, b, i) })
	})
}

// call1 makes one instance of a module call.
func (r *run) call1(m *module, name string, b block, i instance) *Value {
	address := m.prefix() + "module." + name + i.key
	source := ""
	if a, ok := b.body.attr("source"); ok {
		source, _ = r.expr(a.expr, &scope{sealed: true, names: map[string]*Value{}}).Text()
	}
	if r.modules++; r.modules > maxModules || m.depth >= maxCalls {
		r.issue(b.pos, address, "modules are nested too deeply or too many", false)
		return unknown(b.pos, Ref{Address: address})
	}
	child := r.newModule(&declared{}, m, address)
	child.maybe = m.maybe || i.maybe
	for k, a := range b.body.attrs {
		switch k {
		case "source", "version", "count", "for_each", "providers", "depends_on":
		default:
			child.given[k] = r.expr(a.expr, i.scope)
		}
	}
	d, why := r.moduleSource(m, source)
	if d == nil {
		r.issue(b.pos, address+" ("+source+")", why, why == refused)
		child.remote = source
		r.out.Calls = append(r.out.Calls, Call{address, source, b.pos, inputs(b, child), child.maybe})
	} else {
		child.decl = d
	}
	return &Value{Kind: Instance, Pos: b.pos, Refs: []Ref{{Address: address}}, mod: child, key: i.key, size: 1}
}

func inputs(b block, child *module) *Value {
	var fields []Field
	for _, k := range sortedKeys(child.given) {
		fields = append(fields, Field{k, b.body.attrs[k].pos, child.given[k]})
	}
	return mapOf(b.pos, fields)
}

const (
	refused = "a module outside the directory is not read"
	remote  = "a module that is not in the directory is not read"
)

// moduleSource finds the directory of a local module.
func (r *run) moduleSource(m *module, source string) (*declared, string) {
	if !local(source) {
		return nil, remote
	}
	dir := path.Join(m.decl.dir, source)
	if !fs.ValidPath(dir) {
		return nil, refused
	}
	d, err := r.declarations(dir)
	if err != nil || len(d.files) == 0 {
		return nil, "the module's directory is not there or has no configuration"
	}
	return d, ""
}

// An instance is one of those that count or for_each make.
type instance struct {
	key   string // as in an address: "", "[0]", "[\"k\"]"
	name  string // of a for_each entry
	scope *scope
	maybe bool
}

// instances are those of a block; form is "", "count" or "each".
type instanceSet struct {
	form string
	all  []instance
	open bool // there may be others
}

// gather builds what the name of the block stands for.
func (s instanceSet) gather(pos Pos, f func(instance) *Value) *Value {
	var all []*Value
	var fields []Field
	for _, i := range s.all {
		v := f(i)
		all = append(all, v)
		fields = append(fields, Field{i.name, pos, v})
	}
	switch {
	case s.form == "" && len(all) == 1:
		return all[0]
	case s.form == "each":
		return mapOf(pos, fields)
	}
	return list(pos, all)
}

// instances evaluates count and for_each.
func (r *run) instances(m *module, b block) instanceSet {
	if a, ok := b.body.attr("count"); ok {
		return r.counted(m, r.expr(a.expr, &scope{mod: m}), a.pos)
	}
	if a, ok := b.body.attr("for_each"); ok {
		return r.forEach(m, r.expr(a.expr, &scope{mod: m}), a.pos)
	}
	return instanceSet{all: []instance{{scope: &scope{mod: m}}}}
}

func (r *run) counted(m *module, v *Value, pos Pos) instanceSet {
	set := instanceSet{form: "count"}
	least, most := -1, 0
	for _, alt := range v.Alternatives() {
		n := 1
		if t, ok := alt.Text(); ok {
			f, err := strconv.ParseFloat(t, 64)
			if err == nil {
				n = int(max(0, min(f, 1e6)))
			}
			if least < 0 || n < least {
				least = n
			}
		} else {
			set.open = true
			least = 0
		}
		most = max(most, n)
	}
	if most > maxInstances {
		r.issue(pos, "count", "only the first "+strconv.Itoa(maxInstances)+" are looked at", false)
		most, set.open = maxInstances, true
	}
	for i := range most {
		n := number(pos, float64(i))
		s := (&scope{mod: m}).bind(map[string]*Value{"count": mapOf(pos, []Field{{"index", pos, n}})})
		set.all = append(set.all, instance{key: "[" + strconv.Itoa(i) + "]", scope: s, maybe: i >= least})
	}
	return set
}

func (r *run) forEach(m *module, v *Value, pos Pos) instanceSet {
	set := instanceSet{form: "each"}
	seen := map[string]bool{}
	add := func(name string, key, value *Value, maybe bool) {
		if seen[name] {
			return
		}
		if len(set.all) >= maxInstances {
			if !set.open {
				r.issue(pos, "for_each", "only the first "+strconv.Itoa(maxInstances)+" are looked at", false)
			}
			set.open = true
			return
		}
		seen[name] = true
		each := mapOf(pos, []Field{{"key", pos, key}, {"value", pos, value}})
		s := (&scope{mod: m}).bind(map[string]*Value{"each": each})
		set.all = append(set.all, instance{key: "[" + strconv.Quote(name) + "]", name: name, scope: s, maybe: maybe})
	}
	alts := v.Alternatives()
	for _, alt := range alts {
		switch alt.Kind {
		case Map:
			for _, f := range alt.Fields {
				add(f.Key, text(f.KeyPos, f.Key), f.Value, len(alts) > 1)
			}
		case List:
			for _, item := range alt.Items {
				add(strings.TrimSpace(item.Template()), item, item, len(alts) > 1)
			}
		default:
			ref := alt.Refs
			add("?", unknown(pos, ref...), unknown(pos, ref...), true)
			set.open = true
		}
	}
	return set
}
