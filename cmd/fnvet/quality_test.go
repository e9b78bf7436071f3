package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The elements that NTIA's minimum, CISA's draft of 2025 and BSI TR-03183-2 ask
// for, as far as CycloneDX states them.
type qualityBOM struct {
	SerialNumber string
	Metadata     struct {
		Timestamp  string
		Lifecycles []struct{ Phase string }
		Tools      struct {
			Components []struct{ Name, Version string }
		}
		Authors   []struct{ Name, Email string }
		Supplier  struct{ Name string }
		Component qualityComponent
	}
	Components   []qualityComponent
	Dependencies []struct {
		Ref       string
		DependsOn []string
	}
	Compositions []struct {
		Aggregate    string
		Assemblies   []string
		Dependencies []string
	}
}

type qualityComponent struct {
	BOMRef   string `json:"bom-ref"`
	Name     string
	Version  string
	PURL     string
	Hashes   []struct{ Alg, Content string }
	Licenses []json.RawMessage
	Evidence struct {
		Occurrences []struct{ Location string }
	}
}

// Every element that an SBOM of ours must always have is there for every test
// artifact; those that depend on what the artifact states do not fall below a line.
func TestSBOMQuality(t *testing.T) {
	own(t)
	floors := map[string]struct{ licences, hashes int }{ // components with them, in percent
		"clean-fn.zip": {100, 100}, "image-alpine.tar": {100, 0}, "image-oci.tar": {30, 0}, "image-two-layers.tar": {30, 0},
		"java-report.jar": {20, 40}, "layer.zip": {100, 0}, "nested.zip": {33, 0}, "node-orders.zip": {100, 100}, "python-thumbs.zip": {83, 0},
	}
	files, err := filepath.Glob("../../testdata/packages/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no packages: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			floor, known := floors[name]
			if !known {
				t.Fatal("no line is drawn for it")
			}
			out := fnvetRun(t, 0, "sbom", "--sandbox=false", "--supplier", "Orders Ltd", "--author", "Ann <ann@example.com>", "--licence", "MIT", file)
			var b qualityBOM
			if err := json.NewDecoder(strings.NewReader(out)).Decode(&b); err != nil {
				t.Fatal(err)
			}
			b.always(t)
			licences, hashes := 0, 0
			for _, c := range b.Components {
				licences += min(len(c.Licenses), 1)
				hashes += min(len(c.Hashes), 1)
			}
			if n := len(b.Components); n > 0 && (100*licences/n < floor.licences || 100*hashes/n < floor.hashes) {
				t.Errorf("of %d components %d have licences and %d have hashes: below %d%% and %d%%", n, licences, hashes, floor.licences, floor.hashes)
			}
		})
	}
}

// always checks what must be there whatever the artifact is.
func (b *qualityBOM) always(t *testing.T) {
	t.Helper()
	m := b.Metadata
	for element, ok := range map[string]bool{
		"serial number":                 strings.HasPrefix(b.SerialNumber, "urn:uuid:"),
		"timestamp":                     m.Timestamp != "",
		"lifecycle":                     len(m.Lifecycles) == 1 && m.Lifecycles[0].Phase != "",
		"tool and its version":          len(m.Tools.Components) == 1 && m.Tools.Components[0].Name != "" && m.Tools.Components[0].Version != "",
		"author with mail":              len(m.Authors) == 1 && m.Authors[0].Email == "ann@example.com",
		"supplier":                      m.Supplier.Name == "Orders Ltd",
		"primary component":             m.Component.Name != "" && m.Component.Version != "" && m.Component.BOMRef != "",
		"hash of the primary component": len(m.Component.Hashes) > 0 && len(m.Component.Hashes[0].Content) == 64,
		"licence of the artifact":       len(m.Component.Licenses) == 1,
		"says how complete it is":       len(b.Compositions) > 0 && slices.Contains(b.Compositions[0].Assemblies, m.Component.BOMRef),
	} {
		if !ok {
			t.Errorf("missing: %s", element)
		}
	}
	node, aggregate := map[string][]string{}, map[string]bool{}
	for _, d := range b.Dependencies {
		node[d.Ref] = d.DependsOn
	}
	for _, c := range b.Compositions {
		for _, ref := range c.Dependencies {
			aggregate[ref] = true
		}
	}
	reached := map[string]bool{}
	todo := []string{m.Component.BOMRef}
	for len(todo) > 0 {
		ref := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !reached[ref] {
			reached[ref] = true
			todo = append(todo, node[ref]...)
		}
	}
	for _, c := range b.Components {
		_, inGraph := node[c.BOMRef]
		switch {
		case c.Name == "" || c.BOMRef == "" || c.PURL == "" || c.Version == "":
			t.Errorf("%s: no name, reference, version or package URL: %+v", c.BOMRef, c)
		case len(c.Evidence.Occurrences) == 0:
			t.Errorf("%s: no place where it is", c.BOMRef)
		case !inGraph || !reached[c.BOMRef]:
			t.Errorf("%s: not in the dependency graph, or not reached from the artifact", c.BOMRef)
		case !aggregate[c.BOMRef]:
			t.Errorf("%s: nothing says whether its dependencies are known", c.BOMRef)
		}
	}
}
