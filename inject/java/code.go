package java

import (
	"encoding/binary"
	"strconv"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/internal/classfile"
)

// step lowers one instruction. JVM specification, 6.5.
func (g *method) step(b *block, p, size int) {
	code := g.m.Code
	op := int(code[p])
	switch {
	case op == 0x01:
		g.push(g.expr(ir.Null))
	case op >= 0x02 && op <= 0x08:
		g.push(g.num(op - 3))
	case op == 0x09, op == 0x0a, op == 0x0e, op == 0x0f:
		g.pushWide(g.number())
	case op >= 0x0b && op <= 0x0d:
		g.push(g.number())
	case op == 0x10:
		g.push(g.num(int(int8(code[p+1])))) //nolint:gosec // signed by definition
	case op == 0x11:
		g.push(g.num(int(int16(binary.BigEndian.Uint16(code[p+1:]))))) //nolint:gosec // signed by definition
	case op == 0x12:
		g.constant(int(code[p+1]))
	case op == 0x13:
		g.constant(classfile.U2(code[p+1:]))
	case op == 0x14:
		g.pushWide(g.number())
	case op >= 0x15 && op <= 0x2d:
		g.load(op, p, p)
	case op >= 0x2e && op <= 0x35:
		g.arrayLoad(op)
	case op >= 0x36 && op <= 0x4e:
		g.storeOp(op, p, p+size)
	case op >= 0x4f && op <= 0x56:
		v, i, a := g.pop(), g.pop(), g.pop()
		g.assign(&ir.Expr{Op: ir.Index, Pos: g.pos, X: a, Y: i}, v)
	case op >= 0x57 && op <= 0x5f:
		g.shuffle(op)
	case op >= 0x60 && op <= 0x98, op == 0x84:
		g.arithmetic(op)
	case op >= 0x99 && op <= 0xa6, op == 0xc6, op == 0xc7:
		g.condition(b, op, p, size)
	default:
		g.stepMore(op, p, size)
	}
}

func (g *method) stepMore(op, p, size int) {
	code := g.m.Code
	switch op {
	case 0x00, 0xa7, 0xc8:
	case 0xaa, 0xab: // switches
		g.pop()
	case 0xac, 0xad, 0xae, 0xaf, 0xb0:
		g.out = append(g.out, &ir.Stmt{Op: ir.Return, Pos: g.pos, X: g.pop()})
		g.stack = nil
	case 0xb1:
		g.out = append(g.out, &ir.Stmt{Op: ir.Return, Pos: g.pos})
		g.stack = nil
	case 0xbf:
		g.out = append(g.out, &ir.Stmt{Op: ir.Throw, Pos: g.pos, X: g.pop()})
		g.stack = nil
	case 0xb2, 0xb3, 0xb4, 0xb5:
		g.field(op, classfile.U2(code[p+1:]))
	case 0xb6, 0xb7, 0xb8, 0xb9:
		g.invoke(op, classfile.U2(code[p+1:]))
	case 0xba:
		g.dynamic(classfile.U2(code[p+1:]))
	case 0xbb:
		g.create(g.class.file.Class(classfile.U2(code[p+1:])))
	case 0xbc, 0xbd:
		g.pop()
		g.push(g.keep(g.expr(ir.List)))
	case 0xc5:
		g.popN(int(code[p+3]))
		g.push(g.keep(g.expr(ir.List)))
	case 0xbe, 0xc1:
		g.pop()
		g.push(g.number())
	case 0xc0:
	case 0xc2, 0xc3:
		g.pop()
	case 0xc4:
		g.wide(p, size)
	default: // jsr and ret are of class files before 2004
		g.bad = true
	}
}

func (g *method) num(n int) *ir.Expr {
	return &ir.Expr{Op: ir.Num, Name: strconv.Itoa(n), Pos: g.pos}
}

func (g *method) constant(i int) {
	f := g.class.file
	if s, ok := f.Text(i); ok {
		g.push(&ir.Expr{Op: ir.Const, Name: s, Pos: g.pos})
		return
	}
	if c := f.Class(i); c != "" {
		g.push(&ir.Expr{Op: ir.Global, Name: "class " + Dotted(c), Pos: g.pos})
		return
	}
	if n, ok := f.Number(i); ok {
		g.push(g.num(int(n)))
		return
	}
	g.push(g.number())
}

// slotOf takes opcode families of five types apart: with an operand, or 0 to 3.
func slotOf(op, first, short int, code []byte, p int) (slot int, kind int) {
	if op < short {
		return int(code[p+1]), op - first
	}
	return (op - short) % 4, (op - short) / 4
}

func (g *method) load(op, p, at int) {
	slot, kind := slotOf(op, 0x15, 0x1a, g.m.Code, p)
	g.loadSlot(slot, kind, at)
}

