// Package java reads the class files of a function and lowers them to ir: each
// method's operand stack is followed once, its blocks become a Graph. Calls of
// classes that are not the function's own keep the class that the code states, so
// that rules can name them. It loads and runs nothing.
package java

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/internal/classfile"
)

// Limits of one class.
const (
	maxMethods = 4000
	maxBlocks  = 3000 // of one method
	// rows of the tables of one method
	maxHandlers = 500
	maxLocals   = 1000
	maxTargets  = 8 // classes that one call may mean
)

// A Class is what is known of a class without its code.
type Class struct {
	Name       string // "com/acme/Handler"
	Super      string
	Interfaces []string
	Abstract   bool
	// Methods are those it has, by name and descriptor: "run(I)V".
	Methods map[string]*classfile.Method
	file    *classfile.File
	boot    []classfile.Bootstrap
	damaged bool
	below   []string
}

// An Index knows a program's own classes.
type Index struct {
	classes map[string]*Class
	names   []string
}

const (
	accStatic    = 0x0008
	accInterface = 0x0200
	accAbstract  = 0x0400
	accSynthetic = 0x1000
)

// Read indexes one class. The error is about bytes that are no class file.
func Read(data []byte) (*Class, error) {
	f, err := classfile.Parse(data)
	if err != nil {
		return nil, err
	}
	c := &Class{Name: f.Name(), Super: f.Super(), Interfaces: f.Interfaces(), Abstract: f.Access()&(accAbstract|accInterface) != 0,
		Methods: map[string]*classfile.Method{}, file: f}
	methods, boot, ok := f.Detail()
	c.damaged = !ok || len(methods) > maxMethods
	c.boot = boot
	for i := range methods[:min(len(methods), maxMethods)] {
		m := &methods[i]
		c.Methods[m.Name+m.Descriptor] = m
	}
	return c, nil
}

// NewIndex joins classes; of two with one name the first counts.
func NewIndex(classes []*Class) *Index {
	x := &Index{classes: map[string]*Class{}}
	for _, c := range classes {
		if x.classes[c.Name] == nil && c.Name != "" {
			x.classes[c.Name] = c
			x.names = append(x.names, c.Name)
		}
	}
	slices.Sort(x.names)
	for _, name := range x.names {
		c := x.classes[name]
		for _, up := range append([]string{c.Super}, c.Interfaces...) {
			if s := x.classes[up]; s != nil {
				s.below = append(s.below, name)
			}
		}
	}
	return x
}

// Names are the names of the classes, sorted.
func (x *Index) Names() []string { return x.names }

// Class finds a class by name, or nil.
func (x *Index) Class(name string) *Class { return x.classes[name] }

// Above lists what a class extends and implements, nearest first, with those
// outside of the program.
func (x *Index) Above(name string) []string {
	var out []string
	todo := []string{name}
	for len(todo) > 0 && len(out) < 200 {
		c := x.classes[todo[0]]
		todo = todo[1:]
		if c == nil {
			continue
		}
		for _, up := range append([]string{c.Super}, c.Interfaces...) {
			if up != "" && !slices.Contains(out, up) {
				out = append(out, up)
				todo = append(todo, up)
			}
		}
	}
	return out
}

// Declares finds the class of the program that has a method which a call on a
// class means, or "" when it is outside.
func (x *Index) Declares(class, key string) string {
	for _, name := range append([]string{class}, x.Above(class)...) {
		if c := x.classes[name]; c != nil && c.Methods[key] != nil {
			return name
		}
	}
	return ""
}

// outside is the first class above one that is not the program's, for calls of
// inherited methods.
func (x *Index) outside(class string) string {
	for _, name := range append([]string{class}, x.Above(class)...) {
		if x.classes[name] == nil && name != "java/lang/Object" {
			return name
		}
	}
	return class
}

