package engine

import (
	"strings"
)

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
