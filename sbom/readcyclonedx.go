package sbom

import (
	"bytes"
	"cmp"
	"errors"
	"net/url"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/fnvet/fnvet"
)

func parseCycloneDX(data []byte, format string) (*parsed, error) {
	f := cdx.BOMFileFormatJSON
	if format == "cyclonedx-xml" {
		f = cdx.BOMFileFormatXML
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), f).Decode(&bom); err != nil {
		return nil, err
	}
	if f == cdx.BOMFileFormatJSON && bom.BOMFormat != cdx.BOMFormat {
		return nil, errors.New("bomFormat is not CycloneDX")
	}
	d := &parsed{doc: Document{Spec: bom.SpecVersion.String()}}
	var todo []cdx.Component
	if m := bom.Metadata; m != nil && m.Component != nil {
		d.doc.Name = m.Component.Name
		for _, h := range deref(m.Component.Hashes) {
			if h.Algorithm == cdx.HashAlgoSHA256 {
				d.doc.Digest = "sha256:" + strings.ToLower(h.Value)
			}
		}
		todo = append(todo, deref(m.Component.Components)...)
	}
	todo = append(todo, deref(bom.Components)...)
	deps, leaves := cdxGraph(&bom)
	d.addAll(todo, deps, leaves)
	return d, nil
}

// addAll takes components and those nested in them. The decoders bound the nesting.
func (d *parsed) addAll(components []cdx.Component, deps map[string][]string, leaves map[string]bool) {
	for i := range components {
		d.addCycloneDX(&components[i], deps, leaves)
		d.addAll(deref(components[i].Components), deps, leaves)
	}
}

func deref[T any](p *[]T) []T {
	if p == nil {
		return nil
	}
	return *p
}

// cdxGraph reads who depends on whom, and who is known to depend on nothing:
// those whose dependencies a composition calls complete.
func cdxGraph(bom *cdx.BOM) (deps map[string][]string, leaves map[string]bool) {
	deps, leaves = map[string][]string{}, map[string]bool{}
	for _, dep := range deref(bom.Dependencies) {
		deps[dep.Ref] = append(deps[dep.Ref], deref(dep.Dependencies)...)
	}
	for _, c := range deref(bom.Compositions) {
		if c.Aggregate != cdx.CompositionAggregateComplete {
			continue
		}
		for _, ref := range deref(c.Dependencies) {
			leaves[string(ref)] = len(deps[string(ref)]) == 0
		}
	}
	return deps, leaves
}

func (d *parsed) addCycloneDX(c *cdx.Component, deps map[string][]string, leaves map[string]bool) {
	switch c.Type {
	case cdx.ComponentTypeOS:
		d.distro = cmp.Or(d.distro, strings.ToLower(c.Name)+"-"+c.Version)
		return
	case cdx.ComponentTypeFile, cdx.ComponentTypeContainer:
		return
	default:
	}
	out := component{
		ref: c.BOMRef, purl: c.PackageURL, name: c.Name, group: c.Group, version: c.Version,
		library: c.Type == cdx.ComponentTypeLibrary || c.Type == cdx.ComponentTypeFramework,
		props:   map[string][]string{}, deps: deps[c.BOMRef], leaf: leaves[c.BOMRef],
	}
	for _, p := range deref(c.Properties) {
		out.props[p.Name] = append(out.props[p.Name], p.Value)
	}
	out.supplier, out.links = partyOf(c.Supplier), linksOf(c)
	for _, h := range deref(c.Hashes) {
		out.hashes = append(out.hashes, fnvet.Hash{Alg: string(h.Algorithm), Value: strings.ToLower(h.Value)})
	}
	if c.Licenses != nil {
		for _, l := range *c.Licenses {
			text := l.Expression
			if l.License != nil {
				text = cmp.Or(l.License.ID, l.License.Name, text)
			}
			if text != "" {
				out.licenses = append(out.licenses, text)
			}
		}
	}
	if c.Evidence != nil {
		for _, o := range deref(c.Evidence.Occurrences) {
			out.locations = append(out.locations, fnvet.Location{Path: o.Location})
		}
	}
	d.components = append(d.components, out)
}

func partyOf(e *cdx.OrganizationalEntity) *fnvet.Party {
	if e == nil {
		return nil
	}
	p := fnvet.Party{Name: e.Name}
	if urls := deref(e.URL); len(urls) > 0 {
		p.URL = urls[0]
	}
	if contacts := deref(e.Contact); len(contacts) > 0 {
		c := contacts[0]
		p.Email, p.Name = c.Email, cmp.Or(c.Name, p.Name)
		if c.Name == "" && p.Name == c.Email {
			p.Name = ""
		}
	}
	if p.Name != "" && p.Name == p.URL {
		p.Name = ""
	}
	if p == (fnvet.Party{}) {
		return nil
	}
	return &p
}

// linksOf takes the web addresses of a component.
func linksOf(c *cdx.Component) []fnvet.Link {
	var out []fnvet.Link
	for _, r := range deref(c.ExternalReferences) {
		switch kind := string(r.Type); kind {
		case fnvet.LinkVCS, fnvet.LinkWebsite, fnvet.LinkIssues, fnvet.LinkDistribution:
			if u, err := url.Parse(r.URL); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
				out = append(out, fnvet.Link{Kind: kind, URL: r.URL})
			}
		}
	}
	return out
}
