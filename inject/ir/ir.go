// Package ir is the small language that every front end lowers to and the taint
// engine runs: functions, assignments, calls, fields, branches, loops and
// closures. It has positions for reports and no types. It does no work.
//
// A front end resolves names to Vars; what it cannot resolve is Global, which the
// engine knows by name ("eval", "require"). Statements stay structured, so that
// a guard with an early return is still visible as one.
package ir

import "strings"

// A Lang is the language a file was written in; rules name it.
type Lang string

// The languages.
const (
	JS     Lang = "js"
	Python Lang = "python"
	Java   Lang = "java"
	Go     Lang = "go"
)

// A File is one lowered source file.
type File struct {
	Path string // where reports say it is
	Name string // slash-separated, in the function's file system
	Lang Lang
	// Main is the body of the file: it runs once, when the file is loaded.
	Main *Func
	// Exports is the variable of Main that holds what importers see: an object.
	Exports *Var
	// Lines holds the offset of each line's first byte.
	Lines []int32
	// Foreign are regions of bundled code of other packages, in order.
	Foreign []Region
	// Faults are places that were not understood; they become gaps when the file
	// is reached.
	Faults []Fault
}

// A Region is a part of a bundle that came from another package.
type Region struct {
	Start, End int32
	Module     string
}

// A Fault is a place that a front end did not understand.
type Fault struct {
	Pos   int32
	Text  string
	Limit bool
}

// A Var is a variable of one function.
type Var struct {
	Name  string
	Fn    *Func
	Index int // in the frame of Fn
}

// A Func is one function, method or file body.
type Func struct {
	Name   string
	File   *File
	Outer  *Func
	Pos    int32
	Params []Param
	Body   []*Stmt
	Vars   int  // size of the frame
	This   *Var // the receiver, or nil where it has none of its own
	// Arguments holds all arguments as a list, or is nil.
	Arguments *Var
	// Decorators of a Python function or method, as expressions, outermost first.
	Decorators []*Expr
	// Method says that the first parameter is the receiver (Python).
	Method bool
	// Static methods and class methods of Python.
	Static, OfClass bool
}

// A Param is one parameter. Target is assigned the argument; front ends lower
// patterns to a variable and assignments at the start of the body.
type Param struct {
	Var     *Var
	Default *Expr
	Rest    bool // *args, ...args
	KwRest  bool // **kwargs
	KwOnly  bool
	// Type is the annotation as written (Python), where it is a name, or "".
	Type string
}

// NewVar adds a variable to the frame of f.
func (f *Func) NewVar(name string) *Var {
	v := &Var{Name: name, Fn: f, Index: f.Vars}
	f.Vars++
	return v
}

// An Op says what an Expr computes.
type Op uint8

// The operations, with the fields they use.
const (
	Unknown  Op = iota
	Const       // Name: text of a string; Num, Bool and Null are apart
	Num         // Name: as written
	Bool        // Name: "true" or "false"
	Null        //
	Read        // Var
	Global      // Name
	Field       // X, Name
	Index       // X, Y
	Call        // X callee, Args; Flags New, Await
	Closure     // Fn
	Object      // Args of Pair and Spread
	Pair        // Name or X key, Y value; as an argument: a keyword argument
	List        // Args, with Spread
	Spread      // X; KwSpread in Flags for **x
	Concat      // Args: + of strings, templates
	Arith       // Args: gives a number or nothing of an attacker's
	Compare     // Name: operator, X, Y; see Compare operators
	Not         // X
	And         // Args
	Or          // Args: also ?? and Python's or
	Choose      // X ? Y : Z
	Assign      // X target (Read, Field, Index), Y
	Seq         // Args: all, the last is the value
	Elem        // X: any element of a container
	Key         // X: any key
	Rest        // X without the fields in Args (Const), for patterns
	Tail        // X from index Name on, for patterns
	Class       // Cls
	Type        // X: typeof
	Import      // Name: module; relative ones begin with "." or are resolved by the engine's loader
	Pattern     // Name: text of a regular expression literal, with slashes and flags
	Await       // X
	Super       // Var: the receiver; the superclass's methods
	Template    // X tag, Args: a tagged template; Args are texts and values in turn
	Yield       // X: one value of a generator
	Getter      // as the value of a Pair: X is a function that gives the value
	Part        // X: one of several results, Name its number; what is no tuple is the first
)