func (g *method) loadSlot(slot, kind, at int) {
	g.stack = append(g.stack, entry{x: g.read(g.local(slot, at)), wide: kind == 1 || kind == 3})
}

func (g *method) storeOp(op, p, at int) {
	slot, _ := slotOf(op, 0x36, 0x3b, g.m.Code, p)
	g.store(g.local(slot, at), g.pop())
}

func (g *method) wide(p, size int) {
	op, slot := int(g.m.Code[p+1]), classfile.U2(g.m.Code[p+2:])
	switch {
	case op >= 0x15 && op <= 0x19:
		g.loadSlot(slot, op-0x15, p)
	case op >= 0x36 && op <= 0x3a:
		g.store(g.local(slot, p+size), g.pop())
	case op == 0x84:
	default:
		g.bad = true
	}
}

func (g *method) arrayLoad(op int) {
	i, a := g.pop(), g.pop()
	switch op {
	case 0x32:
		g.push(g.keep(&ir.Expr{Op: ir.Index, Pos: g.pos, X: a, Y: i}))
	case 0x2f, 0x31:
		g.pushWide(g.number())
	case 0x34: // a character of a text
		g.push(g.keep(&ir.Expr{Op: ir.Elem, Pos: g.pos, X: a}))
	default:
		g.push(g.number())
	}
}

// shuffle handles pop, dup and swap.
func (g *method) shuffle(op int) {
	two := func() []entry {
		a := g.popEntry()
		if a.wide {
			return []entry{a}
		}
		return []entry{g.popEntry(), a}
	}
	put := func(lists ...[]entry) {
		for _, l := range lists {
			g.stack = append(g.stack, l...)
		}
	}
	switch op {
	case 0x57:
		g.pop()
	case 0x58:
		two()
	case 0x59:
		a := []entry{g.popEntry()}
		put(a, a)
	case 0x5a:
		a, b := []entry{g.popEntry()}, []entry{g.popEntry()}
		put(a, b, a)
	case 0x5b:
		a := []entry{g.popEntry()}
		b := two()
		put(a, b, a)
	case 0x5c:
		a := two()
		put(a, a)
	case 0x5d:
		a := two()
		b := []entry{g.popEntry()}
		put(a, b, a)
	case 0x5e:
		a, b := two(), two()
		put(a, b, a)
	case 0x5f:
		a, b := []entry{g.popEntry()}, []entry{g.popEntry()}
		put(a, b)
	}
}

func (g *method) arithmetic(op int) {
	kind := (op - 0x60) % 4
	switch {
	case op == 0x84: // iinc
	case op >= 0x74 && op <= 0x77: // neg
		g.pop()
		g.stack = append(g.stack, entry{x: g.number(), wide: kind == 1 || kind == 3})
	case op < 0x78:
		g.popN(2)
		g.stack = append(g.stack, entry{x: g.number(), wide: kind == 1 || kind == 3})
	case op < 0x84: // shifts and bits: int and long in turn
		g.popN(2)
		g.stack = append(g.stack, entry{x: g.number(), wide: op%2 == 1})
	case op <= 0x93: // conversions
		x := g.pop()
		wide := op == 0x85 || op == 0x87 || op == 0x8a || op == 0x8c || op == 0x8d || op == 0x8f
		if op < 0x91 {
			x = g.number()
		}
		g.stack = append(g.stack, entry{x: x, wide: wide})
	default: // comparisons of two wide values
		g.popN(2)
		g.push(g.number())
	}
}

func (g *method) condition(b *block, op, p, size int) {
	target := p + int(int16(binary.BigEndian.Uint16(g.m.Code[p+1:]))) //nolint:gosec // signed by definition
	next := p + size
	if op == 0xc6 || op == 0xc7 {
		name := ir.Equal
		if op == 0xc7 {
			name = ir.NotEqual
		}
		g.branch(b, &ir.Expr{Op: ir.Compare, Name: name, Pos: g.pos, X: g.pop(), Y: g.expr(ir.Null)}, target, next)
		return
	}
	names := []string{ir.Equal, ir.NotEqual, "<", ">=", ">", "<="}
	switch {
	case op == 0x99: // false jumps
		g.branch(b, g.pop(), next, target)
	case op == 0x9a:
		g.branch(b, g.pop(), target, next)
	case op > 0x9a && op <= 0x9e:
		g.branch(b, &ir.Expr{Op: ir.Compare, Name: names[op-0x99], Pos: g.pos, X: g.pop(), Y: g.num(0)}, target, next) // #nosec G602 -- six names for six opcodes
	default:
		i := op - 0x9f
		if op >= 0xa5 {
			i = op - 0xa5
		}
		y, x := g.pop(), g.pop()
		g.branch(b, &ir.Expr{Op: ir.Compare, Name: names[i], Pos: g.pos, X: x, Y: y}, target, next)
	}
}
