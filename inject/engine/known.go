package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// known handles functions of the standard libraries whose result keeps structure
// or that call back.
func (r *run) known(name string, a args, s site) (*Value, bool) {
	switch r.now.Lang {
	case ir.Python:
		return r.knownPython(name, a, s)
	case ir.Java:
		return r.javaStatic(name, a, s)
	case ir.Go:
		return r.knownGo(name, a, s)
	case ir.JS:
	}
	if v, ok := r.knownObject(name, a, s); ok {
		return v, true
	}
	switch name {
	case "path.join", "path.resolve", "path.normalize", "path.posix.join", "path.posix.resolve", "path.posix.normalize",
		"fs.realpathSync", "fs.promises.realpath", "fs/promises.realpath", "path.win32.join", "path.win32.resolve":
		return r.joinedPath(a, s, true), true
	case "JSON.parse", "structuredClone":
		return r.sourced(a.at(0).all()), true
	case "util.inherits", "inherits", "tslib.__extends":
		r.inherits(a.at(0), a.at(1))
		return nullValue, true
	case "require", "__require", "import":
		return nil, true
	case "Promise":
		return r.promise(a, s), true
	case "Promise.resolve", "Symbol", "util.promisify", "Object", "__awaiter", "querystring.unescape":
		if name == "__awaiter" {
			return r.run1(a.at(3), s), true
		}
		return a.at(0), true
	case "Promise.all", "Promise.allSettled", "Array.from", "Array.of", "Array", "Set", "Uint8Array", "WeakSet":
		v := a.at(0)
		if name == "Array.from" && len(a.pos) > 1 {
			return r.callbackOr(v, "map", a.at(1), s), true
		}
		if v != nil && (len(v.objs) > 0 || len(v.taints) > 0) {
			return v, true
		}
		return &Value{objs: []*object{r.newObject(true)}}, true
	case "Promise.race", "Promise.any":
		return r.elem(a.at(0), s.pos), true
	case "Map", "WeakMap", "URLSearchParams", "Headers", "FormData":
		return r.newMap(a, s), true
	case "Error", "TypeError", "RangeError":
		o := r.newObject(false)
		o.put("message", a.at(0))
		return &Value{objs: []*object{o}}, true
	case "RegExp":
		if p, ok := a.at(0).single(); ok {
			flags, _ := a.at(1).single()
			return &Value{regexp: "/" + p + "/" + flags, ext: []string{"RegExp()"}}, true
		}
	case "setImmediate", "process.nextTick", "queueMicrotask", "setTimeout", "setInterval":
		r.run1(a.at(0), s)
		return plainValue, true
	}
	return nil, false
}

func (r *run) callbackOr(recv *Value, method string, f *Value, s site) *Value {
	if recv == nil {
		return nil
	}
	if v, ok := r.callbackMethod(recv, method, args{pos: []*Value{f}}, s); ok {
		return v
	}
	return recv
}

// promise runs the function of new Promise and gives what it settles with.
func (r *run) promise(a args, s site) *Value {
	held := &Value{objs: []*object{r.newObject(true)}}
	settle := &Value{proc: &partial{recv: held, name: "resolve"}}
	r.run1(a.at(0), s, settle, plainValue)
	if e := held.objs[0].elem; e != nil {
		return e.v
	}
	return nil
}

// newMap is a dictionary of pairs, or of what is in a text.
func (r *run) newMap(a args, s site) *Value {
	o := r.newObject(false)
	v := a.at(0)
	if v == nil {
		return &Value{objs: []*object{o}}
	}
	for _, from := range v.objs {
		for _, name := range from.order {
			pair := from.field(name).v
			if k, ok := r.field(pair, "0", 0).single(); ok {
				o.put(k, r.field(pair, "1", 0))
				continue
			}
			r.appendTo(o, r.field(pair, "1", 0))
		}
		if from.elem != nil {
			r.appendTo(o, r.field(from.elem.v, "1", 0))
		}
		if from.src != nil {
			o.src = from.src
		}
	}
	if len(v.taints) > 0 {
		o.src = v.taints[0].with(r.now, s.pos, "taken apart")
	}
	return &Value{objs: []*object{o}}
}

