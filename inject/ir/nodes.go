package ir

import "github.com/fnvet/fnvet/inject/slab"

// Nodes makes the commonest expressions and statements in large blocks. What it made
// lives as long as any of it does: it is for the files of one program.
type Nodes struct {
	exprs slab.Of[Expr]
	stmts slab.Of[Stmt]
}

// Do is a statement of an expression.
func (n *Nodes) Do(x *Expr) *Stmt {
	s := n.stmts.New()
	s.Op, s.X, s.Pos = Do, x, x.Pos
	return s
}

// Read reads a variable.
func (n *Nodes) Read(v *Var, pos int32) *Expr {
	x := n.exprs.New()
	x.Op, x.Var, x.Pos = Read, v, pos
	return x
}

// Assign gives a target a value.
func (n *Nodes) Assign(target, value *Expr) *Expr {
	x := n.exprs.New()
	x.Op, x.X, x.Y, x.Pos = Assign, target, value, target.Pos
	return x
}

// Field reads a field.
func (n *Nodes) Field(of *Expr, name string, pos int32) *Expr {
	x := n.exprs.New()
	x.Op, x.X, x.Name, x.Pos = Field, of, name, pos
	return x
}

// Named makes an expression that is no more than a name: Const, Global, Num and alike.
func (n *Nodes) Named(op Op, name string, pos int32) *Expr {
	x := n.exprs.New()
	x.Op, x.Name, x.Pos = op, name, pos
	return x
}
