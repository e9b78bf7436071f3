package cloudformation

import (
	_ "embed" // of what SAM grants
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

//go:generate go run ./generate

//go:embed sam.json
var samFile []byte

// granted is the tree of sam.json.
var granted = sync.OnceValue(func() *doc.Node {
	n, err := doc.JSON("", samFile, false)
	if err != nil {
		return nil // a test says so
	}
	return n
})

// policyTemplate expands one of SAM's policy templates with its parameters, which
// are evaluated in the template that uses it.
func policyTemplate(t *template, name string, given, at *doc.Node) (list []*model.Statement, open bool) {
	definition := granted().At("templates", name)
	if definition == nil {
		t.unresolved(at, name, "SAM has no such policy template")
		return nil, true
	}
	in := &template{ctx: t.ctx, src: t.src, m: t.m, root: definition, parent: t, given: map[string]*doc.Node{}, parameters: map[string]*doc.Node{},
		steps: t.steps, stacks: t.stacks, listed: t.listed, files: t.files, asked: t.asked, sam: true}
	for _, m := range given.All() {
		in.given[m.Key] = m.Value
		in.parameters[m.Key] = m.Value
	}
	list, open = statements(in.eval(placed(definition, at)))
	for i, d := range definition.Get("Statement").Elements() {
		if i < len(list) {
			list[i].Fixed = !refers(d.Get("Resource"))
		}
	}
	return list, open
}

// refers reports whether a parameter is in a tree.
func refers(n *doc.Node) bool {
	if id := n.Get("Ref").Str(); id != "" && !strings.HasPrefix(id, "AWS::") {
		return true
	}
	for _, m := range n.All() {
		if refers(m.Value) {
			return true
		}
	}
	return slices.ContainsFunc(n.Elements(), refers)
}

// placed is a tree at the place of another node.
func placed(n, at *doc.Node) *doc.Node {
	out := *n
	out.File, out.Line, out.Column = at.File, at.Line, at.Column
	out.Items = make([]*doc.Node, len(n.Items))
	for i := range n.Items {
		out.Items[i] = placed(n.Items[i], at)
	}
	out.Members = make([]doc.Member, len(n.Members))
	for i, m := range n.Members {
		out.Members[i] = doc.Member{Key: m.Key, Line: at.Line, Column: at.Column, Value: placed(m.Value, at)}
	}
	return &out
}

// samConnector reads a connector that is a resource of its own.
func (b *builder) samConnector(r *resource) {
	source := one(r.get("Source", "Id").str())
	targets, _ := r.get("Destination").elements()
	for _, x := range targets {
		b.connector(r, source, one(x.get("Id").str()), r.get("Permissions").list())
	}
}

// embeddedConnectors reads those among the attributes of a resource.
func (b *builder) embeddedConnectors(r *resource) {
	for _, m := range r.node.Get("Connectors").All() {
		c := r.t.eval(m.Value)
		targets, _ := c.get("Properties", "Destination").elements()
		id := strings.TrimPrefix(r.ID, r.t.prefix)
		for _, x := range targets {
			b.connector(r, id, one(x.get("Id").str()), c.get("Properties", "Permissions").list())
		}
	}
}

// connector grants the role of a function what a connector gives it.
func (b *builder) connector(r *resource, from, to string, permissions model.List[model.Text]) {
	source, target := r.t.resources[from], r.t.resources[to]
	if source == nil || target == nil {
		return
	}
	plain := func(n *doc.Node) string { return connectorType(n.Get("Type").Str()) }
	role := &model.Policy{Resource: model.Resource{Pos: r.Pos, ID: r.ID, Cloud: model.AWS, Type: "AWS::Serverless::Connector", Implicit: true}, Template: "Connector"}
	for _, access := range permissions.Items {
		definition := granted().At("connectors", plain(source)+" "+plain(target)+" "+access.String())
		if definition == nil {
			continue
		}
		at := doc.New(nil, "")
		at.File, at.Line, at.Column = access.File, access.Line, access.Column
		list, _ := statements(r.t.eval(destination(placed(definition, at), to)))
		role.Statements = append(role.Statements, list...)
	}
	b.later(func() {
		for _, f := range b.m.Functions {
			if f.ID != r.t.prefix+from || len(role.Statements) == 0 {
				continue
			}
			for _, id := range f.Roles {
				if one := b.m.FindRole(id); one != nil {
					one.Policies = append(one.Policies, role)
				}
			}
		}
	})
}

// connectorType is the plain type of a resource.
func connectorType(typ string) string {
	switch typ {
	case "AWS::Serverless::Function":
		return "AWS::Lambda::Function"
	case "AWS::Serverless::SimpleTable":
		return "AWS::DynamoDB::Table"
	case "AWS::Serverless::StateMachine":
		return "AWS::StepFunctions::StateMachine"
	case "AWS::Serverless::Api":
		return "AWS::ApiGateway::RestApi"
	case "AWS::Serverless::HttpApi":
		return "AWS::ApiGatewayV2::Api"
	}
	return typ
}

// destination puts the resource into the placeholders of a connector's profile.
func destination(n *doc.Node, id string) *doc.Node {
	out := *n
	if strings.Contains(n.Text, "%{Destination.") {
		text := strings.NewReplacer("%{Destination.Arn}", "${"+id+".Arn}", "%{Destination.QueueName}", "${"+id+".QueueName}", "%{Destination.Name}", "${"+id+".Name}", "%{", "${").Replace(n.Text)
		s := doc.New(n, text)
		return doc.NewMap(n, doc.Pair("Fn::Sub", s))
	}
	out.Items = make([]*doc.Node, len(n.Items))
	for i := range n.Items {
		out.Items[i] = destination(n.Items[i], id)
	}
	out.Members = make([]doc.Member, len(n.Members))
	for i, m := range n.Members {
		m.Value = destination(m.Value, id)
		out.Members[i] = m
	}
	return &out
}
