package java

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
)

// field lowers getstatic, putstatic, getfield and putfield.
func (g *method) field(op, i int) {
	class, name, descriptor := g.class.file.Field(i)
	var v *ir.Expr
	if op == 0xb3 || op == 0xb5 {
		v = g.pop()
	}
	var place *ir.Expr
	switch {
	case op == 0xb4 || op == 0xb5:
		place = &ir.Expr{Op: ir.Field, Pos: g.pos, X: g.pop(), Name: name}
	case g.index.classes[class] != nil:
		place = &ir.Expr{Op: ir.Field, Pos: g.pos, X: g.imported(g.holder(class, name)), Name: name}
	default:
		place = &ir.Expr{Op: ir.Global, Pos: g.pos, Name: Dotted(class) + "." + name}
	}
	if v != nil {
		if place.Op == ir.Field {
			g.assign(place, v)
		}
		return
	}
	x := place
	if place.Op == ir.Field && plain(descriptor) {
		x = g.number()
	} else if place.Op == ir.Field {
		x = g.keep(place)
	}
	g.stack = append(g.stack, entry{x: x, wide: wide(descriptor)})
}

// holder is the class that has a static field: constants of interfaces are
// inherited too.
func (g *method) holder(class, _ string) string { return class }

func (g *method) imported(class string) *ir.Expr {
	return &ir.Expr{Op: ir.Import, Name: class, Pos: g.pos}
}

// create lowers new: own objects exist at once, others when their constructor runs.
func (g *method) create(class string) {
	v := g.read(g.fn.NewVar(""))
	if g.index.classes[class] != nil {
		g.assign(v, &ir.Expr{Op: ir.Call, Flags: ir.New, Pos: g.pos, X: g.imported(class)})
	}
	g.stack = append(g.stack, entry{x: v, made: class})
}

func (g *method) invoke(op, i int) {
	class, name, descriptor := g.class.file.Method(i)
	if name == "" {
		g.bad = true
		return
	}
	if class == "" {
		class = "java/lang/Object" // a method of an array
	}
	params, result := slots(descriptor)
	args := g.popN(len(params))
	if name == "<init>" {
		g.construct(class, descriptor, args)
		return
	}
	var recv *ir.Expr
	if op != 0xb8 {
		recv = g.pop()
	}
	x := g.call(class, name, descriptor, recv, args, op == 0xb7)
	g.result(x, result)
}

// result keeps what a call gives.
func (g *method) result(x *ir.Expr, t string) {
	if t == "V" {
		g.do(x)
		return
	}
	if x.Op != ir.Field || !isPure(x) {
		if plain(t) && x.Op == ir.Call {
			x.Flags |= ir.Plain
		}
		x = g.keep(x)
	}
	g.stack = append(g.stack, entry{x: x, wide: wide(t)})
}

func isPure(x *ir.Expr) bool {
	for x.Op == ir.Field {
		x = x.X
	}
	return x.Op == ir.Read
}

// construct runs a constructor for what new made, or that of a superclass.
func (g *method) construct(class, descriptor string, args []*ir.Expr) {
	e := g.popEntry()
	if g.index.classes[class] != nil {
		g.do(g.call(class, "<init>", descriptor, e.x, args, true))
	} else if e.made != "" {
		g.assign(e.x, &ir.Expr{Op: ir.Call, Flags: ir.New, Pos: g.pos, X: &ir.Expr{Op: ir.Global, Name: Dotted(class), Pos: g.pos}, Args: args})
	} else if len(args) > 0 {
		g.do(&ir.Expr{Op: ir.Call, Flags: ir.New, Pos: g.pos, X: &ir.Expr{Op: ir.Global, Name: Dotted(class), Pos: g.pos}, Args: args})
	}
	for i := range g.stack { // the object exists now
		if g.stack[i].x == e.x || g.stack[i].made != "" && g.stack[i].x.Var == e.x.Var {
			g.stack[i].made = ""
		}
	}
}

// eventTypes are the classes whose getters read fields of an event.
var eventTypes = []string{"com/amazonaws/services/lambda/runtime/events/", "com/amazonaws/services/s3/event/", "com/microsoft/azure/functions/HttpRequestMessage",
	"com/google/cloud/functions/HttpRequest", "io/cloudevents/CloudEvent", "javax/servlet/http/HttpServletRequest", "jakarta/servlet/http/HttpServletRequest",
	"software/amazon/awssdk/eventnotifications/s3/"}

// getter is the field that a method of an event's class reads, or "".
func getter(class, name string, args int) string {
	if args > 0 || !strings.HasPrefix(name, "get") || len(name) < 4 {
		return ""
	}
	for _, t := range eventTypes {
		if strings.HasPrefix(class, t) {
			switch name {
			case "getUrlDecodedKey":
				return "key"
			case "getQueryParameters":
				return "query"
			}
			return strings.ToLower(name[3:4]) + name[4:]
		}
	}
	return ""
}

