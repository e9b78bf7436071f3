package engine

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// containerMethod handles the methods of texts, lists, dictionaries and promises
// that languages have built in. false where the name is none of them or the
// value cannot have it.
func (r *run) containerMethod(recv *Value, name string, a args, s site) (*Value, bool) {
	holds := len(recv.objs) > 0 || len(recv.taints) > 0 || recv.exact || recv.prefix != "" || recv.led
	if v, ok := r.promiseMethod(recv, name, a, s); ok {
		return v, true
	}
	if recv.regexp != "" {
		return r.regexpMethod(recv, name, a)
	}
	if !holds {
		return nil, false
	}
	if v, ok := r.callbackMethod(recv, name, a, s); ok {
		return v, true
	}
	if v, ok := r.listMethod(recv, name, a, s); ok {
		return v, true
	}
	if v, ok := r.dictMethod(recv, name, a, s); ok {
		return v, true
	}
	return r.textMethod(recv, name, a, s)
}

// run1 calls every function a value may be with some arguments.
func (r *run) run1(f *Value, s site, vals ...*Value) *Value {
	if f == nil || len(f.fns)+len(f.ext) == 0 && f.proc == nil {
		return nil
	}
	return r.apply(f, nil, args{pos: vals}, site{pos: s.pos, fr: s.fr})
}

func (r *run) promiseMethod(recv *Value, name string, a args, s site) (*Value, bool) {
	f := a.at(0)
	callable := f != nil && (len(f.fns) > 0 || f.proc != nil)
	switch name {
	case "then":
		if !callable {
			if f == nil || len(f.ext) == 0 {
				return nil, false
			}
			return r.run1(f, s, recv), true
		}
		out := r.run1(f, s, recv)
		if g := a.at(1); g != nil && len(a.pos) > 1 {
			var w *Value
			r.fork(func() { w = r.run1(g, s, nil); r.dead = false }, func() {})
			out = join(out, w)
		}
		return out, true
	case "catch":
		if !callable {
			return nil, false
		}
		var w *Value
		r.fork(func() { w = r.run1(f, s, nil); r.dead = false }, func() {})
		return join(recv, w), true
	case "finally":
		if !callable {
			return nil, false
		}
		r.run1(f, s)
		return recv, true
	case "promise", "valueOf", "unref", "read", "transformToString", "transformToByteArray", "readlines":
		if len(recv.taints) > 0 || recv.sourced() {
			return recv, true
		}
	case "on", "once", "addListener":
		if g := a.at(1); g != nil && len(g.fns) > 0 && (len(recv.taints) > 0 || recv.sourced()) {
			v := recv
			r.fork(func() { r.run1(g, s, v); r.dead = false }, func() {})
			return recv, true
		}
	}
	return nil, false
}

// callbackMethod runs a function for each element.
func (r *run) callbackMethod(recv *Value, name string, a args, s site) (*Value, bool) {
	f := a.at(0)
	if f == nil || len(f.fns) == 0 && len(f.ext) == 0 {
		return nil, false
	}
	e := func() *Value { return r.elem(recv, s.pos) }
	each := func(vals ...*Value) *Value {
		var out *Value
		r.fork(func() { out = r.run1(f, s, vals...); r.dead = false }, func() {})
		return out
	}
	switch name {
	case "map", "flatMap", "mapValues":
		v := each(e(), plainValue, recv)
		o := r.newObject(true)
		if name == "flatMap" {
			if in := r.elem(v, s.pos); in != nil {
				v = in
			}
		}
		r.appendTo(o, v)
		return &Value{objs: []*object{o}}, true
	case "forEach", "some", "every", "findIndex", "findLastIndex":
		x := e()
		if len(recv.objs) == 1 && !recv.objs[0].list && recv.objs[0].src == nil {
			each(x, r.key(recv, s.pos), recv)
		} else {
			each(x, plainValue, recv)
		}
		return plainValue, true
	case "filter", "find", "findLast", "sort", "toSorted":
		x := e()
		kept := x
		each(x, x, recv)
		if (name == "filter" || name == "find") && len(f.fns) == 1 {
			if v, ok := r.kepts(f.fns[0], x); ok {
				kept = v
			}
		}
		if name == "find" || name == "findLast" {
			return kept, true
		}
		if name == "filter" && kept != x {
			o := r.newObject(true)
			r.appendTo(o, kept)
			return &Value{objs: []*object{o}}, true
		}
		return recv, true
	case "reduce", "reduceRight":
		acc := a.at(1)
		x := e()
		if len(a.pos) < 2 {
			acc = x
		}
		for range 2 {
			acc = join(acc, each(acc, x, plainValue, recv))
		}
		return acc, true
	case "replace", "replaceAll":
		if p := a.at(0); p != nil && p.regexp != "" {
			return nil, false
		}
	}
	return nil, false
}

