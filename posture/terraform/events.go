package terraform

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// eventTarget reads aws_cloudwatch_event_target with the rule it belongs to.
func eventTarget(b *builder, r *res) {
	tr := r.event(r.prop, fnvet.TriggerBus)
	tr.OnFailure = r.get("dead_letter_config", "arn").text()
	tr.MaxAgeS, tr.Retries = r.get("retry_policy", "maximum_event_age_in_seconds").int(), r.get("retry_policy", "maximum_retry_attempts").int()
	tr.Source = r.get("event_bus_name").text()
	if rule := b.ruleOf(r.get("rule")); rule != nil {
		p := b.of(rule)
		tr.Schedule, tr.Filtered = p.get("schedule_expression").str(), !p.get("event_pattern").absent()
		tr.Maybe = tr.Maybe || rule.Maybe
		tr.Enabled = p.get("is_enabled").bool()
		if state := p.get("state").str(); !state.Absent() {
			tr.Enabled = mapped(state, func(s string) bool { return s != "DISABLED" })
		}
		if tr.Source.Absent() {
			tr.Source = p.get("event_bus_name").text()
		}
		if !tr.Schedule.Absent() {
			tr.Kind = fnvet.TriggerSchedule
		}
	}
	b.trigger(r.get("arn").text(), tr)
}

// ruleOf is the rule that a target names: by link, or by its name.
func (b *builder) ruleOf(p prop) *eval.Resource {
	for _, a := range p.alts {
		for _, ref := range a.Links() {
			if r := b.find(ref.Address); r != nil && r.Type == "aws_cloudwatch_event_rule" {
				return r
			}
		}
		name, ok := a.Text()
		for _, r := range b.byAddress {
			if ok && r.Type == "aws_cloudwatch_event_rule" && one(b.of(r).get("name").str()) == name {
				return r
			}
		}
	}
	return nil
}

func schedule(b *builder, r *res) {
	tr := r.event(r.prop, fnvet.TriggerSchedule)
	tr.Schedule, tr.OnFailure = r.get("schedule_expression").str(), r.get("target", "dead_letter_config", "arn").text()
	if state := r.get("state").str(); !state.Absent() {
		tr.Enabled = mapped(state, func(s string) bool { return s != "DISABLED" })
	}
	b.trigger(r.get("target", "arn").text(), tr)
}

func logSubscription(b *builder, r *res) {
	tr := r.event(r.prop, fnvet.TriggerLogs)
	tr.Source, tr.Filtered = r.get("log_group_name").text(), one(r.get("filter_pattern").str()) != ""
	b.trigger(r.get("destination_arn").text(), tr)
}

func iotRule(b *builder, r *res) {
	for _, x := range r.get("lambda").blocks() {
		tr := r.event(x, fnvet.TriggerIoT)
		tr.Source = r.get("sql").text()
		b.trigger(x.get("function_arn").text(), tr)
	}
}

// userPool reads the functions that Cognito calls.
func userPool(b *builder, r *res) {
	for _, x := range r.get("lambda_config").blocks() {
		for _, a := range x.alts {
			for _, f := range a.Fields {
				target := b.prop(f.Value, f.KeyPos)
				if strings.HasPrefix(f.Key, "kms_") {
					continue
				}
				if inner := target.get("lambda_arn"); len(inner.alts) > 0 {
					target = inner
				}
				tr := r.event(target, fnvet.TriggerIdentity)
				tr.Source = r.self("")
				b.trigger(target.text(), tr)
			}
		}
	}
}

func receiptRule(b *builder, r *res) {
	for _, x := range r.get("lambda_action").blocks() {
		b.trigger(x.get("function_arn").text(), r.event(x, fnvet.TriggerMail))
	}
}

func rotation(b *builder, r *res) {
	tr := r.event(r.prop, fnvet.TriggerOther)
	tr.Source = r.get("secret_id").text()
	b.trigger(r.get("rotation_lambda_arn").text(), tr)
}

// distribution reads the functions at the edge.
func distribution(b *builder, r *res) {
	all := append(r.get("default_cache_behavior").blocks(), r.get("ordered_cache_behavior").blocks()...)
	for _, behaviour := range all {
		for _, x := range behaviour.get("lambda_function_association").blocks() {
			tr := r.event(x, fnvet.TriggerHTTP)
			tr.Route = &model.Route{Pos: tr.Pos}
			b.trigger(x.get("lambda_arn").text(), tr)
		}
	}
}

// stateMachine notes the functions that a state machine calls.
func stateMachine(b *builder, r *res) { b.starts(r, r.get("definition")) }

// pipe reads an EventBridge pipe, which calls a function as its target or on the way.
func pipe(b *builder, r *res) { b.starts(r, r.get("target"), r.get("enrichment")) }

// starts gives a trigger to every function that texts refer to.
func (b *builder) starts(r *res, parts ...prop) {
	seen := map[string]bool{}
	for _, p := range parts {
		for _, link := range links(append(slices.Clone(p.alts), p.document().alts...), nil, 0) {
			if to := b.find(link.Address); to != nil && !seen[to.Address] {
				seen[to.Address] = true
				b.trigger(model.Is(p.at(), model.To(p.at(), model.RefResource, to.Address, "arn")), r.event(p, fnvet.TriggerOther))
			}
		}
	}
}

// links are all references in values, within bounds.
func links(values []*eval.Value, out []eval.Ref, depth int) []eval.Ref {
	for _, v := range values {
		if v == nil || depth > 40 || len(out) > 2000 {
			return out
		}
		out = append(out, v.Links()...)
		out = links(v.Items, out, depth+1)
		for _, f := range v.Fields {
			out = links([]*eval.Value{f.Value}, out, depth+1)
		}
	}
	return out
}
