package engine

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/rules"
)

// goTyped calls a method of a value of an outside type.
func (r *run) goTyped(class, name string, recv *Value, a args, s site) *Value {
	if recv == nil || recv == nullValue || len(recv.objs)+len(recv.taints)+len(recv.ext)+len(recv.fns) == 0 && recv.regexp == "" {
		return r.outside(class+"."+name, recv, a, s)
	}
	if len(recv.ext) == 0 && !isBuilder(recv) {
		r.sinks(class+"."+name, a, s)
	}
	return r.method(recv, name, a, s)
}

func isBuilder(v *Value) bool {
	return v != nil && len(v.objs) > 0 && v.objs[0].field(built) != nil
}

// pick is one of several results of a call.
func (r *run) pick(v *Value, n string) *Value {
	if v == nil {
		return nil
	}
	var out *Value
	for _, o := range v.objs {
		if o.tuple {
			if c := o.field(n); c != nil {
				out = some(out, c.v)
			}
		}
	}
	switch {
	case out != nil:
		return out
	case n == "0":
		return v
	}
	return tainted(v.taints)
}

// knownGo handles functions of the standard library whose result keeps structure.
func (r *run) knownGo(name string, a args, s site) (*Value, bool) {
	v := a.at(0)
	if s.new {
		if name == "strings.Builder" || name == "bytes.Buffer" {
			o := r.newObject(false)
			o.put(built, text(""))
			return &Value{objs: []*object{o}, ext: []string{name}}, true
		}
		return external(name), true
	}
	switch name {
	case "fmt.Sprintf", "fmt.Errorf":
		if v == nil {
			return nil, true
		}
		b := args{pos: a.pos[min(1, len(a.pos)):]}
		if a.spread != nil {
			b.pos = append(b.pos, a.spread)
		}
		return r.formatted(v, &b, s), true
	case "fmt.Sprint", "fmt.Sprintln":
		return r.joined(a.all(), s.pos, false), true
	case "fmt.Fprintf", "fmt.Fprint", "fmt.Fprintln", "io.WriteString":
		if isBuilder(v) {
			r.setField(v, built, r.joined(append([]*Value{r.peek(v, built)}, a.pos[1:]...), s.pos, false))
		}
		return plainValue, true
	case "encoding/json.Unmarshal", "gopkg.in/yaml.v3.Unmarshal", "gopkg.in/yaml.v2.Unmarshal", "encoding/xml.Unmarshal":
		r.fill(1, r.sourced(v.deep()), s)
		return plainValue, true
	case "encoding/json.NewDecoder", "encoding/xml.NewDecoder", "bufio.NewScanner", "bufio.NewReader":
		return &Value{ext: []string{name + "()"}, taints: v.deep()}, true
	case "encoding/json.NewDecoder().Decode", "encoding/xml.NewDecoder().Decode":
		r.fill(0, r.sourced(s.recv.deep()), s)
		return plainValue, true
	case "regexp.MustCompile", "regexp.Compile":
		if p, ok := v.single(); ok {
			return &Value{regexp: "/" + p + "/", ext: []string{"regexp.Regexp"}}, true
		}
	case "path/filepath.Join", "path.Join", "path/filepath.Clean", "path.Clean", "path/filepath.Abs", "path/filepath.EvalSymlinks":
		return r.joinedPath(a, s, true), true
	case "strings.Split", "strings.Fields", "strings.SplitN":
		o := r.newObject(true)
		r.appendTo(o, tainted(v.all()))
		return &Value{objs: []*object{o}}, true
	case "strings.Join":
		return r.joined([]*Value{r.firstOf(v), {taints: v.deep()}, {taints: a.at(1).all()}}, s.pos, false), true
	case "github.com/aws/aws-sdk-go-v2/aws.String", "github.com/aws/aws-sdk-go/aws.String", "github.com/aws/aws-sdk-go-v2/aws.ToString", "github.com/aws/aws-sdk-go/aws.StringValue":
		return v, true
	}
	return r.goMethod(name, a, s)
}

// goMethod handles methods of values that are known by the name of their type.
func (r *run) goMethod(name string, a args, s site) (*Value, bool) {
	switch last(name) {
	case "WriteString", "Write", "WriteByte", "WriteRune":
		if isBuilder(s.recv) {
			r.setField(s.recv, built, r.joined(append([]*Value{r.peek(s.recv, built)}, a.pos...), s.pos, false))
			return plainValue, true
		}
	case "String", "Bytes":
		if isBuilder(s.recv) {
			return r.peek(s.recv, built), true
		}
	case "ReplaceAllString":
		if s.recv != nil && s.recv.regexp != "" {
			return r.replaced(s.recv.regexp, a.at(0), a.at(1), true), true
		}
	case "MatchString", "Match":
		return plainValue, true
	}
	return nil, false
}

// fill gives the variable that an argument points to what a decoder found.
func (r *run) fill(i int, v *Value, s site) {
	if v == nil || s.expr == nil || i >= len(s.expr.Args) {
		return
	}
	place := bare(s.expr.Args[i])
	if old := r.quiet(place, s.fr); old != nil {
		for _, o := range old.objs {
			if o.cls != nil {
				for _, n := range v.objs {
					n.cls = o.cls
				}
			}
		}
	}
	r.assignPlace(place, v, s.fr)
}

// goFacts: questions that functions of the standard library answer.
func (r *run) goFacts(x *ir.Expr, fr *frame, truth bool) ([]fact, bool) {
	arg := func(i int) *ir.Expr {
		if i < len(x.Args) {
			return bare(x.Args[i])
		}
		return nil
	}
	if x.X.Op == ir.Field && (x.X.Name == "MatchString" || x.X.Name == "Match") && isPlace(x.X.X) {
		p := r.eval(x.X.X, fr)
		if !truth || p == nil || p.regexp == "" || arg(0) == nil {
			return nil, true
		}
		return []fact{{place: arg(0), safe: r.harmless(p.regexp, false, false)}}, true
	}
	if x.X.Op != ir.Global || len(x.Args) < 2 {
		return nil, false
	}
	switch x.X.Name {
	case "regexp.MatchString":
		if p, ok := r.eval(x.Args[0], fr).single(); ok && truth {
			return []fact{{place: arg(1), safe: r.harmless("/"+p+"/", false, false)}}, true
		}
		return nil, true
	case "slices.Contains":
		if truth && r.quietTrusted(x.Args[0], fr) {
			return []fact{{place: arg(1), safe: rules.All}}, true
		}
		return nil, true
	case "strings.Contains":
		if s, ok := constText(x.Args[1]); ok && !truth && strings.Contains(s, "..") {
			return []fact{{place: arg(0), safe: r.only("injection/path")}}, true
		}
		return nil, true
	case "strings.HasPrefix":
		if !truth {
			return nil, true
		}
		asked := &ir.Expr{Op: ir.Call, Pos: x.Pos, X: &ir.Expr{Op: ir.Field, X: x.Args[0], Name: "startsWith"}, Args: x.Args[1:]}
		return r.prefixFacts(asked, fr, truth, arg(0), x.Args[1]), true
	}
	return nil, false
}
