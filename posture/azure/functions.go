package azure

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/posture/model"
)

func itoa(n int) string { return strconv.Itoa(n) }

// call works out a function of ARM or Bicep, as far as the template alone tells.
func (ev *evaluator) call(e *expr) *val {
	name := strings.ToLower(e.text)
	switch name {
	case "if":
		if len(e.args) == 3 {
			return ev.conditional(e)
		}
	case "parameters", "variables":
		if len(e.args) == 1 && e.args[0].kind == eText {
			return ev.name(&expr{kind: eName, pos: e.pos, text: prefixed(name, e.args[0].text)})
		}
	}
	args := ev.all(e.args)
	if v := ev.textCall(name, args, e.pos); v != nil {
		return v
	}
	if v := ev.linkCall(name, args, e.pos); v != nil {
		return v
	}
	if v := ev.testCall(name, args, e.pos); v != nil {
		return v
	}
	return unknown(e.pos, e.text+"() is worked out on deployment")
}

// prefixed keeps variables and parameters of one name apart: names in ARM are of
// one kind each.
func prefixed(kind, name string) string {
	if kind == "variables" {
		return "variable " + name
	}
	return name
}

func (ev *evaluator) textCall(name string, a []*val, pos model.Pos) *val {
	switch {
	case name == "concat":
		if len(a) > 0 && a[0] != nil && a[0].kind == kList {
			return ev.joined(a, pos)
		}
		return ev.concat(pos, a)
	case name == "union":
		return ev.union(a, pos)
	case name == "format" && len(a) > 0:
		return ev.format(a, pos)
	case (name == "string" || name == "any" || name == "int" || name == "bool" || name == "array" || name == "trim") && len(a) == 1:
		return a[0]
	case (name == "tolower" || name == "toupper") && len(a) == 1:
		s, ok := a[0].str().Known()
		switch {
		case !ok:
			return a[0]
		case name == "tolower":
			return lit(pos, strings.ToLower(s))
		}
		return lit(pos, strings.ToUpper(s))
	case name == "uniquestring" || name == "guid":
		return link(pos, model.RefPseudo, name, "")
	case (name == "take" || name == "substring" || name == "replace") && len(a) > 0:
		return a[0] // near enough to tell what it is of
	case name == "createarray":
		return &val{kind: kList, pos: pos, items: a}
	case name == "createobject":
		v := &val{kind: kMap, pos: pos}
		for i := 0; i+1 < len(a); i += 2 {
			v.fields = append(v.fields, entry{a[i].one(), pos, a[i+1]})
		}
		return v
	}
	return nil
}

func (ev *evaluator) joined(a []*val, pos model.Pos) *val {
	out := &val{kind: kList, pos: pos}
	for _, v := range a {
		items, open := v.elements()
		out.items = append(out.items, items...)
		if open {
			out.items = append(out.items, unknown(pos, "a part of it is known on deployment"))
		}
		if ev.b.steps += len(items); ev.b.steps > maxSteps {
			return unknown(pos, "it is too long")
		}
	}
	return out
}

// union lays objects over each other, or joins arrays.
func (ev *evaluator) union(a []*val, pos model.Pos) *val {
	out := &val{kind: kMap, pos: pos}
	for _, v := range a {
		all, _ := v.alts()
		for _, x := range all {
			if x.kind == kList {
				return ev.joined(a, pos)
			}
			if ev.b.steps += len(x.fields); ev.b.steps > maxSteps {
				return unknown(pos, "it is too long")
			}
			out.fields = append(slices.Clip(x.fields), out.fields...)
		}
	}
	return out
}

var holes = lazyregexp.New(`\{(\d{1,3})(:[^}]*)?\}`)

// format is format('{0}-x', a).
func (ev *evaluator) format(a []*val, pos model.Pos) *val {
	layout, ok := a[0].str().Known()
	if !ok {
		return unknown(pos, "it is worked out on deployment")
	}
	var parts []*val
	at := 0
	for _, m := range holes().FindAllStringSubmatchIndex(layout, -1) {
		parts = append(parts, lit(pos, layout[at:m[0]]))
		n, _ := strconv.Atoi(layout[m[2]:m[3]])
		if n+1 < len(a) {
			parts = append(parts, a[n+1])
		}
		at = m[1]
	}
	return ev.concat(pos, append(parts, lit(pos, layout[at:])))
}