// A Flag is a detail of an Expr.
type Flag uint8

// The flags.
const (
	New       Flag = 1 << iota // call of a constructor
	KwSpread                   // **x
	Bulk                       // Import: from x import *
	Formatted                  // Concat of a format: f-string, %, .format
	Declares                   // Assign: gives a variable its first value
	Plain                      // Call: its result is no text
)

// The operators of Compare, over all languages.
const (
	Equal      = "=="
	NotEqual   = "!="
	In         = "in"
	NotIn      = "not in"
	InstanceOf = "instanceof"
	Less       = "<" // the other orders are ">", "<=" and ">="
)

// An Expr is one expression.
type Expr struct {
	Op      Op
	Flags   Flag
	Pos     int32
	Name    string
	X, Y, Z *Expr
	Args    []*Expr
	Var     *Var
	Fn      *Func
	Cls     *ClassDef
}

// A ClassDef is a class. Super may be nil.
type ClassDef struct {
	Name    string
	Pos     int32
	Supers  []*Expr
	Members []ClassMember
	// Init runs for each new object before its constructor, with This set, or is
	// nil: fields with values.
	Init *Func
	// Constructor is the name of the member that is one: "constructor", "__init__".
	Constructor string
}

// A ClassMember is a method or a static value.
type ClassMember struct {
	Name   string
	Value  *Expr
	Static bool
	Getter bool
}

// A StmtOp says what a Stmt does.
type StmtOp uint8

// The statements, with the fields they use.
const (
	Do       StmtOp = iota // X
	If                     // X, Body, Else
	Loop                   // X condition or nil, Init runs before X each time, Body, Post; Label
	Switch                 // X, Cases; Label
	Return                 // X or nil
	Throw                  // X or nil
	Break                  // Label
	Continue               // Label
	Try                    // Body, Var, Catch, Finally
	Block                  // Body; Label
	// Graph is a control-flow graph: Blocks run from the first on, by Next. It is
	// for front ends that read code without structure.
	Graph
)

// A Stmt is one statement.
type Stmt struct {
	Op StmtOp
	// After says that the condition of a Loop is asked after the body.
	After   bool
	Pos     int32
	X       *Expr
	Body    []*Stmt
	Label   string
	Clauses *Clauses // nil where all are empty
}

// Clauses are what few statements have.
type Clauses struct {
	Else    []*Stmt
	Post    []*Stmt
	Catch   []*Stmt
	Finally []*Stmt
	Cases   []Case
	Blocks  []BasicBlock
}

var none Clauses // is only read

// Rest gives the clauses of a statement, to be read.
func (s *Stmt) Rest() *Clauses {
	if s.Clauses == nil {
		return &none
	}
	return s.Clauses
}

// Add gives the clauses of a statement, to be written to.
func (s *Stmt) Add() *Clauses {
	if s.Clauses == nil {
		s.Clauses = &Clauses{}
	}
	return s.Clauses
}

// A Case is one branch of a Switch; it falls through unless Break ends it.
type Case struct {
	X    *Expr // nil for default
	Body []*Stmt
}

// A BasicBlock is a row of statements and where control goes next.
type BasicBlock struct {
	Body []*Stmt
	Next []int // indices; with If set: where it holds, where not
	If   *Expr
}

// Position gives line and column, both from 1, the column in bytes.
func (f *File) Position(pos int32) (line, column int) {
	lo, hi := 0, len(f.Lines)
	for lo < hi {
		mid := (lo + hi) / 2
		if f.Lines[mid] <= pos {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return 1, int(pos) + 1
	}
	return lo, int(pos-f.Lines[lo-1]) + 1
}

// LineStarts finds the offset of each line's first byte.
func LineStarts(src string) []int32 {
	lines := make([]int32, 1, strings.Count(src, "\n")+1)
	for i := range len(src) {
		if src[i] == '\n' {
			lines = append(lines, int32(i+1))
		}
	}
	return lines
}

// Lang is the language of the file that a function is in.
func (f *Func) Lang() Lang {
	if f.File == nil {
		return ""
	}
	return f.File.Lang
}
