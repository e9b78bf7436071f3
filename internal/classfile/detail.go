package classfile

import "encoding/binary"

// A Method is a method with what its code says of lines, names and handlers.
type Method struct {
	Access           int
	Name, Descriptor string
	Code             []byte
	Handlers         []Handler
	Lines            []Line
	Locals           []Local
	Annotations      []string   // their types: "com/acme/Name"
	Parameters       [][]string // annotations of each parameter
}

// A Handler is a row of an exception table: where Start <= position < End jumps to At.
type Handler struct{ Start, End, At int }

// A Line says which line of the source the code from Start on came from.
type Line struct{ Start, Line int }

// A Local names a local variable in a part of the code.
type Local struct {
	Start, Length, Slot int
	Name                string
}

// A Bootstrap is the method that makes a dynamic call site, and its arguments, as
// constants.
type Bootstrap struct {
	Method    int
	Arguments []int
}

// reader takes numbers from bytes; what is past the end is bad and 0.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.data, r.bad = nil, true
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) u1() int {
	if b := r.take(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (r *reader) u2() int {
	if b := r.take(2); b != nil {
		return U2(b)
	}
	return 0
}

func (r *reader) u4() int {
	if b := r.take(4); b != nil {
		return int(binary.BigEndian.Uint32(b))
	}
	return 0
}

// attributes calls each with the attributes that begin at r.
func (c *File) attributes(r *reader, each func(name string, body *reader)) {
	for n := r.u2(); n > 0 && !r.bad; n-- {
		name := c.UTF8(r.u2())
		body := r.take(r.u4())
		if !r.bad {
			each(name, &reader{data: body})
		}
	}
}

// Detail reads the methods with their tables, and the bootstrap methods of the
// class. ok is false when the class is damaged; what was read before it is given.
// JVM specification, 4.7.
func (c *File) Detail() (methods []Method, bootstraps []Bootstrap, ok bool) {
	r := &reader{data: c.data[c.rest+6:]}
	r.take(2 * r.u2())
	for n := r.u2(); n > 0 && !r.bad; n-- { // fields
		r.take(6)
		c.attributes(r, func(string, *reader) {})
	}
	for n := r.u2(); n > 0 && !r.bad; n-- {
		m := Method{Access: r.u2(), Name: c.UTF8(r.u2()), Descriptor: c.UTF8(r.u2())}
		c.attributes(r, func(name string, body *reader) { c.method(&m, name, body) })
		if !r.bad {
			methods = append(methods, m)
		}
	}
	c.attributes(r, func(name string, body *reader) {
		if name != "BootstrapMethods" {
			return
		}
		for n := body.u2(); n > 0 && !body.bad; n-- {
			b := Bootstrap{Method: body.u2()}
			for k := body.u2(); k > 0 && !body.bad; k-- {
				b.Arguments = append(b.Arguments, body.u2())
			}
			bootstraps = append(bootstraps, b)
		}
	})
	return methods, bootstraps, !r.bad
}

func (c *File) method(m *Method, name string, r *reader) {
	switch name {
	case "Code":
		r.take(4)
		m.Code = r.take(r.u4())
		for n := r.u2(); n > 0 && !r.bad; n-- {
			h := Handler{r.u2(), r.u2(), r.u2()}
			r.take(2)
			m.Handlers = append(m.Handlers, h)
		}
		c.attributes(r, func(name string, t *reader) { c.table(m, name, t) })
	case "RuntimeVisibleAnnotations":
		m.Annotations = c.annotations(r)
	case "RuntimeVisibleParameterAnnotations":
		for n := r.u1(); n > 0 && !r.bad; n-- {
			m.Parameters = append(m.Parameters, c.annotations(r))
		}
	}
}

func (c *File) table(m *Method, name string, t *reader) {
	switch name {
	case "LineNumberTable":
		for n := t.u2(); n > 0 && !t.bad; n-- {
			m.Lines = append(m.Lines, Line{t.u2(), t.u2()})
		}
	case "LocalVariableTable":
		for n := t.u2(); n > 0 && !t.bad; n-- {
			l := Local{Start: t.u2(), Length: t.u2(), Name: c.UTF8(t.u2())}
			t.take(2)
			l.Slot = t.u2()
			m.Locals = append(m.Locals, l)
		}
	}
}

// annotations reads the types of a list of annotations.
func (c *File) annotations(r *reader) []string {
	var out []string
	for n := r.u2(); n > 0 && !r.bad; n-- {
		name := c.UTF8(r.u2())
		if len(name) > 2 && name[0] == 'L' {
			name = name[1 : len(name)-1]
		}
		out = append(out, name)
		c.pairs(r, true, 0)
	}
	return out
}

func (c *File) pairs(r *reader, named bool, depth int) {
	for n := r.u2(); n > 0 && !r.bad; n-- {
		if named {
			r.u2()
		}
		c.element(r, depth+1)
	}
}

func (c *File) element(r *reader, depth int) {
	if depth > 20 {
		r.bad = true
		return
	}
	switch r.u1() {
	case 'e':
		r.take(4)
	case '@':
		r.u2()
		c.pairs(r, true, depth)
	case '[':
		c.pairs(r, false, depth)
	default:
		r.take(2)
	}
}

// Field is class, name and descriptor of a field constant.
func (c *File) Field(i int) (class, name, descriptor string) {
	b := c.Constant(i, tagField, 4)
	if b == nil {
		return "", "", ""
	}
	name, descriptor = c.pair(U2(b[2:]))
	return c.Class(U2(b)), name, descriptor
}

func (c *File) pair(i int) (name, descriptor string) {
	b := c.Constant(i, tagNameAndType, 4)
	if b == nil {
		return "", ""
	}
	return c.UTF8(U2(b)), c.UTF8(U2(b[2:]))
}

// Dynamic is the bootstrap method's number, name and descriptor of a dynamic call.
func (c *File) Dynamic(i int) (bootstrap int, name, descriptor string) {
	b := c.Constant(i, tagInvokeDynamic, 4)
	if b == nil {
		return -1, "", ""
	}
	name, descriptor = c.pair(U2(b[2:]))
	return U2(b), name, descriptor
}

// Handle is the kind of a method handle (JVM specification, table 5.4.3.5-A) and
// the constant it is about.
func (c *File) Handle(i int) (kind, member int) {
	b := c.Constant(i, TagMethodHandle, 3)
	if b == nil {
		return 0, 0
	}
	return int(b[0]), U2(b[1:])
}

// Number is the value of an integer constant.
func (c *File) Number(i int) (int32, bool) {
	b := c.Constant(i, tagInteger, 4)
	if b == nil {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(b)), true // #nosec G115 -- signed by definition
}
