package cloudformation

import (
	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// stateMachine notes the functions that a state machine calls: its definition refers to
// them, or its substitutions do.
func (b *builder) stateMachine(r *resource) {
	b.starts(r, fnvet.TriggerOther, model.Value[model.Text]{}, r.get("Definition"), r.get("DefinitionString"), r.get("DefinitionSubstitutions"), r.get("DefinitionUri"))
}

// pipe reads an EventBridge pipe, which calls a function as its target or on the way.
func (b *builder) pipe(r *resource) {
	b.starts(r, fnvet.TriggerOther, r.get("Source").textValue(), r.get("Target"), r.get("Enrichment"))
}

// delivery reads a delivery stream that a function transforms.
func (b *builder) delivery(r *resource) {
	for _, key := range [...]string{"ExtendedS3DestinationConfiguration", "HttpEndpointDestinationConfiguration", "RedshiftDestinationConfiguration", "AmazonopensearchserviceDestinationConfiguration"} {
		b.starts(r, fnvet.TriggerStream, r.get("KinesisStreamSourceConfiguration", "KinesisStreamARN").textValue(), r.get(key, "ProcessingConfiguration"))
	}
}

// custom reads a custom resource, which calls a function while the stack is deployed.
func (b *builder) custom(r *resource) {
	b.starts(r, fnvet.TriggerOther, model.Value[model.Text]{}, r.get("ServiceToken"))
}

// configRule reads a rule of AWS Config with a function that decides.
func (b *builder) configRule(r *resource) {
	b.starts(r, fnvet.TriggerOther, model.Value[model.Text]{}, r.get("Source", "SourceIdentifier"))
}

// agent reads the actions of an agent of Bedrock.
func (b *builder) agent(r *resource) {
	b.starts(r, fnvet.TriggerOther, model.Value[model.Text]{}, r.get("ActionGroups"))
}

// starts gives a trigger to every function that parts of a resource refer to.
func (b *builder) starts(r *resource, kind fnvet.TriggerKind, source model.Value[model.Text], parts ...result) {
	var texts []model.Text
	for _, p := range parts {
		texts = leaves(p, texts, 0)
	}
	seen := map[string]bool{}
	for _, t := range texts {
		single := []model.Text{t}
		for _, ref := range t.Refs() {
			single = append(single, model.To(t.Pos, ref.Kind, ref.ID, ref.Attr))
		}
		for _, x := range single {
			if s := x.String(); !seen[s] {
				seen[s] = true
				b.trigger(model.Is(t.Pos, x), model.Trigger{Pos: model.At(t.Pos, r.Pos), ID: r.ID, Type: r.Type, Kind: kind, Source: source, Maybe: r.Maybe})
			}
		}
	}
}

// maxLeaves bounds the texts of one definition.
const maxLeaves = 2000

// leaves are the texts in a structure.
func leaves(r result, out []model.Text, depth int) []model.Text {
	for _, v := range r.vals {
		switch {
		case depth > 40 || len(out) >= maxLeaves:
			return out
		case v.node == nil:
			out = append(out, v.text)
		case v.node.Is(doc.List):
			for _, n := range v.node.Items {
				out = leaves(v.in.eval(n), out, depth+1)
			}
		default:
			for _, m := range v.node.All() {
				out = leaves(v.in.eval(m.Value), out, depth+1)
			}
		}
	}
	return out
}
