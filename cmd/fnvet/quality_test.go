package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
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
		Authors                []struct{ Name, Email string }
		Supplier, Manufacturer qualityParty
		Licenses               []struct{ License struct{ ID string } }
		Component              qualityComponent
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
	BOMRef       string `json:"bom-ref"`
	Type         string
	Name         string
	Version      string
	PURL         string
	Hashes       []qualityHash
	Supplier     qualityParty
	Manufacturer qualityParty
	Licenses     []struct {
		Expression, Acknowledgement string
		License                     struct{ ID, Acknowledgement string }
	}
	ExternalReferences []struct {
		Type, URL string
		Hashes    []qualityHash
	}
	Properties []struct{ Name, Value string }
	Evidence   struct {
		Occurrences []struct{ Location string }
	}
}

type qualityHash struct{ Alg, Content string }

type qualityParty struct {
	Name    string
	URL     []string
	Contact []struct{ Email string }
}

// reachable is BSI's creator: an address of mail, or else of the web.
func (p qualityParty) reachable() bool {
	return len(p.URL) > 0 || len(p.Contact) > 0 && p.Contact[0].Email != ""
}

func (c *qualityComponent) property(name string) string {
	for _, p := range c.Properties {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// licensed says whether a licence with that acknowledgement is an SPDX id or expression.
func (c *qualityComponent) licensed(how string) bool {
	for _, l := range c.Licenses {
		if l.Acknowledgement == how && l.Expression != "" || l.License.Acknowledgement == how && l.License.ID != "" {
			return true
		}
	}
	return false
}

// strong tells the digests that no one has found two texts of.
func strong(h qualityHash) bool { return h.Alg != "MD5" && h.Alg != "SHA-1" }

// deprecated tells ids that the SPDX list has replaced: those of the GNU licences
// that do not say whether a later version will do.
func (c *qualityComponent) deprecated() bool {
	for _, l := range c.Licenses {
		for word := range strings.FieldsSeq(strings.NewReplacer("(", " ", ")", " ").Replace(l.Expression + " " + l.License.ID)) {
			if slices.Contains(spdxlicenses.GetDeprecated(), word) {
				return true
			}
		}
	}
	return false
}

func (c *qualityComponent) refers(kind string, hash bool) bool {
	for _, r := range c.ExternalReferences {
		if r.Type != kind {
			continue
		}
		if !hash || slices.ContainsFunc(r.Hashes, func(h qualityHash) bool { return h.Alg == "SHA-512" && len(h.Content) == 128 }) {
			return true
		}
	}
	return false
}

// elements are what BSI TR-03183-2 v2.1 (5.2.2 required, 5.2.4 additional), NTIA
// and CISA ask of each component, by the name under which it is stated unknown.
func (c *qualityComponent) elements() map[string]bool {
	return map[string]bool{
		"supplier":     c.Supplier.Name != "" && c.Manufacturer.Name != "",
		"version":      c.Version != "",
		"purl":         c.PURL != "",
		"licence":      len(c.Licenses) > 0,
		"hash":         len(c.Hashes) > 0,
		"filename":     c.property("bsi:component:filename") != "",
		"executable":   c.property("bsi:component:executable") != "",
		"archive":      c.property("bsi:component:archive") != "",
		"structured":   c.property("bsi:component:structured") != "",
		"source":       c.refers("vcs", false),
		"distribution": c.refers("distribution", false),
	}
}

// score is the mean, 0 to 10, of what the document and its components have of
// all that is asked for: the mean over its elements of the share of components. The
// elements are those of NTIA, CISA and BSI, and all that sbomqs 2.0 is documented to
// score (its categories identification to structural) but three: CPEs and signatures,
// which would be made up here, and how restrictive licences are, which is a matter of taste.
func (b *qualityBOM) score() (score float64, bsi float64) {
	var all, required []float64
	share := func(list *[]float64, has func(c *qualityComponent) bool) {
		n := 0
		for i := range b.Components {
			if has(&b.Components[i]) {
				n++
			}
		}
		if len(b.Components) > 0 {
			*list = append(*list, float64(n)/float64(len(b.Components)))
		}
	}
	for _, name := range []string{"supplier", "version", "licence", "hash", "source", "purl"} {
		share(&all, func(c *qualityComponent) bool { return c.elements()[name] })
	}
	share(&all, func(c *qualityComponent) bool { return c.licensed("concluded") })
	share(&all, func(c *qualityComponent) bool { return c.licensed("declared") || c.property("fnvet:licence") != "" })
	share(&all, func(c *qualityComponent) bool { return c.Type != "" })
	share(&all, func(c *qualityComponent) bool { return slices.ContainsFunc(c.Hashes, strong) })
	share(&all, func(c *qualityComponent) bool { return !c.deprecated() })
	share(&required, func(c *qualityComponent) bool { return c.Manufacturer.reachable() })
	for _, name := range []string{"version", "filename", "executable", "archive", "structured"} {
		share(&required, func(c *qualityComponent) bool { return c.elements()[name] })
	}
	share(&required, func(c *qualityComponent) bool { return c.licensed("concluded") })
	share(&required, func(c *qualityComponent) bool { return c.refers("distribution", true) })
	// What always checks is there for certain: serial number, time, lifecycle, tool,
	// author, supplier, primary component with hash and licence, names, graph,
	// compositions, licence of the document.
	for range 12 {
		all = append(all, 1)
	}
	for range 4 { // creator, time, name, dependencies with their completeness
		required = append(required, 1)
	}
	return 10 * mean(all), 10 * mean(required)
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(len(list))
}

// Every element that an SBOM of ours must always have is there for every test
// artifact, what is missing is stated unknown, and the share of the elements that
// depend on what the artifact states does not fall below a line.
func TestSBOMQuality(t *testing.T) {
	own(t)
	floors := map[string]struct{ all, bsi float64 }{ // of 10
		"clean-fn.zip": {10, 10}, "image-alpine.tar": {8.4, 6.1}, "image-oci.tar": {7.7, 6.3}, "image-two-layers.tar": {7.7, 6.3},
		"java-report.jar": {7.6, 8.1}, "layer.zip": {8.6, 8.1}, "nested.zip": {7.5, 6.8}, "node-orders.zip": {9.8, 9.3}, "python-thumbs.zip": {8.3, 7.5},
	}
	for _, file := range testPackages(t) {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			floor, known := floors[name]
			if !known {
				t.Fatal("no line is drawn for it")
			}
			out := fnvetRun(t, 0, "sbom", "--sandbox=false", "--supplier", "Orders Ltd", "--author", "Ann <ann@example.com>", "--licence", "MIT", "--data-licence", "CC0-1.0", file)
			var b qualityBOM
			if err := json.NewDecoder(strings.NewReader(out)).Decode(&b); err != nil {
				t.Fatal(err)
			}
			b.always(t)
			all, bsi := b.score()
			t.Logf("%.2f of 10; of what BSI requires %.2f", all, bsi)
			if all < floor.all || bsi < floor.bsi {
				t.Errorf("%.2f of 10, of what BSI requires %.2f: below %v", all, bsi, floor)
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
		"creator as BSI wants it":       m.Manufacturer.reachable() && m.Component.Manufacturer.reachable(),
		"supplier":                      m.Supplier.Name == "Orders Ltd",
		"primary component":             m.Component.Name != "" && m.Component.Version != "" && m.Component.BOMRef != "",
		"hash of the primary component": len(m.Component.Hashes) == 2 && m.Component.refers("distribution", true),
		"form of the primary component": m.Component.property("bsi:component:filename") != "" && m.Component.property("bsi:component:executable") != "" &&
			m.Component.property("bsi:component:archive") != "" && m.Component.property("bsi:component:structured") != "",
		"unique id of the artifact, or that none is known": (m.Component.PURL != "") != slices.Contains(strings.Fields(m.Component.property("fnvet:unknown")), "purl"),
		"licence of the document":                          len(m.Licenses) == 1 && m.Licenses[0].License.ID == "CC0-1.0",
		"licence of the artifact":                          m.Component.licensed("concluded") && m.Component.licensed("declared"),
		"says how complete it is":                          len(b.Compositions) > 0 && slices.Contains(b.Compositions[0].Assemblies, m.Component.BOMRef),
	} {
		if !ok {
			t.Errorf("missing: %s", element)
		}
	}
	b.connected(t)
	for i := range b.Components {
		c := &b.Components[i]
		part := c.property("fnvet:part")
		if c.Name == "" || c.BOMRef == "" || c.Version == "" || part == "" && c.PURL == "" || part != "layer" && len(c.Evidence.Occurrences) == 0 {
			t.Errorf("%s: no name, reference, version, package URL or place: %+v", c.BOMRef, c)
		}
		unknown := strings.Fields(c.property("fnvet:unknown"))
		for element, has := range c.elements() {
			if said := slices.Contains(unknown, element); !has && !said && part == "" {
				t.Errorf("%s: %s is neither there nor stated unknown", c.BOMRef, element)
			} else if has && said && element != "distribution" {
				t.Errorf("%s: %s is there and stated unknown", c.BOMRef, element)
			}
		}
	}
}

// connected checks that the graph has every component, that each is reached from
// the artifact, and that something says how complete its dependencies are.
func (b *qualityBOM) connected(t *testing.T) {
	t.Helper()
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
	todo := []string{b.Metadata.Component.BOMRef}
	for len(todo) > 0 {
		ref := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !reached[ref] {
			reached[ref] = true
			todo = append(todo, node[ref]...)
		}
	}
	for _, c := range b.Components {
		if _, in := node[c.BOMRef]; !in || !reached[c.BOMRef] {
			t.Errorf("%s: not in the dependency graph, or not reached from the artifact", c.BOMRef)
		}
		if !aggregate[c.BOMRef] {
			t.Errorf("%s: nothing says whether its dependencies are known", c.BOMRef)
		}
	}
}