// linkCall are the functions that stand for something that is there on deployment.
func (ev *evaluator) linkCall(name string, a []*val, pos model.Pos) *val {
	switch name {
	case "resourceid", "extensionresourceid":
		return ev.resourceID(a, pos)
	case "subscriptionresourceid", "tenantresourceid":
		if len(a) > 1 {
			return ev.concat(pos, []*val{lit(pos, "/subscriptions/x/providers/"), a[0], lit(pos, "/"), a[len(a)-1]})
		}
	case "reference":
		if len(a) > 0 && a[0] != nil && a[0].kind == kText {
			if ref, ok := a[0].text.Ref(); ok {
				return link(pos, ref.Kind, ref.ID, "")
			}
			if r := ev.byName(a[0]); r != nil {
				return link(pos, model.RefResource, ev.s.prefix+r.id, "")
			}
		}
		return link(pos, model.RefOther, "reference", "")
	case "listkeys", "listaccountsas", "listservicesas", "listsecrets", "listsyncfunctiontriggerstatus", "getsecret", "listconnectionstrings":
		return link(pos, model.RefDynamic, name, "")
	case "resourcegroup", "subscription", "tenant", "deployment", "environment", "deployer", "managementgroup", "utcnow", "newguid":
		return link(pos, model.RefPseudo, name, "")
	}
	return nil
}

// resourceID finds the resource of a type and name in the template.
func (ev *evaluator) resourceID(a []*val, pos model.Pos) *val {
	for i, v := range a {
		typ := v.one()
		if !strings.Contains(typ, "/") {
			continue
		}
		var names []string
		for _, n := range a[i+1:] {
			names = append(names, textKey(n))
		}
		want := strings.Join(names, "/")
		for _, r := range ev.s.resources {
			if strings.EqualFold(r.typ, typ) && textKey(ev.b.nameOf(ev.s, r)) == want {
				return link(pos, model.RefResource, ev.s.prefix+r.id, "arn")
			}
		}
		return lit(pos, "/providers/"+typ+"/"+want)
	}
	return link(pos, model.RefOther, "resourceId", "")
}

// byName finds the resource of a name, as reference('name') does.
func (ev *evaluator) byName(v *val) *declaredResource {
	want := textKey(v)
	for _, r := range ev.s.resources {
		if want != "" && textKey(ev.b.nameOf(ev.s, r)) == want {
			return r
		}
	}
	return nil
}

func textKey(v *val) string {
	if v == nil || v.kind != kText {
		return ""
	}
	return v.text.String()
}

// testCall are the functions whose value is true or false, when both sides are known.
func (ev *evaluator) testCall(name string, a []*val, pos model.Pos) *val {
	settled := make([]*val, len(a))
	for i, v := range a {
		settled[i] = v.settled()
	}
	known := func(i int) (string, bool) {
		if i >= len(settled) {
			return "", false
		}
		return settled[i].str().Known()
	}
	x, ok := known(0)
	y, ok2 := known(1)
	truth := func(b bool) *val { return lit(pos, strconv.FormatBool(b)) }
	switch {
	case (name == "equals" || name == "==") && ok && ok2:
		return truth(x == y)
	case name == "!=" && ok && ok2:
		return truth(x != y)
	case (name == "not" || name == "!") && ok && (strings.EqualFold(x, "true") || strings.EqualFold(x, "false")):
		return truth(strings.EqualFold(x, "false"))
	case name == "empty" && ok:
		return truth(x == "")
	case name == "empty" && len(settled) == 1 && settled[0] != nil && settled[0].kind == kList:
		return truth(len(settled[0].items) == 0)
	case name == "true" || name == "false":
		return lit(pos, name)
	case name == "null":
		return &val{kind: kNull, pos: pos}
	case (name == "and" || name == "or") && len(settled) > 0:
		stop := strconv.FormatBool(name == "or")
		all := true
		for i := range settled {
			s, ok := known(i)
			if ok && strings.EqualFold(s, stop) {
				return lit(pos, stop)
			}
			all = all && ok
		}
		if all {
			return truth(name == "and")
		}
	case (name == "coalesce" || name == "??") && len(a) > 0:
		if a[0] == nil || a[0].kind == kNull {
			return a[len(a)-1]
		}
		return a[0]
	}
	return nil
}
