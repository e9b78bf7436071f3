package engine

import (
	"strconv"
	"strings"
)

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
				vals = append(vals, v.objs[0].field(n).v)
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
				b.pos = append(b.pos, v.objs[0].field(n).v)
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
