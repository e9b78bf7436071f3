// Package eval evaluates Terraform configuration as far as its text alone tells:
// the resources of a directory of .tf and .tf.json files and of the local modules
// it calls, each attribute with the place that states it. It asks no provider and
// no state, runs nothing and reads nothing outside the fs.FS it is given.
//
// It has an evaluator of its own over the syntax tree of hashicorp/hcl, because
// that library's knows values and not where they come from: here every element
// keeps its position, a reference to what is only known after apply stays a link
// ("aws_s3_bucket.b", "arn") inside lists and strings, and a conditional whose
// condition is unknown is both of its branches. Functions that only move values
// are done on such values; those that look into them are zclconf/go-cty's, and
// are called when everything is known.
package eval

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits of one run; when one is reached the rest is Unknown, and Result says so.
const (
	maxSteps     = 1_000_000 // expressions and functions evaluated
	maxDepth     = 2000      // expressions in expressions, over all references
	maxBytes     = 64 << 20  // of files
	maxInstances = 100       // of one resource or module, by count or for_each
	maxModules   = 300       // calls of modules, over all
	maxCalls     = 16        // modules in modules
	maxResources = 20_000
)

// A Resource is one instance of a resource or data source.
type Resource struct {
	Address string // "module.m.aws_sqs_queue.q[\"k\"]"
	Base    string // the address without the key of the instance
	Mode    string // "managed" or "data"
	Type    string // "aws_sqs_queue"
	Name    string
	Module  string // address of its module, "" for the root
	Pos     Pos    // of the block
	Body    *Value // Map: attributes, and for nested blocks a List of Maps
	// Maybe is true when a condition that is not known decides whether it exists.
	Maybe bool
	// Open is true when there may be other instances of it.
	Open bool
}

// A Call is a call of a module that is not in the directory.
type Call struct {
	Address, Source string
	Pos             Pos
	Inputs          *Value // Map
	Maybe           bool
}

// An Issue is a place that could not be read or resolved.
type Issue struct {
	Pos       Pos
	What, Why string
	Refused   bool // it would have left the directory
}

// A Result is what a root module comes to.
type Result struct {
	Resources []*Resource
	Calls     []Call
	// Variables are those of the root module, with the value that is set or the default.
	Variables []Variable
	Issues    []Issue
	Files     []string // that were read
}

// A Variable is an input variable of the root module.
type Variable struct {
	Var
	Type  string // as written, "" when not
	Value *Value // nil: none is set and there is no default
}

type run struct {
	ctx       context.Context
	fsys      fs.FS
	lines     map[string][]int
	bodies    map[string]*declared // parsed directories
	used      int
	depth     int
	bytes     int64
	modules   int
	resources int
	spent     bool
	out       Result
	said      map[Issue]bool
}

// Directory evaluates the root module in dir, a name in fsys. The error is of a
// directory that cannot be read or a context that ended; mistakes in files are Issues.
func Directory(ctx context.Context, fsys fs.FS, dir string) (*Result, error) {
	r := newRun(ctx, fsys)
	decl, err := r.declarations(path.Clean(dir))
	if err != nil {
		return nil, fmt.Errorf("terraform %s: %w", dir, err)
	}
	root := r.newModule(decl, nil, "")
	r.setVariables(root)
	r.collect(root, false)
	for _, name := range decl.varOrder {
		x := decl.vars[name]
		v := Variable{Var: *x.info, Type: x.typ, Value: root.given[name]}
		if v.Value == nil && x.def != nil {
			v.Value = root.variable(r, name, x.info.Pos)
		}
		r.out.Variables = append(r.out.Variables, v)
	}
	if r.spent {
		r.issue(Pos{File: decl.file()}, "terraform", "the configuration is larger than the limits of the evaluation", false)
	}
	slices.SortStableFunc(r.out.Issues, func(a, b Issue) int {
		if c := strings.Compare(a.Pos.File, b.Pos.File); c != 0 {
			return c
		}
		return a.Pos.Line - b.Pos.Line
	})
	return &r.out, ctx.Err()
}

func newRun(ctx context.Context, fsys fs.FS) *run {
	return &run{ctx: ctx, fsys: fsys, lines: map[string][]int{}, bodies: map[string]*declared{}, said: map[Issue]bool{}}
}

// step charges one unit of work; false when there is none left.
func (r *run) step() bool {
	r.used++
	if r.used&1023 == 0 && r.ctx.Err() != nil {
		r.used = maxSteps
	}
	if r.used >= maxSteps {
		r.spent = true
		return false
	}
	return true
}

// issue notes a place once.
func (r *run) issue(pos Pos, what, why string, refused bool) {
	i := Issue{pos, what, why, refused}
	if !r.said[i] && len(r.out.Issues) < 1000 {
		r.said[i] = true
		r.out.Issues = append(r.out.Issues, i)
	}
}

// setVariables takes what terraform.tfvars and the like set.
func (r *run) setVariables(root *module) {
	for _, name := range varFiles(r.fsys, root.decl.dir) {
		b, err := r.parse(name)
		if err != nil {
			r.notParsed(name, name, err)
		}
		if b == nil {
			continue
		}
		r.out.Files = append(r.out.Files, name)
		for key, a := range b.attrs {
			if x := root.decl.vars[key]; x != nil {
				root.given[key] = r.expr(a.expr, &scope{sealed: true, names: map[string]*Value{}})
			}
		}
	}
}
