package serverless

import (
	"github.com/fnvet/fnvet/posture/internal/doc"
)

// machines writes the state machines of the plugin serverless-step-functions, whose
// definitions name functions by their keys:
// https://github.com/serverless-operations/serverless-step-functions
func (s *service) machines() {
	for _, m := range s.root.At("stepFunctions", "stateMachines").All() {
		if d := m.Value.Get("definition"); d != nil {
			s.put(alnum(m.Key), m.Value, "AWS::StepFunctions::StateMachine", doc.Pair("Definition", s.byKey(d, 0)))
		}
	}
}

// byKey is a tree in which references to a function's key are to its resource.
func (s *service) byKey(n *doc.Node, depth int) *doc.Node {
	if n == nil || depth > doc.MaxDepth {
		return n
	}
	out := *n
	out.Items, out.Members = nil, nil
	for _, item := range n.Items {
		out.Items = append(out.Items, s.byKey(item, depth+1))
	}
	for _, m := range n.Members {
		if parts := list(m.Value); m.Key == "Fn::GetAtt" && len(parts) == 2 && s.byID[normal(parts[0].Str())+"LambdaFunction"] != nil {
			m.Value = doc.NewList(m.Value, doc.New(parts[0], normal(parts[0].Str())+"LambdaFunction"), parts[1])
		} else {
			m.Value = s.byKey(m.Value, depth+1)
		}
		out.Members = append(out.Members, m)
	}
	return &out
}
