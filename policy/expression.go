package policy

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/fnvet/fnvet"
)

// maxCost bounds one evaluation, in CEL's units: about one a step. A report of
// 50,000 packages costs less than a million a pass.
const maxCost = 10_000_000

// expressions compiles CEL. Its environment, which costs a millisecond, is made
// for the first expression.
type expressions struct{ finding, report *cel.Env }

// An expression is a compiled CEL expression of type bool over one variable,
// typed as docs/contract.md has it: "finding" or "report". Fields that are
// absent from the JSON have the zero value of their type; has() tells them.
type expression struct {
	source   string
	variable string
	program  cel.Program
}

// env declares one variable and the types of the contract by their JSON names.
func env(variable string, typ reflect.Type) (*cel.Env, error) {
	return cel.NewEnv(
		ext.NativeTypes(typ, ext.ParseStructTag("json")),
		cel.Variable(variable, cel.ObjectType("fnvet."+typ.Name())),
	)
}

func (x *expressions) env(variable string) (*cel.Env, error) {
	var err error
	if variable == "report" {
		if x.report == nil {
			x.report, err = env(variable, reflect.TypeFor[fnvet.Report]())
		}
		return x.report, err
	}
	if x.finding == nil {
		x.finding, err = env(variable, reflect.TypeFor[fnvet.Finding]())
	}
	return x.finding, err
}

// compile says where in the source a mistake is: line 1-based, column 0-based.
func (x *expressions) compile(variable, source string) (e *expression, line, column int, err error) {
	env, err := x.env(variable)
	if err != nil {
		return nil, 1, 0, err
	}
	ast, issues := env.Compile(source)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, first.Location.Line(), first.Location.Column(), fmt.Errorf("expression: %s", first.Message)
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, 1, 0, fmt.Errorf("expression: it gives %s, not bool", ast.OutputType())
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, 1, 0, fmt.Errorf("expression: %w", err)
	}
	return &expression{source, variable, program}, 0, 0, nil
}

// eval answers for a *fnvet.Finding or a *fnvet.Report. Fails when the
// expression does: division by zero, an index that is not there, the cost limit.
func (e *expression) eval(value any) (bool, error) {
	out, _, err := e.program.Eval(map[string]any{e.variable: value})
	if err != nil {
		return false, fmt.Errorf("expression %q: %w", e.source, err)
	}
	b, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("expression %q gave no bool", e.source)
	}
	return b, nil
}

// A blockRule blocks what an expression is true of: a finding of any severity,
// or the report as a whole, which then gets a finding of its own.
type blockRule struct {
	line     int
	name     string
	finding  *expression // one of the two is set
	report   *expression
	severity fnvet.Severity
	reason   string
}

// policyID is the rule id of a blockRule over the report.
func policyID(name string) string { return "policy/" + name }

// blockedByExpression fails closed: an expression that fails blocks. Enforce
// reports the failure.
func (p Policy) blockedByExpression(f *fnvet.Finding) bool {
	if f.Blocks && len(p.blocks) > 0 { // expressions see findings as they were before the verdict
		was := *f
		was.Blocks = false
		f = &was
	}
	for i := range p.blocks {
		b := &p.blocks[i]
		if b.report != nil {
			if f.ID == policyID(b.name) {
				return true
			}
			continue
		}
		if hit, err := b.finding.eval(f); hit || err != nil {
			return true
		}
	}
	return false
}
