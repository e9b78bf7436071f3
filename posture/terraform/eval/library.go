package eval

import (
	"encoding/base64"
	"errors"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are those of Terraform that look into their arguments, by name.
var functions = sync.OnceValue(func() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc,
		"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc,
		"signum": stdlib.SignumFunc, "range": stdlib.RangeFunc,
		"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc,
		"lower": stdlib.LowerFunc, "upper": stdlib.UpperFunc, "title": stdlib.TitleFunc,
		"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc,
		"substr": stdlib.SubstrFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
		"trimsuffix": stdlib.TrimSuffixFunc, "trimspace": stdlib.TrimSpaceFunc, "sort": stdlib.SortFunc,
		"chunklist": stdlib.ChunklistFunc, "reverse": stdlib.ReverseListFunc, "setunion": stdlib.SetUnionFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setsubtract": stdlib.SetSubtractFunc,
		"setproduct": stdlib.SetProductFunc, "formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,
		"csvdecode": stdlib.CSVDecodeFunc,
		"replace":   ofText(3, replace), "startswith": test(strings.HasPrefix), "endswith": test(strings.HasSuffix),
		"strcontains": test(strings.Contains), "basename": ofText(1, one(path.Base)), "dirname": ofText(1, one(path.Dir)),
		"abspath": ofText(1, one(path.Clean)), "urlencode": ofText(1, one(url.QueryEscape)),
		"base64encode": ofText(1, one(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })),
		"base64decode": ofText(1, decode64),
		"indent":       stdlib.IndentFunc, "sum": reduce(cty.Value.Add),
		"alltrue": reduce(cty.Value.And), "anytrue": reduce(cty.Value.Or), "index": indexOf(),
	}
})

// convertFor makes lists and maps of one type where a function wants them, since
// values here are tuples and objects.
func convertFor(f function.Function, i int, v cty.Value) cty.Value {
	params := f.Params()
	want := cty.DynamicPseudoType
	switch {
	case i < len(params):
		want = params[i].Type
	case f.VarParam() != nil:
		want = f.VarParam().Type
	}
	if want == cty.DynamicPseudoType {
		return v
	}
	out, err := convert.Convert(v, want)
	if err != nil {
		return v
	}
	return out
}

// ofText is a function from n strings to a string.
func ofText(n int, f func([]string) (string, error)) function.Function {
	params := make([]function.Parameter, n)
	for i := range params {
		params[i] = function.Parameter{Name: "text", Type: cty.String}
	}
	return function.New(&function.Spec{Params: params, Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			in := make([]string, len(args))
			for i, a := range args {
				in[i] = a.AsString()
			}
			out, err := f(in)
			return cty.StringVal(out), err
		}})
}

func one(f func(string) string) func([]string) (string, error) {
	return func(a []string) (string, error) { return f(a[0]), nil }
}

func decode64(a []string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(a[0])
	return string(b), err
}

var errLarge = errors.New("the text would be too large")

// replace takes /…/ as a regular expression, as Terraform does.
func replace(a []string) (string, error) {
	if n := len(a[1]); n > 1 && a[1][0] == '/' && a[1][n-1] == '/' {
		v, err := stdlib.RegexReplace(cty.StringVal(a[0]), cty.StringVal(a[1][1:n-1]), cty.StringVal(a[2]))
		if err != nil {
			return "", err
		}
		return v.AsString(), nil
	}
	if len(a[0])+strings.Count(a[0], a[1])*len(a[2]) > maxText {
		return "", errLarge
	}
	return strings.ReplaceAll(a[0], a[1], a[2]), nil
}

func test(f func(s, sub string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(a[0].AsString(), a[1].AsString())), nil
		}})
}

// reduce folds the elements of a list from the left.
func reduce(f func(a, b cty.Value) cty.Value) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			out := cty.DynamicVal
			for i, e := range a[0].AsValueSlice() {
				if i == 0 {
					out = e
				} else {
					out = f(out, e)
				}
			}
			return out, nil
		}})
}

func indexOf() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			for i, e := range a[0].AsValueSlice() {
				if e.RawEquals(a[1]) {
					return cty.NumberIntVal(int64(i)), nil
				}
			}
			return cty.UnknownVal(cty.Number), nil
		}})
}
