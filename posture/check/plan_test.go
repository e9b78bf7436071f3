package check_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// asPlan writes a configuration as "terraform show -json" writes a plan in which
// nothing exists yet: constants are values, whatever refers to something is unknown
// and has its references in the configuration.
func asPlan(t *testing.T, text string) string {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(text), "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var values, changes, config []any
	scope := planScope(file.Body.(*hclsyntax.Body))
	variables, given := map[string]any{}, map[string]any{}
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		switch b.Type {
		case "variable":
			body, _, _ := planBody(b.Body, scope)
			variables[b.Labels[0]] = body
			if d, ok := body["default"]; ok {
				given[b.Labels[0]] = map[string]any{"value": d}
			}
		case "resource":
			known, unknown, refs := planBody(b.Body, scope)
			at := map[string]any{"address": b.Labels[0] + "." + b.Labels[1], "mode": "managed", "type": b.Labels[0], "name": b.Labels[1]}
			with := func(key string, v any) map[string]any {
				out := map[string]any{key: v}
				maps.Copy(out, at)
				return out
			}
			values, config = append(values, with("values", known)), append(config, with("expressions", refs))
			changes = append(changes, with("change", map[string]any{"actions": []string{"create"}, "after": known, "after_unknown": unknown}))
		}
	}
	out, err := json.MarshalIndent(map[string]any{
		"format_version": "1.2", "terraform_version": "1.9.0", "variables": given,
		"planned_values":   map[string]any{"root_module": map[string]any{"resources": values}},
		"resource_changes": changes,
		"configuration":    map[string]any{"root_module": map[string]any{"resources": config, "variables": variables}},
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// planBody is what is known of a block, what is not, and what it refers to.
func planBody(b *hclsyntax.Body, scope *hcl.EvalContext) (known, unknown, refs map[string]any) {
	known, unknown, refs = map[string]any{}, map[string]any{}, map[string]any{}
	for name, a := range b.Attributes {
		k, u, r := planValue(a.Expr, scope)
		if known[name] = k; k == nil {
			delete(known, name)
		}
		if u != nil {
			unknown[name] = u
		}
		refs[name] = r
	}
	for _, n := range b.Blocks {
		k, u, r := planBody(n.Body, scope)
		for m, x := range map[*map[string]any]any{&known: k, &unknown: u, &refs: r} {
			list, _ := (*m)[n.Type].([]any)
			(*m)[n.Type] = append(list, x)
		}
	}
	return known, unknown, refs
}

// planScope knows the constants of resources, which others may refer to.
func planScope(body *hclsyntax.Body) *hcl.EvalContext {
	scope := &hcl.EvalContext{Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}, Variables: map[string]cty.Value{}}
	types := map[string]map[string]cty.Value{}
	for _, b := range body.Blocks {
		if b.Type != "resource" {
			continue
		}
		attrs := map[string]cty.Value{}
		for name, a := range b.Body.Attributes {
			if v, diags := a.Expr.Value(nil); !diags.HasErrors() {
				attrs[name] = v
			}
		}
		if types[b.Labels[0]] == nil {
			types[b.Labels[0]] = map[string]cty.Value{}
		}
		types[b.Labels[0]][b.Labels[1]] = cty.ObjectVal(attrs)
	}
	for name, all := range types {
		scope.Variables[name] = cty.ObjectVal(all)
	}
	return scope
}

func planValue(e hclsyntax.Expression, scope *hcl.EvalContext) (known, unknown any, refs map[string]any) {
	refs = map[string]any{}
	v, diags := e.Value(scope)
	if !diags.HasErrors() {
		if raw, err := ctyjson.Marshal(v, v.Type()); err == nil {
			_ = json.Unmarshal(raw, &known)
		}
		if len(e.Variables()) == 0 {
			return known, nil, map[string]any{"constant_value": known}
		}
	}
	var names []string
	for _, v := range e.Variables() {
		var parts []string
		for _, step := range v {
			switch s := step.(type) {
			case hcl.TraverseRoot:
				parts = append(parts, s.Name)
			case hcl.TraverseAttr:
				parts = append(parts, s.Name)
			}
		}
		for n := len(parts); n >= 2; n-- {
			names = append(names, strings.Join(parts[:n], "."))
		}
	}
	refs["references"] = slices.Compact(names)
	if known != nil {
		return known, nil, refs
	}
	object, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil, true, refs
	}
	some, none := map[string]any{}, map[string]any{}
	for _, item := range object.Items {
		key, _ := item.KeyExpr.Value(nil)
		if key.Type() != cty.String {
			continue
		}
		k, u, _ := planValue(item.ValueExpr, scope)
		if k != nil {
			some[key.AsString()] = k
		}
		if u != nil {
			none[key.AsString()] = u
		}
	}
	return some, none, refs
}
