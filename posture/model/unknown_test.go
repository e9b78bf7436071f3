package model

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Everything that could not be resolved is listed once, where it is written.
func TestUnknown(t *testing.T) {
	at := func(n int) Pos { return Pos{File: "t.yaml", Line: n, Column: 1} }
	m := &Model{
		Unresolved: []Unresolved{{Pos: at(9), What: "Fn::ImportValue x", Why: "it is exported by another stack"}},
		Parameters: []*Parameter{{Resource: Resource{ID: "Given"}}, {Resource: Resource{ID: "Default"}, Default: Is(at(1), Lit(at(1), "x"))}},
		Functions: []*Function{{
			Resource: Resource{Pos: at(2), ID: "F"},
			TimeoutS: Unknown[int](at(3), "parameter T has no default"),
			MemoryMB: Is(at(4), 128),
			Role:     Is(at(5), To(at(5), RefResource, "Role", "arn")),
			Layers:   List[Text]{Pos: at(6), Open: true},
			Env: []Variable{
				{Pos: at(7), Name: "A", Value: Is(at(7), To(at(7), RefParameter, "Given", ""))},
				{Pos: at(8), Name: "B", Value: Is(at(8), To(at(8), RefParameter, "Default", ""))},
				{Pos: at(9), Name: "C", Value: Is(at(9), To(at(9), RefImport, "x", ""))},
				{Pos: at(10), Name: "D", Value: Is(at(10), To(at(10), RefSecret, "s", ""))},
				{Pos: at(11), Name: "E", Value: Is(at(11), Text{Pos: at(11)}.Append(Part{Literal: "a"}, Part{Ref: &Ref{RefOther, "unknown", ""}}))},
				{Pos: at(12), Name: "F", Value: Is(at(12), To(at(12), RefSetting, "env:X", ""))},
			},
		}},
		Worlds: []*Model{{Functions: []*Function{{Resource: Resource{ID: "W"}, TimeoutS: Unknown[int](at(99), "?")}}}},
	}
	var got []string
	for _, u := range m.Unknown() {
		got = append(got, fmt.Sprint(u.Line, " ", u.What, ": ", u.Why))
	}
	want := []string{
		"3 timeout of F: parameter T has no default", "6 layers of F: it is known on deployment only", "7 ${Given}: the parameter has no default",
		"9 Fn::ImportValue x: it is exported by another stack", "11 value of F: it is known on deployment only", "12 ${env:X}: a setting of the place of deployment",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	m = &Model{}
	for i := range 1_000 {
		m.Functions = append(m.Functions, &Function{Resource: Resource{ID: strings.Repeat("x", 200)}, TimeoutS: Unknown[int](at(i), "?")})
	}
	if all := m.Unknown(); len(all) != maxUnknown || len(all[0].What) > 120 {
		t.Errorf("%d listed", len(all))
	}
}