func (r *run) knownObject(name string, a args, s site) (*Value, bool) {
	member, ok := strings.CutPrefix(name, "Object.")
	if !ok {
		if member, ok = strings.CutPrefix(name, "Reflect."); !ok {
			return nil, false
		}
	}
	v := a.at(0)
	switch member {
	case "keys", "getOwnPropertyNames", "ownKeys":
		o := r.newObject(true)
		r.appendTo(o, r.key(v, s.pos))
		return &Value{objs: []*object{o}}, true
	case "values":
		o := r.newObject(true)
		r.appendTo(o, r.elem(v, s.pos))
		return &Value{objs: []*object{o}}, true
	case "entries":
		if v == nil {
			return nil, true
		}
		return r.dictOnly(v, "entries", a, s), true
	case "assign":
		for _, from := range a.pos[min(1, len(a.pos)):] {
			r.mergeInto(v, from, s)
		}
		return v, true
	case "fromEntries":
		return r.newMap(a, s), true
	case "freeze", "seal", "preventExtensions":
		return v, true
	case "setPrototypeOf":
		r.setPrototype(v, a.at(1))
		return v, true
	case "create":
		o := r.newObject(false)
		if v != nil && len(v.objs) > 0 {
			o.proto = r.protoOf(v)
		}
		return &Value{objs: []*object{o}}, true
	case "getPrototypeOf":
		return nil, true
	case "getOwnPropertyDescriptor":
		return nil, true
	case "defineProperty":
		r.defineProperty(v, a.at(1), a.at(2))
		return v, true
	case "get":
		return r.index(v, a.at(1), s.pos), true
	}
	return nil, false
}

func (r *run) dictOnly(v *Value, name string, a args, s site) *Value {
	out, _ := r.dictMethod(v, name, a, s)
	return out
}

func (r *run) mergeInto(v, from *Value, s site) {
	if v == nil || from == nil || len(v.objs) == 0 {
		return
	}
	for _, o := range from.objs {
		r.steps -= len(o.order) / 8
		for _, n := range o.order {
			r.setField(v, n, o.field(n).v)
		}
		for n, g := range o.getters {
			if len(v.objs) == 1 {
				v.objs[0].setGetter(n, g)
			}
		}
		if o.elem != nil {
			r.addElem(v, o.elem.v)
		}
		if o.src != nil && v.objs[0].src == nil {
			v.objs[0].src = o.src
		}
	}
	if len(from.taints) > 0 && v.objs[0].src == nil {
		v.objs[0].src = from.taints[0].with(r.now, s.pos, "copied into an object")
	}
}

func (r *run) defineProperty(v, key, descriptor *Value) {
	if v == nil || descriptor == nil {
		return
	}
	get := r.peek(descriptor, "get")
	value := r.peek(descriptor, "value")
	names := key.texts()
	if len(v.objs) == 0 && len(v.fns) == 1 {
		v = &Value{objs: []*object{v.fns[0].own()}}
	}
	for _, n := range names {
		if get != nil && len(get.fns) > 0 {
			for _, o := range v.objs {
				if len(names) == 1 || o.getters[n] == nil {
					o.setGetter(n, get.fns[0])
				}
			}
			continue
		}
		if value != nil {
			r.setField(v, n, value)
		}
	}
	if len(names) == 0 && value != nil {
		r.addElem(v, value)
	}
}

