package main

import (
	"slices"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/deps"
	"github.com/fnvet/fnvet/hygiene"
	"github.com/fnvet/fnvet/inject"
	"github.com/fnvet/fnvet/platform"
	"github.com/fnvet/fnvet/policy"
	"github.com/fnvet/fnvet/posture"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/reach"
	"github.com/fnvet/fnvet/reach/golang"
	"github.com/fnvet/fnvet/scan"
	"github.com/fnvet/fnvet/secrets"
	"github.com/fnvet/fnvet/unpack"
)

// inventoryKinds are the kinds of finding that need the packages.
var inventoryKinds = []fnvet.Kind{fnvet.Vulnerability, fnvet.Malware, fnvet.License, fnvet.Hygiene}

// steps is the whole table of what a scan does with a file, made anew for each
// target: detectors that join several files hold the state of one scan.
// Templates come first: the steps below them hear which functions they state.
func steps(finder *secrets.Scanner, injector *inject.Detector, handler string, templates posture.Options) []scan.Step {
	table := []scan.Step{{Name: "posture", Kinds: fnvet.Kinds[:], Detector: posture.New(templates)}}
	table = append(table, inventory()...)
	table = append(table, scan.Step{Name: "platform", Kinds: fnvet.Kinds[:], Detector: platform.New()})
	table = append(table, scan.Step{Name: "reach", Kinds: inventoryKinds, Detector: reach.New(reach.Options{Handler: handler})})
	table = append(table, scan.Step{Name: "reach/go", Kinds: inventoryKinds, Detector: golang.Detector{}})
	table = append(table, scan.Step{Name: "hygiene", Kinds: []fnvet.Kind{fnvet.Hygiene}, Detector: hygiene.New(hygiene.Options{Handler: handler})})
	table = append(table, scan.Step{Name: "inject", Kinds: []fnvet.Kind{fnvet.Injection}, Detector: injector})
	return append(table, scan.Step{Name: "secrets", Kinds: []fnvet.Kind{fnvet.SecretKind}, Detector: finder})
}

// inventory is the part of the table that lists packages.
func inventory() []scan.Step {
	var table []scan.Step
	for _, d := range deps.Detectors() {
		table = append(table, scan.Step{Name: d.Name, Kinds: inventoryKinds, Detector: d.Detector})
	}
	return table
}

// rulesFor is rules for the formats that explain them, nil for others: to read
// them takes longer than a small report.
func rulesFor(format string) ([]fnvet.Rule, error) {
	switch format {
	case "html", "sarif":
		return rules()
	}
	return nil, nil
}

// rules lists every rule of every step, by id.
func rules() ([]fnvet.Rule, error) {
	all, err := secrets.Rules()
	if err != nil {
		return nil, err
	}
	all = append(all, advisory.Rules()...)
	all = append(all, deps.Rules()...)
	all = append(all, unpack.Rules()...)
	all = append(all, hygiene.Rules()...)
	all = append(all, check.Rules()...)
	all = append(all, policy.Rules()...)
	flows, err := inject.Rules()
	if err != nil {
		return nil, err
	}
	all = append(all, flows...)
	slices.SortFunc(all, func(a, b fnvet.Rule) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
	return all, nil
}
