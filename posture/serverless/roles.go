package serverless

import (
	"github.com/fnvet/fnvet/posture/internal/doc"
)

// arn is Fn::GetAtt of a resource's Arn.
func arn(at *doc.Node, id string) *doc.Node {
	return doc.NewMap(at, doc.Pair("Fn::GetAtt", doc.NewList(at, doc.New(at, id), doc.New(at, "Arn"))))
}

// list is a node as a list.
func list(n *doc.Node) []*doc.Node {
	switch {
	case n == nil || n.Kind == doc.Null:
		return nil
	case n.Is(doc.List):
		return n.Items
	}
	return []*doc.Node{n}
}

// inline are the statements of a function's own role, in each way they can be given.
func inline(n *doc.Node) *doc.Node {
	return first(n.Get("iamRoleStatements"), n.At("iam", "role", "statements"))
}

// roleOf is the role of a function: stated, its own, or the service's.
func (s *service) roleOf(f *function) *doc.Node {
	n := f.node
	stated := first(n.Get("role"), plainRole(n.At("iam", "role")))
	own := inline(n)
	if stated == nil && own == nil {
		stated = first(s.provider("role"), plainRole(s.provider("iam", "role")))
	}
	switch {
	case stated != nil && s.names[stated.Str()]: // a logical name
		return arn(stated, stated.Str())
	case stated != nil:
		return stated
	case own == nil && s.provider("iam", "role", "mode").Str() != "perFunction":
		return arn(f.node, sharedRoleID)
	}
	id := normal(f.key) + sharedRoleID
	at := first(own, f.node)
	inherit := first(n.Get("iamRoleStatementsInherit"), s.custom("serverless-iam-roles-per-function", "defaultInherit")).True() ||
		n.Get("iamRoleStatements") == nil
	statements := list(own)
	if inherit {
		statements = append(append([]*doc.Node(nil), s.shared()...), statements...)
	}
	s.role(id, at, []*function{f}, statements, first(n.At("iam", "role", "managedPolicies"), n.Get("iamManagedPolicies")))
	return arn(at, id)
}

// plainRole is a role that is named instead of described.
func plainRole(n *doc.Node) *doc.Node {
	if n.Is(doc.Map) {
		for _, key := range [...]string{"statements", "managedPolicies", "name", "permissionsBoundary", "permissionBoundary", "path", "tags", "mode", "deploymentRole"} {
			if n.Get(key) != nil {
				return nil
			}
		}
		if len(n.Members) == 0 {
			return nil
		}
	}
	return first(n)
}

// shared are the statements of the service's role.
func (s *service) shared() []*doc.Node {
	var all []*doc.Node
	for _, n := range []*doc.Node{s.provider("iam", "role", "statements"), s.provider("iamRoleStatements")} {
		all = append(all, list(n)...)
	}
	return all
}

// sharedRole makes the service's role when a function uses it.
func (s *service) sharedRole(all []*function) {
	var users []*function
	for _, f := range all {
		for _, m := range s.members {
			if m.Key == f.id && m.Value.At("Properties", "Role").Get("Fn::GetAtt").Is(doc.List) && m.Value.At("Properties", "Role", "Fn::GetAtt").Items[0].Str() == sharedRoleID {
				users = append(users, f)
			}
		}
	}
	if len(users) == 0 {
		return
	}
	at := first(s.provider("iam", "role"), s.provider("iamRoleStatements"), s.root.Get("functions"))
	s.role(sharedRoleID, at, users, s.shared(), first(s.provider("iam", "role", "managedPolicies"), s.provider("iamManagedPolicies")))
}

// role writes a role with what the framework itself grants: logs, dead letters, and
// what event sources need.
func (s *service) role(id string, at *doc.Node, users []*function, statements []*doc.Node, managed *doc.Node) {
	s.roles[id] = true
	all := append([]*doc.Node(nil), statements...)
	if !s.provider("logs", "lambda").Is(doc.Bool) || s.provider("logs", "lambda").True() {
		all = append(all, allow(at, doc.New(at, "arn:aws:logs:*:*:log-group:/aws/lambda/"+s.serviceName()+"-"+s.stage()+"*:*"), "logs:CreateLogStream", "logs:CreateLogGroup", "logs:PutLogEvents", "logs:TagResource"))
	}
	policies := list(managed)
	traced, attached := false, false
	for _, f := range users {
		n := f.node
		if to := n.Get("onError"); to != nil {
			all = append(all, allow(to, to, "sns:Publish"))
		}
		if !traced && tracing(first(n.Get("tracing"), s.provider("tracing", "lambda"))) != nil {
			traced = true
			all = append(all, allow(at, doc.New(at, "*"), "xray:PutTraceSegments", "xray:PutTelemetryRecords"))
		}
		if !attached && vpc(first(n.Get("vpc"), s.provider("vpc"))) != nil {
			attached = true
			policies = append(policies, doc.New(at, "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"))
		}
		all = append(all, sources(n)...)
	}
	trust := doc.NewMap(at, doc.Pair("Effect", doc.New(at, "Allow")), doc.Pair("Action", doc.New(at, "sts:AssumeRole")),
		doc.Pair("Principal", doc.NewMap(at, doc.Pair("Service", doc.New(at, "lambda.amazonaws.com")))))
	document := doc.NewMap(at, doc.Pair("Statement", doc.NewList(at, all...)))
	policy := doc.NewMap(at, doc.Pair("PolicyName", doc.New(at, id)), doc.Pair("PolicyDocument", document))
	s.put(id, at, "AWS::IAM::Role",
		doc.Pair("RoleName", s.provider("iam", "role", "name")),
		doc.Pair("AssumeRolePolicyDocument", doc.NewMap(at, doc.Pair("Statement", trust))),
		doc.Pair("Policies", doc.NewList(at, policy)),
		doc.Pair("ManagedPolicyArns", doc.NewList(at, policies...)),
		doc.Pair("PermissionsBoundary", first(s.provider("iam", "role", "permissionsBoundary"), s.provider("iam", "role", "permissionBoundary"), s.provider("rolePermissionsBoundary"))))
}

func allow(at, resource *doc.Node, actions ...string) *doc.Node {
	names := make([]*doc.Node, len(actions))
	for i, a := range actions {
		names[i] = doc.New(at, a)
	}
	return doc.NewMap(at, doc.Pair("Effect", doc.New(at, "Allow")), doc.Pair("Action", doc.NewList(at, names...)), doc.Pair("Resource", resource))
}

// sources are the statements that the event sources of a function need.
func sources(n *doc.Node) []*doc.Node {
	var out []*doc.Node
	for _, e := range n.Get("events").Elements() {
		switch kind, v := eventOf(e); kind {
		case "sqs":
			if from := arnOf(v); from != nil {
				out = append(out, allow(v, from, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"))
			}
		case "stream":
			from := arnOf(v)
			switch {
			case from == nil:
			case streamType(v, from) == "DynamoDB":
				out = append(out, allow(v, from, "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"))
			default:
				out = append(out, allow(v, from, "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStreamSummary", "kinesis:ListShards"))
			}
		}
	}
	return out
}