// targets are the classes whose objects a call on a class may reach.
func (x *Index) targets(class, key string) []string {
	var out []string
	seen := map[string]bool{}
	todo := []string{class}
	for len(todo) > 0 && len(out) < maxTargets && len(seen) < 500 {
		name := todo[0]
		todo = todo[1:]
		c := x.classes[name]
		if c == nil || seen[name] {
			continue
		}
		seen[name] = true
		if !c.Abstract && x.Declares(name, key) != "" {
			out = append(out, name)
		}
		todo = append(todo, c.below...)
	}
	if len(out) == 0 && x.Declares(class, key) != "" {
		out = []string{class}
	}
	return out
}

// Dotted is the name of a class as rules have it: "com.acme.Outer.Inner".
func Dotted(class string) string {
	return strings.NewReplacer("/", ".", "$", ".").Replace(class)
}

// slots takes a descriptor apart: the types of the parameters, and of the result.
func slots(descriptor string) (params []string, result string) {
	rest, ok := strings.CutPrefix(descriptor, "(")
	if !ok {
		return nil, "V"
	}
	for rest != "" && rest[0] != ')' && len(params) < 300 {
		n := 0
		for n < len(rest) && rest[n] == '[' {
			n++
		}
		if n < len(rest) && rest[n] == 'L' {
			end := strings.IndexByte(rest[n:], ';')
			if end < 0 {
				return params, "V"
			}
			n += end
		}
		n = min(n+1, len(rest))
		params = append(params, rest[:n])
		rest = rest[n:]
	}
	if rest == "" {
		return params, "V"
	}
	return params, rest[1:]
}

func wide(t string) bool { return t == "J" || t == "D" }

// plain says that a value of a type is no text: a number or truth value.
func plain(t string) bool { return len(t) == 1 && t != "B" && t != "C" }

// Lower turns a class into a file. Its export is the class; instance methods have
// their name and descriptor as name, and again after "CLASS#" for calls that name
// the class; static methods are members of the class itself. It never fails:
// methods that do not add up become faults.
func Lower(c *Class, x *Index, name, at string) *ir.File {
	f := &ir.File{Path: at, Name: name, Lang: ir.Java}
	main := &ir.Func{Name: Dotted(c.Name), File: f}
	f.Main, f.Exports = main, main.NewVar("")
	def := &ir.ClassDef{Name: Dotted(c.Name), Constructor: ""}
	for _, up := range append([]string{c.Super}, c.Interfaces...) {
		if x.classes[up] != nil {
			def.Supers = append(def.Supers, &ir.Expr{Op: ir.Import, Name: up})
		}
	}
	keys := make([]string, 0, len(c.Methods))
	for key := range c.Methods {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	lines := int32(1)
	for _, key := range keys {
		m := c.Methods[key]
		if len(m.Code) == 0 {
			continue
		}
		for _, l := range m.Lines {
			lines = max(lines, int32(l.Line)) //nolint:gosec // 16 bits
		}
		fn := lowerMethod(c, x, f, m)
		member := &ir.Expr{Op: ir.Closure, Fn: fn, Pos: fn.Pos}
		static := m.Access&accStatic != 0
		if static {
			fn.Static = true
		}
		def.Members = append(def.Members, ir.ClassMember{Name: key, Value: member, Static: static})
		if !static {
			def.Members = append(def.Members, ir.ClassMember{Name: c.Name + "#" + key, Value: member})
		}
	}
	f.Lines = make([]int32, lines)
	for i := range f.Lines {
		f.Lines[i] = int32(i)
	}
	if c.damaged {
		f.Faults = append(f.Faults, ir.Fault{Text: "the class file is damaged"})
	}
	export := &ir.Expr{Op: ir.Read, Var: f.Exports}
	main.Body = []*ir.Stmt{{Op: ir.Do, X: &ir.Expr{Op: ir.Assign, X: export, Y: &ir.Expr{Op: ir.Class, Cls: def}}}}
	if m := c.Methods["<clinit>()V"]; m != nil && len(m.Code) > 0 {
		main.Body = append(main.Body, &ir.Stmt{Op: ir.Do, X: &ir.Expr{Op: ir.Call, X: &ir.Expr{Op: ir.Field, X: export, Name: "<clinit>()V"}}})
	}
	return f
}

// Params are the types of the parameters of a descriptor: "Ljava/lang/String;".
func Params(descriptor string) []string {
	params, _ := slots(descriptor)
	return params
}