func (r *run) knownPython(name string, a args, s site) (*Value, bool) {
	v := a.at(0)
	switch name {
	case "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath":
		v := *r.joinedPath(a, s, false)
		v.ext, v.exact = []string{pathObject}, v.exact && len(v.taints) == 0
		return &v, true
	case "os.path.join":
		return r.joinedPath(a, s, false), true
	case "os.path.splitext": // the extension holds no separator
		o := r.newObject(true)
		o.tuple = true
		o.put("0", tainted(v.all()))
		o.put("1", masked(tainted(v.all()), r.only("injection/path")))
		return &Value{objs: []*object{o}}, true
	case "lxml.etree.XMLParser", "lxml.etree.ETCompatXMLParser": // what is set on it is asked at the sink
		o := r.newObject(false)
		for _, k := range a.kw {
			o.put(k.name, k.v)
		}
		return &Value{objs: []*object{o}, ext: []string{name + "()"}}, true
	case "os.path.realpath", "os.path.abspath", "os.path.normpath":
		return r.joinedPath(a, s, true), true
	case "json.loads", "json.load", "simplejson.loads", "orjson.loads", "ujson.loads", "ast.literal_eval", "copy.deepcopy", "copy.copy":
		if strings.HasPrefix(name, "copy.") {
			return v, true
		}
		return r.sourced(v.deep()), true
	case "dict", "collections.OrderedDict":
		o := r.newObject(false)
		r.spreadInto(o, v, s.pos)
		for _, k := range a.kw {
			o.put(k.name, k.v)
		}
		return &Value{objs: []*object{o}}, true
	case "list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "next", "collections.deque":
		if name == "next" {
			return r.elem(v, s.pos), true
		}
		if v == nil {
			return &Value{objs: []*object{r.newObject(true)}}, true
		}
		return v, true
	case "enumerate":
		return r.pairs(plainValue, r.elem(v, s.pos)), true
	case "zip":
		var list []*Value
		for _, x := range a.pos {
			list = append(list, r.elem(x, s.pos))
		}
		return r.pairs(list...), true
	case "map":
		o := r.newObject(true)
		r.appendTo(o, r.run1(v, s, r.elem(a.at(1), s.pos)))
		return &Value{objs: []*object{o}}, true
	case "filter":
		r.run1(v, s, r.elem(a.at(1), s.pos))
		return a.at(1), true
	case "getattr":
		out := r.index(v, a.at(1), s.pos)
		if len(a.pos) > 2 {
			out = join(out, a.at(2))
		}
		return out, true
	case "setattr":
		if k, ok := a.at(1).single(); ok {
			r.setField(v, k, a.at(2))
		} else {
			r.addElem(v, a.at(2))
		}
		return nullValue, true
	case "asyncio.run", "asyncio.create_task", "asyncio.wait_for", "typing.cast":
		if name == "typing.cast" {
			return a.at(1), true
		}
		return v, true
	case "asyncio.gather":
		o := r.newObject(true)
		for _, x := range a.pos {
			r.appendTo(o, x)
		}
		return &Value{objs: []*object{o}}, true
	case "functools.partial":
		out := &Value{}
		if v == nil {
			return nil, true
		}
		out.ext = v.ext
		for _, f := range v.fns {
			g := *f
			g.bound = append(slices.Clip(f.bound), a.pos[1:]...)
			out.fns = append(out.fns, &g)
		}
		return out, true
	case "re.compile":
		if p, ok := v.single(); ok {
			return &Value{regexp: "/" + p + "/", ext: []string{"RegExp()"}}, true
		}
	case "re.sub":
		if p, ok := v.single(); ok {
			return r.replaced("/"+p+"/", a.at(2), a.at(1), true), true
		}
		return tainted(a.at(2).all()), true
	case "re.match", "re.fullmatch", "re.search", "re.findall":
		pattern := ""
		if p, ok := v.single(); ok {
			pattern = "/" + p + "/"
		} else if v != nil {
			pattern = v.regexp
		}
		return r.matched(pattern, a.at(1), name == "re.fullmatch", name == "re.match"), true
	}
	return nil, false
}

// pairs is a list of lists.
func (r *run) pairs(vals ...*Value) *Value {
	pair := r.newObject(true)
	for i, v := range vals {
		pair.put(strconv.Itoa(i), v)
	}
	o := r.newObject(true)
	r.appendTo(o, &Value{objs: []*object{pair}})
	return &Value{objs: []*object{o}}
}

// joinedPath is a path of several parts; resolved says that no .. is left in it.
func (r *run) joinedPath(a args, s site, resolved bool) *Value {
	var vals []*Value
	for i, v := range a.all() {
		if i > 0 {
			vals = append(vals, text("/"))
		}
		vals = append(vals, v)
	}
	out := r.joined(vals, s.pos, false)
	if resolved {
		for i, t := range out.taints {
			u := *t
			u.Safe |= Resolved
			out.taints[i] = &u
		}
	}
	return out
}
