package policy

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet"
)

// ruleQuality is the id of what falls short of sbom-quality.
const ruleQuality = "policy/sbom-quality"

// A qualityRule is a share of the packages, in percent, of which an element of the
// SBOM must be known.
type qualityRule struct {
	element string
	percent float64
}

// qualityElements are what can be asked, in the words of the SBOM's fnvet:unknown,
// and when it is known of a package.
func qualityElements() []struct {
	name  string
	known func(*fnvet.Package) bool
} {
	link := func(kind string) func(*fnvet.Package) bool {
		return func(p *fnvet.Package) bool {
			for _, l := range p.Links {
				if l.Kind == kind {
					return true
				}
			}
			return false
		}
	}
	return []struct {
		name  string
		known func(*fnvet.Package) bool
	}{
		{"supplier", func(p *fnvet.Package) bool { return p.Supplier != nil }},
		{"version", func(p *fnvet.Package) bool { return p.Version != "" }},
		{"purl", func(p *fnvet.Package) bool { return p.PURL != "" }},
		{"licence", func(p *fnvet.Package) bool { return len(p.Licenses)+len(p.Concluded) > 0 }},
		{"hash", func(p *fnvet.Package) bool { return len(p.Hashes) > 0 }},
		{"dependencies", func(p *fnvet.Package) bool { return p.DependsOn != nil }},
		{"source", link(fnvet.LinkVCS)},
		{"distribution", link(fnvet.LinkDistribution)},
	}
}

// quality reads "sbom-quality": a mapping of elements to percents.
func quality(n *yaml.Node, q *Policy) error {
	known := fields{}
	var rules []qualityRule
	for _, e := range qualityElements() {
		known[e.name] = func(n *yaml.Node) error {
			n = resolve(n)
			percent, err := strconv.ParseFloat(strings.TrimSuffix(n.Value, "%"), 64)
			if n.Kind != yaml.ScalarNode || err != nil || !(percent >= 0 && percent <= 100) {
				return wrong(n, "%q is not a percentage of the packages from 0 to 100", n.Value)
			}
			rules = append(rules, qualityRule{e.name, percent})
			return nil
		}
	}
	if err := mapping(n, known); err != nil {
		return err
	}
	q.quality = rules
	return nil
}

// qualityFindings say which elements are known of too few packages.
func (p Policy) qualityFindings(r *fnvet.Report) []fnvet.Finding {
	var out []fnvet.Finding
	for _, rule := range p.quality {
		var is func(*fnvet.Package) bool
		for _, e := range qualityElements() {
			if e.name == rule.element {
				is = e.known
			}
		}
		count, missing := 0, []string{}
		for i := range r.Packages {
			if is(&r.Packages[i]) {
				count++
			} else if len(missing) < 5 {
				missing = append(missing, r.Packages[i].Name)
			}
		}
		if total := len(r.Packages); float64(100*count) < rule.percent*float64(total) {
			out = append(out, fnvet.Finding{
				ID: ruleQuality, Kind: fnvet.Hygiene, Severity: fnvet.High, Path: r.Artifact.Name, Resource: rule.element,
				Title:       fmt.Sprintf("SBOM quality: %s known of %d of %d packages, the policy asks for %g%%", rule.element, count, total, rule.percent),
				Evidence:    short("not of " + strings.Join(missing, ", ")),
				Remediation: "keep the lockfile and the packages' own metadata in the artifact, or ask for less in sbom-quality",
				Fingerprint: fingerprint(ruleQuality, rule.element),
			})
		}
	}
	return out
}
