package eval

import (
	"math"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// fromCty takes over a value of the library, all of it at one place.
func fromCty(v cty.Value, pos Pos) *Value {
	v, _ = v.UnmarkDeep()
	ty := v.Type()
	switch {
	case v.IsNull():
		return null(pos)
	case !v.IsKnown():
		return unknown(pos)
	case ty == cty.String:
		return text(pos, v.AsString())
	case ty == cty.Bool:
		return boolean(pos, v.True())
	case ty == cty.Number:
		f, _ := v.AsBigFloat().Float64()
		if math.IsInf(f, 0) {
			return unknown(pos)
		}
		return number(pos, f)
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		var out []*Value
		for _, e := range v.Elements() {
			out = append(out, fromCty(e, pos))
		}
		return list(pos, out)
	case ty.IsObjectType() || ty.IsMapType():
		var out []Field
		for k, e := range v.Elements() {
			out = append(out, Field{k.AsString(), pos, fromCty(e, pos)})
		}
		slices.SortFunc(out, func(a, b Field) int { return strings.Compare(a.Key, b.Key) })
		return mapOf(pos, out)
	default:
		return unknown(pos)
	}
}

// toCty hands a wholly known value to the library.
func toCty(v *Value) cty.Value {
	switch v.Kind {
	case Null:
		return cty.NullVal(cty.DynamicPseudoType)
	case Bool:
		return cty.BoolVal(v.Bool)
	case Number:
		return cty.NumberFloatVal(v.Number)
	case String:
		s, _ := v.Text()
		return cty.StringVal(s)
	case List:
		out := make([]cty.Value, len(v.Items))
		for i, e := range v.Items {
			out[i] = toCty(e)
		}
		return cty.TupleVal(out)
	case Map:
		out := make(map[string]cty.Value, len(v.Fields))
		for _, f := range v.Fields {
			out[f.Key] = toCty(f.Value)
		}
		return cty.ObjectVal(out)
	default:
		return cty.DynamicVal
	}
}

// library calls a function of the library when every argument is wholly known;
// what it refuses is unknown.
func library(f function.Function, args []*Value, pos Pos) *Value {
	in := make([]cty.Value, len(args))
	for i, a := range args {
		if !a.whole() || a.size > maxSize/10 {
			return unknown(pos, refsOf(args...)...)
		}
		in[i] = convertFor(f, i, toCty(a))
	}
	out, err := f.Call(in)
	if err != nil {
		return unknown(pos, refsOf(args...)...)
	}
	return fromCty(out, pos).through(varsOf(args...)...)
}
