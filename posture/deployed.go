package posture

import (
	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// deployed is the model of a function that an API describes: what it does not say
// (concurrency, policies, triggers) is unknown, not absent.
func (d *Detector) deployed() *stack {
	c := d.artifact.Config
	if c.Function == "" {
		return nil
	}
	at := model.Pos{File: d.artifact.Name}
	unasked := "the scan did not ask for it"
	f := &model.Function{Resource: model.Resource{Pos: at, ID: d.artifact.Name, Cloud: model.AWS, Type: "AWS::Lambda::Function"}}
	f.Runtime, f.Handler, f.PackageType = known(at, c.Runtime), known(at, c.Handler), known(at, c.PackageType)
	f.TimeoutS, f.MemoryMB, f.EphemeralMB = number(at, c.TimeoutS), number(at, c.MemoryMB), number(at, c.EphemeralMB)
	f.Tracing = known(at, c.Tracing)
	for _, a := range c.Architectures {
		f.Architectures.Items = append(f.Architectures.Items, model.Lit(at, a))
	}
	for _, l := range c.LayerARNs {
		f.Layers.Items = append(f.Layers.Items, model.Lit(at, l))
	}
	f.Concurrency = model.Unknown[int](at, unasked)
	f.CodeSigning, f.OnFailure = model.Unknown[model.Text](at, unasked), model.Unknown[model.Text](at, unasked)
	f.Role, f.KMSKey, f.DeadLetter = text(at, c.Role), text(at, c.KMSKey), text(at, c.DeadLetter)
	if c.VPC != "" {
		f.Network = &model.Network{Pos: at, Subnets: model.List[model.Text]{Open: true}, SecurityGroups: model.List[model.Text]{Open: true}}
	}
	f.Env = variables(at, d.settings)
	m := &model.Model{Dialect: model.FunctionConfig, Cloud: model.AWS, File: at.File, Functions: []*model.Function{f}, Partial: true}
	return &stack{model: m, own: true, files: &tracked{read: map[string]bool{}}}
}

// variables are the environment among the settings of an artifact.
func variables(at model.Pos, settings []fnvet.Setting) []model.Variable {
	var out []model.Variable
	for _, s := range settings {
		if s.Source == "env" {
			out = append(out, model.Variable{Pos: at, Name: s.Name, Value: model.Is(at, model.Lit(at, s.Value))})
		}
	}
	return out
}

func known(at model.Pos, s string) model.Value[string] {
	if s == "" {
		return model.Value[string]{}
	}
	return model.Is(at, s)
}

func number(at model.Pos, n int) model.Value[int] {
	if n == 0 {
		return model.Value[int]{}
	}
	return model.Is(at, n)
}

func text(at model.Pos, s string) model.Value[model.Text] {
	if s == "" {
		return model.Value[model.Text]{}
	}
	return model.Is(at, model.Lit(at, s))
}