// call makes the expression of a call. recv is nil for static methods; exact
// means the method of that class and no other.
func (g *method) call(class, name, descriptor string, recv *ir.Expr, args []*ir.Expr, exact bool) *ir.Expr {
	key := name + descriptor
	x := &ir.Expr{Op: ir.Call, Pos: g.pos, Args: args}
	if own := g.index.Declares(class, key); own != "" {
		switch {
		case recv == nil:
			x.X = &ir.Expr{Op: ir.Field, Pos: g.pos, X: g.imported(own), Name: key}
		case exact:
			x.X = &ir.Expr{Op: ir.Field, Pos: g.pos, X: recv, Name: own + "#" + key}
			x.Y = &ir.Expr{Op: ir.List, Args: []*ir.Expr{g.imported(own)}}
		default:
			x.X = &ir.Expr{Op: ir.Field, Pos: g.pos, X: recv, Name: key}
			x.Y = &ir.Expr{Op: ir.List}
			for _, t := range g.index.targets(class, key) {
				x.Y.Args = append(x.Y.Args, g.imported(t))
			}
		}
		return x
	}
	if g.index.classes[class] != nil {
		class = g.index.outside(class)
	}
	if recv == nil {
		x.X = &ir.Expr{Op: ir.Global, Pos: g.pos, Name: Dotted(class) + "." + name}
		return x
	}
	if f := getter(class, name, len(args)); f != "" {
		return &ir.Expr{Op: ir.Field, Pos: g.pos, X: recv, Name: f}
	}
	x.X = &ir.Expr{Op: ir.Field, Pos: g.pos, X: recv, Name: name}
	x.Y = &ir.Expr{Op: ir.Global, Pos: g.pos, Name: Dotted(class)}
	return x
}

// dynamic lowers invokedynamic: joined texts and functions. Others give nothing
// that is known.
func (g *method) dynamic(i int) {
	boot, name, descriptor := g.class.file.Dynamic(i)
	params, result := slots(descriptor)
	args := g.popN(len(params))
	var maker string
	var constants []int
	if boot >= 0 && boot < len(g.class.boot) {
		_, member := g.class.file.Handle(g.class.boot[boot].Method)
		class, method, _ := g.class.file.Method(member)
		maker, constants = class+"."+method, g.class.boot[boot].Arguments
	}
	switch maker {
	case "java/lang/invoke/StringConcatFactory.makeConcatWithConstants":
		if len(constants) > 0 {
			recipe, _ := g.class.file.Text(constants[0])
			g.result(g.concat(recipe, args, constants[1:]), result)
			return
		}
	case "java/lang/invoke/StringConcatFactory.makeConcat":
		g.result(&ir.Expr{Op: ir.Concat, Flags: ir.Formatted, Pos: g.pos, Args: args}, result)
		return
	case "java/lang/invoke/LambdaMetafactory.metafactory", "java/lang/invoke/LambdaMetafactory.altMetafactory":
		if len(constants) > 1 {
			g.result(g.lambda(name, args, constants), result)
			return
		}
	}
	if result != "V" {
		g.stack = append(g.stack, entry{x: g.expr(ir.Null), wide: wide(result)})
	}
}

// concat follows a recipe: \1 is an argument, \2 a constant, others are text.
func (g *method) concat(recipe string, args []*ir.Expr, constants []int) *ir.Expr {
	x := &ir.Expr{Op: ir.Concat, Flags: ir.Formatted, Pos: g.pos}
	text := ""
	flush := func() {
		if text != "" {
			x.Args = append(x.Args, &ir.Expr{Op: ir.Const, Name: text, Pos: g.pos})
			text = ""
		}
	}
	for _, c := range []byte(recipe) {
		switch {
		case c == 1 && len(args) > 0:
			flush()
			x.Args = append(x.Args, args[0])
			args = args[1:]
		case c == 2 && len(constants) > 0:
			s, _ := g.class.file.Text(constants[0])
			text += s
			constants = constants[1:]
		default:
			text += string([]byte{c})
		}
	}
	flush()
	return x
}

// lambda is a function that calls the method behind a lambda or method reference.
func (g *method) lambda(name string, captured []*ir.Expr, constants []int) *ir.Expr {
	kind, member := g.class.file.Handle(constants[1])
	class, method, descriptor := g.class.file.Method(member)
	all, _ := slots(descriptor)
	n := len(all)
	if kind != 6 && kind != 8 { // all but static and new have a receiver
		n++
	}
	fn := &ir.Func{Name: name, File: g.file, Outer: g.fn, Pos: g.pos}
	args := make([]*ir.Expr, 0, n)
	for _, c := range captured[:min(len(captured), n)] {
		args = append(args, g.keep(c))
	}
	for len(args) < n && len(args) < 300 {
		v := fn.NewVar("")
		fn.Params = append(fn.Params, ir.Param{Var: v})
		args = append(args, g.read(v))
	}
	inner := *g
	inner.fn, inner.out, inner.stack = fn, nil, nil
	var x *ir.Expr
	switch {
	case method == "":
		return g.expr(ir.Null)
	case kind == 8:
		inner.create(class)
		made := inner.stack[0]
		inner.construct(class, descriptor, args)
		_ = made
		inner.stack = nil
		x = made.x
	case kind == 6:
		x = inner.call(class, method, descriptor, nil, args, false)
	case len(args) > 0:
		x = inner.call(class, method, descriptor, args[0], args[1:], kind == 7)
	default:
		return g.expr(ir.Null)
	}
	fn.Body = append(inner.out, &ir.Stmt{Op: ir.Return, Pos: g.pos, X: x})
	return &ir.Expr{Op: ir.Closure, Fn: fn, Pos: g.pos}
}
