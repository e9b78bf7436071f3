package engine

import (
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// typed calls a method whose class the code states: one of the program's (Y is a
// list of classes), or one outside (Y is its name).
func (r *run) typed(x *ir.Expr, fr *frame) *Value {
	recv := r.eval(x.X.X, fr)
	a := r.args(x.Args, fr)
	s := site{pos: x.Pos, expr: x, fr: fr, recv: recv}
	if x.Y.Op == ir.Global {
		if r.now.Lang == ir.Go {
			return r.goTyped(x.Y.Name, x.X.Name, recv, a, s)
		}
		return r.typedOutside(x.Y.Name, x.X.Name, recv, a, s)
	}
	return r.virtual(x, recv, a, s)
}

// virtual calls a method of the program: of the objects the receiver may be, or,
// where they are not known, of the classes that its type allows.
func (r *run) virtual(x *ir.Expr, recv *Value, a args, s site) *Value {
	var out *Value
	found := false
	add := func(v *Value) { out, found = join2Values(out, v, found), true }
	call := func(m, self *Value) {
		if v := bind(m, self); len(v.fns) > 0 {
			r.fork(func() { add(r.invokeAt(v.fns[0], self, a, s)); r.dead = r.dead && len(x.Y.Args) < 2 })
		}
	}
	name := x.X.Name
	if recv != nil {
		for _, o := range recv.objs {
			if o.cls == nil {
				continue
			}
			if m, _ := o.cls.find(name, 0); m != nil {
				call(m, &Value{objs: []*object{o}})
			}
		}
		for _, f := range recv.fns {
			if f.cls == nil && f.fn != nil && f.fn.Name == name[:max(strings.IndexByte(name, '('), 0)] { // a lambda
				add(r.invokeAt(f, nil, a, s))
			}
		}
	}
	if found {
		return out
	}
	for _, c := range x.Y.Args {
		v := r.eval(c, s.fr)
		if v == nil {
			continue
		}
		for _, f := range v.fns {
			if f.cls == nil {
				continue
			}
			if m, _ := f.cls.find(name, 0); m != nil {
				self := recv
				if recv == nil || len(recv.objs) == 0 && len(recv.taints) == 0 {
					o := r.newObject(false)
					o.cls = f.cls
					self = &Value{objs: []*object{o}}
				}
				call(m, self)
			}
		}
	}
	if !found {
		return r.through(a, recv)
	}
	return out
}

// typedOutside calls a method of a class outside of the program.
func (r *run) typedOutside(class, name string, recv *Value, a args, s site) *Value {
	lang := r.now.Lang
	full := class + "." + name
	r.sinks(full, a, s)
	if e, ok := r.rules.Entry(lang, full); ok {
		r.registerCall(e, a, s)
	}
	r.throwing(full, s)
	if r.rules.Clean(lang, full) {
		r.callbacks(a, nil)
		return plainValue
	}
	if e, ok := r.rules.Escape(lang, full); ok {
		return r.escaped(e, a, s)
	}
	if e, ok := r.rules.Schema(lang, full); ok {
		return r.validated(e, a, s)
	}
	if e, ok := r.rules.Fetch(lang, full); ok {
		if v := r.fetched(e, a, s); v != nil {
			return v
		}
	}
	if lang == ir.Java {
		if v, ok := r.javaMethod(class, name, recv, a, s); ok {
			return v
		}
	}
	if r.rules.Passes(lang, full) {
		a.pos = append([]*Value{recv}, a.pos...)
		return r.passedOn(a, s)
	}
	ts := recv.deep()
	result := tainted(ts)
	r.callbacks(a, result)
	out := &Value{}
	if result != nil {
		out.taints = r.moved(result, s.pos, "through "+name+"()").taints
	}
	if recv != nil {
		out.objs, out.fns = recv.objs, recv.fns
	}
	if strings.HasSuffix(class, "Builder") || strings.HasPrefix(name, "with") {
		for _, v := range a.all() {
			out.taints = union(out.taints, v.deep(), maxTaints, (*Taint).same)
		}
	}
	if len(full) < maxName {
		out.ext = []string{full + "()"}
	}
	return out
}

// throwing notes what a call makes sure of because it fails for other texts.
func (r *run) throwing(name string, s site) {
	g, ok := r.rules.Guard(r.now.Lang, name)
	if !ok || g.When != "throws" || s.expr == nil {
		return
	}
	i := g.Selector().Index
	if i < 0 || i >= len(s.expr.Args) {
		return
	}
	safe := g.Classes()
	if safe == 0 {
		safe = rules.All
	}
	place := bare(s.expr.Args[i])
	if v := r.quiet(place, s.fr); v != nil && !v.trusted() {
		w := masked(v, safe)
		w.guard = true
		r.assignPlace(place, w, s.fr)
	}
}

// built is the field that holds the text of a StringBuilder and the like.
const built = "$text"

// javaStatic handles static methods and constructors of the JDK and of JSON
// libraries whose results keep structure.
func (r *run) javaStatic(name string, a args, s site) (*Value, bool) {
	v := a.at(0)
	if s.new {
		return r.javaNew(name, a, s)
	}
	class, method := name[:max(strings.LastIndexByte(name, '.'), 0)], last(name)
	switch class {
	case "java.util.List", "java.util.Set", "java.util.Arrays", "java.util.stream.Stream", "java.util.Collections":
		switch method {
		case "of", "asList", "singletonList", "singleton", "copyOf", "unmodifiableList", "unmodifiableSet", "unmodifiableMap", "stream", "unmodifiableCollection":
			if v != nil && len(v.objs) > 0 && len(a.pos) == 1 && v.objs[0].cls == nil && (v.objs[0].src == nil || method != "of") {
				return v, true
			}
			o := r.newObject(true)
			for _, e := range a.pos {
				o.put(strconv.Itoa(o.next), e)
				o.next++
			}
			return &Value{objs: []*object{o}}, true
		}
	case "java.util.Map":
		o := r.newObject(false)
		for i := 0; i+1 < len(a.pos); i += 2 {
			if k, ok := a.pos[i].single(); ok {
				o.put(k, a.pos[i+1])
			} else {
				r.appendTo(o, a.pos[i+1])
			}
		}
		if method == "of" {
			return &Value{objs: []*object{o}}, true
		}
	case "java.util.Optional", "java.util.Objects":
		switch method {
		case "of", "ofNullable", "requireNonNull":
			return v, true
		case "requireNonNullElse", "toString":
			return join(v, a.at(1)), true
		}
	case "java.lang.String":
		switch method {
		case "format":
			return r.formatted(v, &args{pos: a.pos[min(1, len(a.pos)):]}, s), true
		case "join":
			return r.joined([]*Value{r.firstOf(a.at(1)), {taints: (&Value{objs: listObjs(a.pos[min(1, len(a.pos)):])}).deep()}, {taints: deepAll(a.pos)}}, s.pos, false), true
		case "valueOf", "copyValueOf":
			return r.asText(v), true
		}
	case "java.util.regex.Pattern":
		switch method {
		case "compile":
			if p, ok := v.single(); ok {
				return &Value{regexp: "/" + p + "/", ext: []string{"java.util.regex.Pattern"}}, true
			}
		case "matches":
			return plainValue, true
		}
	case "java.nio.file.Paths", "java.nio.file.Path":
		return r.pathOf(a, s), true
	case "java.util.concurrent.CompletableFuture":
		return r.run1(v, s), true
	}
	switch method {
	case "newInstance", "newFactory", "newDefaultInstance", "newDefaultFactory": // what is set on a factory is seen again
		return &Value{objs: []*object{r.newObject(false)}, ext: []string{name + "()"}}, true
	}
	if jsonReader(name) {
		return r.sourced(v.deep()), true
	}
	return nil, false
}

func listObjs(vals []*Value) []*object {
	var out []*object
	for _, v := range vals {
		if v != nil {
			out = append(out, v.objs...)
		}
	}
	return out
}

func deepAll(vals []*Value) []*Taint {
	var out []*Taint
	for _, v := range vals {
		out = union(out, v.deep(), maxTaints, (*Taint).same)
	}
	return out
}

// asText is a value as the text it is printed as.
func (r *run) asText(v *Value) *Value {
	if v == nil {
		return nil
	}
	if t := r.peek(v, built); t != nil {
		return t
	}
	if len(v.objs) == 0 {
		return v
	}
	return tainted(v.deep())
}

// formatted is String.format: the text up to the first % leads.
func (r *run) formatted(format *Value, a *args, s site) *Value {
	head, _, _ := strings.Cut(format.start(), "%")
	vals := []*Value{text(head), tainted(format.all())}
	for _, v := range a.pos {
		if v != nil && len(v.objs) == 1 && v.objs[0].list { // the array of varargs
			for _, n := range v.objs[0].order {
				vals = append(vals, v.objs[0].fields[n].v)
			}
			continue
		}
		vals = append(vals, v)
	}
	out := r.joined(vals, s.pos, false)
	out.exact, out.strs, out.prefix, out.led = false, nil, head, head == ""
	if len(out.taints) == 0 {
		out.led = true
	} else if head == "" {
		out.led = false
	}
	return out
}

func jsonReader(name string) bool {
	switch last(name) {
	case "readValue", "readTree", "convertValue", "fromJson", "parseObject", "parseReader", "parseString", "readObject", "JSONObject", "JSONArray", "fromJsonString":
		for _, p := range []string{"com.fasterxml.jackson.", "tools.jackson.", "com.google.gson.", "org.json.", "com.alibaba.fastjson", "jakarta.json.", "javax.json.", "org.json.simple."} {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
	}
	return false
}

func (r *run) pathOf(a args, s site) *Value {
	b := args{}
	for _, v := range a.pos {
		if v != nil && len(v.objs) == 1 && v.objs[0].list {
			for _, n := range v.objs[0].order {
				b.pos = append(b.pos, v.objs[0].fields[n].v)
			}
			continue
		}
		b.pos = append(b.pos, v)
	}
	return r.joinedPath(b, s, false)
}

// javaNew makes objects of the JDK.
func (r *run) javaNew(name string, a args, s site) (*Value, bool) {
	v := a.at(0)
	switch name {
	case "java.lang.StringBuilder", "java.lang.StringBuffer", "java.io.StringWriter", "java.util.StringJoiner", "java.io.ByteArrayOutputStream":
		o := r.newObject(false)
		t := text("")
		if v != nil && !v.plain && name != "java.util.StringJoiner" {
			t = r.asText(v)
		}
		o.put(built, t)
		return &Value{objs: []*object{o}}, true
	case "java.lang.String":
		return r.asText(v), true
	case "java.io.File":
		return r.pathOf(a, s), true
	case "org.yaml.snakeyaml.Yaml":
		o := r.newObject(false)
		if v != nil && len(v.ext) > 0 && strings.Contains(v.ext[0], "SafeConstructor") {
			o.put("$safe", &Value{plain: true, exact: true, strs: []string{"true"}})
		}
		return &Value{objs: []*object{o}}, true
	}
	if strings.HasPrefix(name, "java.util.") && (strings.HasSuffix(name, "List") || strings.HasSuffix(name, "Set") || strings.HasSuffix(name, "Map") ||
		strings.HasSuffix(name, "Deque") || strings.HasSuffix(name, "Queue")) {
		o := r.newObject(!strings.HasSuffix(name, "Map"))
		if v != nil && len(v.objs) > 0 {
			if strings.HasSuffix(name, "Map") {
				r.spreadInto(o, v, s.pos)
			} else {
				r.appendTo(o, r.elem(v, s.pos))
			}
		}
		return &Value{objs: []*object{o}}, true
	}
	if jsonReader(name) && v != nil && len(v.deep()) > 0 {
		return r.sourced(v.deep()), true
	}
	return nil, false
}

// javaMethod handles methods of the JDK whose results keep structure.
func (r *run) javaMethod(class, name string, recv *Value, a args, s site) (*Value, bool) {
	if recv == nil {
		recv = &Value{}
	}
	switch {
	case class == "java.util.Optional":
		return r.optional(name, recv, a, s), true
	case strings.HasPrefix(class, "java.util.function.") || class == "java.util.concurrent.Callable" || class == "java.lang.Runnable":
		if len(recv.fns) > 0 {
			return r.apply(recv, nil, a, s), true
		}
	case class == "java.util.regex.Pattern" && name == "matcher":
		return &Value{ext: []string{"java.util.regex.Matcher"}, taints: r.matched(recv.regexpOr(), a.at(0), false, false).taints}, true
	case jsonReader(class + "." + name):
		if ts := a.at(0).deep(); len(ts) > 0 {
			return r.sourced(ts), true
		}
	case class == "java.util.concurrent.CompletableFuture":
		if len(a.pos) == 1 && a.at(0) != nil && len(a.at(0).fns) > 0 {
			return r.run1(a.at(0), s, recv), true
		}
		return recv, true
	}
	if v, ok := r.javaText(class, name, recv, a, s); ok {
		return v, true
	}
	if v, ok := r.javaPath(class, name, recv, a); ok {
		return v, true
	}
	if strings.HasPrefix(class, "java.util.") {
		return r.javaContainer(name, recv, a, s)
	}
	if name == "stream" || name == "iterator" {
		return recv, true
	}
	return r.javaBean(class, name, recv, a, s)
}

func (v *Value) regexpOr() string {
	if v == nil || v.regexp == "" {
		return "/"
	}
	return v.regexp
}

// javaBean reads and writes fields by getters and setters.
func (r *run) javaBean(class, name string, recv *Value, a args, s site) (*Value, bool) {
	switch {
	case len(a.pos) == 1 && len(name) > 4 && (strings.HasPrefix(name, "with") || strings.HasPrefix(name, "set")) && strings.Contains(class, "lambda.runtime.events."):
		f := strings.TrimPrefix(strings.TrimPrefix(name, "with"), "set")
		r.setField(recv, strings.ToLower(f[:1])+f[1:], a.at(0))
		return recv, true
	case r.harden(name, recv, a):
		return recv, true
	case recv.trusted() || len(recv.deep()) == 0:
		return nil, false
	}
	if len(a.pos) >= 1 && (strings.HasPrefix(name, "get") || strings.HasPrefix(name, "opt") || name == "path" || name == "at" || name == "findValue" || name == "has") {
		if _, ok := a.at(0).single(); ok {
			return r.index(recv, a.at(0), s.pos), true
		}
		return r.elem(recv, s.pos), true
	}
	if len(a.pos) == 0 && strings.HasPrefix(name, "get") && len(name) > 3 && recv.sourced() && !strings.HasPrefix(class, "java.") {
		return r.field(recv, strings.ToLower(name[3:4])+name[4:], s.pos), true
	}
	return nil, false
}

func (r *run) optional(name string, recv *Value, a args, s site) *Value {
	f := a.at(0)
	switch name {
	case "map", "flatMap":
		return r.run1(f, s, recv)
	case "filter":
		if f != nil && len(f.fns) == 1 {
			if v, ok := r.kepts(f.fns[0], recv); ok {
				return v
			}
		}
		return recv
	case "orElse":
		return join(recv, f)
	case "orElseGet":
		return join(recv, r.run1(f, s))
	case "ifPresent", "ifPresentOrElse":
		r.fork(func() { r.run1(f, s, recv); r.dead = false }, func() {})
		return plainValue
	case "isPresent", "isEmpty":
		return plainValue
	}
	return recv
}

// javaText handles builders of texts and texts.
func (r *run) javaText(class, name string, recv *Value, a args, s site) (*Value, bool) {
	if t := r.peek(recv, built); t != nil && len(recv.objs) > 0 && recv.objs[0].field(built) != nil {
		switch name {
		case "append", "insert", "add", "write", "replace":
			vals := []*Value{t}
			for _, v := range a.all() {
				vals = append(vals, r.asText(v))
			}
			r.setField(recv, built, r.joined(vals, s.pos, false))
			return recv, true
		case "toString", "substring", "toByteArray":
			return t, true
		}
		return recv, true
	}
	if class != "java.lang.String" && class != "java.lang.Object" && class != "java.lang.CharSequence" {
		return nil, false
	}
	switch name {
	case "toString", "trim", "strip", "intern", "getBytes", "toLowerCase", "toUpperCase", "toCharArray", "subSequence", "stripLeading", "stripTrailing", "repeat":
		return r.asText(recv), true
	case "concat":
		return r.joined([]*Value{recv, a.at(0)}, s.pos, false), true
	case "formatted":
		return r.formatted(recv, &a, s), true
	case "replaceAll", "replaceFirst":
		if p, ok := a.at(0).single(); ok {
			return r.replaced("/"+p+"/", recv, a.at(1), name == "replaceAll"), true
		}
	case "split", "lines":
		o := r.newObject(true)
		r.appendTo(o, tainted(recv.all()))
		return &Value{objs: []*object{o}}, true
	case "replace":
		return r.joined([]*Value{recv, a.at(1)}, s.pos, false), true
	}
	return nil, false
}

// javaPath marks paths from which .. was taken out.
func (r *run) javaPath(class, name string, recv *Value, a args) (*Value, bool) {
	if class != "java.io.File" && class != "java.nio.file.Path" {
		return nil, false
	}
	switch name {
	case "normalize", "toRealPath", "getCanonicalPath", "getCanonicalFile":
		v := *recv
		v.taints = nil
		for _, t := range recv.all() {
			u := *t
			u.Safe |= Resolved
			v.taints = append(v.taints, &u)
		}
		return &v, true
	case "resolve", "resolveSibling":
		return r.joined([]*Value{recv, text("/"), a.at(0)}, 0, false), true
	case "toFile", "toPath", "toString", "getPath", "getAbsolutePath", "toAbsolutePath", "getAbsoluteFile", "toURI", "toUri":
		return recv, true
	}
	return nil, false
}

func (r *run) javaContainer(name string, recv *Value, a args, s site) (*Value, bool) {
	switch name {
	case "getOrDefault":
		name = "get"
	case "addAll":
		name = "extend"
	case "putAll":
		r.mergeInto(recv, a.at(0), s)
		return nullValue, true
	case "offer", "addFirst", "addLast", "push", "offerLast":
		name = "add"
	case "putIfAbsent", "computeIfAbsent":
		name = "put"
		if v := a.at(1); v != nil && len(v.fns) > 0 {
			a.pos[1] = r.run1(v, s, a.at(0))
		}
		r.dictOnly(recv, name, a, s)
		return join(r.index(recv, a.at(0), s.pos), a.at(1)), true
	case "keySet":
		name = "keys"
	case "entrySet":
		name = "entries"
	case "getKey":
		return r.field(recv, "0", s.pos), true
	case "getValue":
		return r.field(recv, "1", s.pos), true
	case "stream", "iterator", "parallelStream", "toList", "sorted", "distinct", "limit", "skip", "boxed", "peek", "subList", "listIterator", "unordered", "sequential", "parallel":
		return recv, true
	case "toArray":
		return recv, true
	case "next", "findFirst", "findAny", "poll", "peekFirst", "element", "getFirst", "getLast", "removeFirst", "pollFirst", "nextElement", "nextLine":
		if len(recv.objs) > 0 {
			return r.elem(recv, s.pos), true
		}
	case "collect":
		if v := a.at(0); v != nil && len(v.ext) > 0 && strings.Contains(v.ext[0], "joining") {
			return r.joined([]*Value{{taints: recv.deep()}}, s.pos, false), true
		}
		return recv, true
	case "mapToObj":
		name = "map"
	case "anyMatch", "allMatch", "noneMatch":
		name = "some"
	}
	return r.containerMethod(recv, name, a, s)
}

// javaFacts: questions that methods of the JDK answer.
func (r *run) javaFacts(x *ir.Expr, fr *frame, truth bool) ([]fact, bool) {
	recv := x.X.X
	name := x.X.Name
	switch name {
	case "equals", "equalsIgnoreCase", "contentEquals":
		if truth && len(x.Args) == 1 {
			return r.equalFacts(bare(recv), bare(x.Args[0]), fr), true
		}
		return nil, true
	case "containsKey":
		if truth && len(x.Args) == 1 && r.quietTrusted(recv, fr) {
			return []fact{{place: bare(x.Args[0]), safe: rules.All}}, true
		}
		return nil, true
	case "matches", "find", "lookingAt":
		if !truth {
			return nil, true
		}
		if len(x.Args) == 1 && recv != nil { // text.matches(pattern)
			if p, ok := r.eval(x.Args[0], fr).single(); ok {
				return []fact{{place: bare(recv), safe: r.harmless("/"+p+"/", true, false)}}, true
			}
			return nil, true
		}
		q := r.askedOf(recv, fr)
		if q == nil || q.X == nil || q.X.Op != ir.Field || q.X.Name != "matcher" || len(q.Args) != 1 {
			return nil, true
		}
		p := r.eval(r.origin(q.X.X, fr), fr)
		if p == nil || p.regexp == "" {
			return nil, true
		}
		return []fact{{place: bare(q.Args[0]), safe: r.harmless(p.regexp, name == "matches", name == "lookingAt")}}, true
	case "startsWith":
		if !truth || len(x.Args) != 1 {
			return nil, true
		}
		facts := r.prefixFacts(x, fr, truth, bare(recv), x.Args[0])
		if q := r.askedOf(recv, fr); q != nil && q.X != nil && q.X.Op == ir.Field && len(facts) == 1 && isPlace(q.X.X) {
			facts = append(facts, fact{place: q.X.X, safe: facts[0].safe})
		}
		return facts, true
	}
	return nil, false
}

func (r *run) origin(x *ir.Expr, _ *frame) *ir.Expr { return x }

// askedOf is the call whose result a variable holds, or the call itself.
func (r *run) askedOf(x *ir.Expr, fr *frame) *ir.Expr {
	if x.Op == ir.Call {
		return x
	}
	if x.Op != ir.Read {
		return nil
	}
	if c := cellOf(x.Var, fr); c != nil {
		if q := r.asked[c]; q.value != nil && q.value == c.v {
			return q.x
		}
	}
	return nil
}