func (r *run) listMethod(recv *Value, name string, a args, s site) (*Value, bool) {
	switch name {
	case "push", "unshift", "append", "appendleft", "add", "enqueue":
		if len(recv.objs) == 0 {
			return nil, false
		}
		for _, v := range a.all() {
			r.addElem(recv, v)
		}
		return recv, true
	case "insert":
		r.addElem(recv, a.at(1))
		return nullValue, len(recv.objs) > 0
	case "extend":
		r.addElem(recv, r.elem(a.at(0), s.pos))
		return nullValue, len(recv.objs) > 0
	case "splice":
		for _, v := range a.pos[min(2, len(a.pos)):] {
			r.addElem(recv, v)
		}
		return recv, true
	case "pop", "shift", "popleft", "at", "getItem":
		return r.elem(recv, s.pos), true
	case "slice", "reverse", "flat", "concat", "copy", "toReversed", "fill":
		if len(recv.objs) > 0 {
			out := recv
			for _, v := range a.pos {
				if name == "concat" {
					out = r.chained([]*Value{out, v})
				}
			}
			return out, true
		}
	case "join":
		if r.now.Lang == ir.Python {
			sep := a.at(0)
			out := r.joined([]*Value{r.firstOf(sep), {taints: sep.deep()}}, s.pos, false)
			return out, true
		}
		return r.joined([]*Value{r.firstOf(recv), {taints: recv.deep()}}, s.pos, false), true
	case "includes", "indexOf", "lastIndexOf", "has", "hasOwnProperty", "propertyIsEnumerable", "startsWith", "endsWith", "startswith",
		"endswith", "charCodeAt", "codePointAt", "localeCompare", "isdigit", "isalnum", "isalpha", "isnumeric", "isdecimal", "isidentifier",
		"isupper", "islower", "isspace", "index", "count", "rfind", "rindex", "__len__", "__contains__", "search", "test":
		return plainValue, true
	case "find":
		return plainValue, r.now.Lang == ir.Python
	}
	return nil, false
}

// firstOf is the first element of a list that was written down, for the start of
// a joined text.
func (r *run) firstOf(v *Value) *Value {
	if v == nil || len(v.objs) != 1 || v.objs[0].src != nil || len(v.objs[0].order) == 0 {
		return nil
	}
	return v.objs[0].field(v.objs[0].order[0]).v
}

func (r *run) dictMethod(recv *Value, name string, a args, s site) (*Value, bool) {
	switch name {
	case "get", "getlist", "getAll", "header", "param", "query":
		if len(a.pos) == 0 {
			break
		}
		if len(recv.objs) == 0 && len(recv.taints) == 0 {
			return nil, false
		}
		v := r.index(recv, a.at(0), s.pos)
		if len(a.pos) > 1 {
			v = join(v, a.at(1))
		}
		return v, true
	case "setdefault":
		v := join(r.index(recv, a.at(0), s.pos), a.at(1))
		return v, len(recv.objs) > 0
	case "set", "put":
		if len(a.pos) < 2 || len(recv.objs) == 0 {
			return nil, false
		}
		if k, ok := a.at(0).single(); ok {
			r.setField(recv, k, a.at(1))
		} else {
			r.addElem(recv, a.at(1))
		}
		return recv, true
	case "update":
		if len(recv.objs) == 0 {
			return nil, false
		}
		if v := a.at(0); v != nil {
			for _, o := range v.objs {
				for _, n := range o.order {
					r.mixField(recv, n, o.field(n).v)
				}
			}
			r.addElem(recv, tainted(v.all()))
		}
		for _, k := range a.kw {
			r.setField(recv, k.name, k.v)
		}
		return nullValue, true
	case "delete", "clear", "remove", "discard":
		return nullValue, len(recv.objs) > 0
	case "items", "entries":
		pair := r.newObject(true)
		pair.put("0", r.key(recv, s.pos))
		pair.put("1", r.elem(recv, s.pos))
		o := r.newObject(true)
		r.appendTo(o, &Value{objs: []*object{pair}})
		return &Value{objs: []*object{o}}, true
	case "values":
		o := r.newObject(true)
		r.appendTo(o, r.elem(recv, s.pos))
		return &Value{objs: []*object{o}}, true
	case "keys":
		o := r.newObject(true)
		r.appendTo(o, r.key(recv, s.pos))
		return &Value{objs: []*object{o}}, true
	}
	return nil, false
}

// textMethod handles the methods of texts that need care; others pass through.
func (r *run) textMethod(recv *Value, name string, a args, s site) (*Value, bool) {
	switch name {
	case "format", "format_map":
		head := recv.start()
		if i := strings.IndexByte(head, '{'); i >= 0 {
			head = head[:i]
		}
		vals := []*Value{text(head)}
		if len(recv.taints) > 0 || recv.sourced() {
			vals = append(vals, tainted(recv.all()))
		}
		return r.joined(append(vals, a.all()...), s.pos, false), true
	case "replace", "replaceAll", "sub":
		if p := a.at(0); p != nil && p.regexp != "" {
			return r.replaced(p.regexp, recv, a.at(1), name == "replaceAll"), true
		}
		if name == "replace" && recv.exact && len(recv.taints) == 0 && len(a.pos) == 2 && len(a.at(1).all()) > 0 {
			head := recv.start()
			if k, ok := a.at(0).single(); ok && k != "" {
				head, _, _ = strings.Cut(head, k)
			}
			return r.joined([]*Value{text(head), tainted(a.at(1).all())}, s.pos, false), true
		}
	case "match", "matchAll":
		if p := a.at(0); p != nil && p.regexp != "" {
			return r.matched(p.regexp, recv, false, false), true
		}
	case "toLowerCase", "toUpperCase", "trim", "trimStart", "trimEnd", "toString", "strip", "lower", "upper", "lstrip", "rstrip", "decode",
		"encode", "normalize", "title", "capitalize", "String", "toWellFormed":
		if name == "toString" && len(a.pos) == 1 && recv.plain {
			return plainValue, true
		}
		if recv.exact && len(recv.taints) == 0 || len(recv.objs) == 0 && len(recv.ext) == 0 {
			v := *recv
			if name != "toString" && name != "decode" && name != "encode" && name != "strip" && name != "trim" {
				v.exact, v.strs, v.prefix = false, nil, recv.start()
			}
			return &v, true
		}
	case "split", "substring", "substr", "slice", "charAt", "padStart", "padEnd", "rsplit", "partition", "splitlines":
		if recv.trusted() {
			return &Value{led: true}, true
		}
		return tainted(recv.all()), true
	case "concat":
		return r.joined(append([]*Value{recv}, a.pos...), s.pos, false), true
	}
	return nil, false
}
