package sbom

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"github.com/fnvet/fnvet"
)

// SPDX 2.2 and 2.3 as far as packages go. The reader of tools-golang panics on
// null entries of lists, so documents from elsewhere are read with these.
type spdx2 struct {
	Version       string             `json:"spdxVersion"`
	ID            string             `json:"SPDXID"`
	Name          string             `json:"name"`
	Describes     []string           `json:"documentDescribes"`
	Packages      []spdx2Package     `json:"packages"`
	Relationships []spdxRelationship `json:"relationships"`
	Other         []spdxText         `json:"hasExtractedLicensingInfos"`
}

type spdxText struct {
	ID   string `json:"licenseId"`
	Text string `json:"extractedText"`
	Name string `json:"name"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Type    string `json:"referenceType"`
	Locator string `json:"referenceLocator"`
}

type spdxComment struct {
	Comment string `json:"comment"`
}

type spdx2Package struct {
	ID          string         `json:"SPDXID"`
	Name        string         `json:"name"`
	Version     string         `json:"versionInfo"`
	Declared    string         `json:"licenseDeclared"`
	Concluded   string         `json:"licenseConcluded"`
	Purpose     string         `json:"primaryPackagePurpose"`
	Supplier    string         `json:"supplier"`
	Checksums   []spdxChecksum `json:"checksums"`
	Refs        []spdxRef      `json:"externalRefs"`
	Annotations []spdxComment  `json:"annotations"`
}

type spdxRelationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

func parseSPDX2(data []byte) (*parsed, error) {
	var in spdx2
	if err := unmarshal(data, &in); err != nil {
		return nil, err
	}
	return in.parsed()
}

// parsed is what a document says, whichever way it was written.
func (in *spdx2) parsed() (*parsed, error) {
	spec, ok := strings.CutPrefix(in.Version, "SPDX-2.")
	if !ok {
		return nil, errors.New("spdxVersion is not SPDX-2.x")
	}
	d := &parsed{doc: Document{Spec: "2." + spec, Name: in.Name}}
	deps, leaves, described := in.graph()
	texts := map[string]string{}
	for _, o := range in.Other {
		texts[o.ID] = cmp.Or(o.Text, o.Name)
	}
	for i := range in.Packages {
		p := &in.Packages[i]
		switch {
		case p.ID == "" && p.Name == "": // null
		case len(described) == 1 && described[p.ID] && len(in.Packages) > 1:
			d.doc.Name = cmp.Or(p.Name, d.doc.Name)
			for _, h := range p.hashes() {
				if h.Alg == "SHA-256" {
					d.doc.Digest = "sha256:" + h.Value
				}
			}
		case p.Purpose == "OPERATING-SYSTEM":
			d.distro = cmp.Or(d.distro, strings.ToLower(p.Name)+"-"+p.Version)
		default:
			c := p.component(texts)
			c.deps = append(c.deps, deps[p.ID]...)
			c.leaf = c.leaf || leaves[p.ID]
			d.components = append(d.components, c)
		}
	}
	return d, nil
}

// graph reads who depends on whom, who depends on nothing, and what the document describes.
func (in *spdx2) graph() (deps map[string][]string, leaves, described map[string]bool) {
	deps, leaves, described = map[string][]string{}, map[string]bool{}, map[string]bool{}
	for _, id := range in.Describes {
		described[id] = true
	}
	for _, r := range in.Relationships {
		switch r.Type {
		case "DESCRIBES":
			described[r.To] = true
		case "DESCRIBED_BY":
			described[r.From] = true
		case "DEPENDS_ON":
			switch r.To {
			case "NONE":
				leaves[r.From] = true
			case noAssertion:
			default:
				deps[r.From] = append(deps[r.From], r.To)
			}
		case "DEPENDENCY_OF":
			deps[r.To] = append(deps[r.To], r.From)
		}
	}
	return deps, leaves, described
}

func (p *spdx2Package) hashes() []fnvet.Hash {
	var out []fnvet.Hash
	for _, c := range p.Checksums {
		out = append(out, fnvet.Hash{Alg: hashName(c.Algorithm), Value: strings.ToLower(c.Value)})
	}
	return out
}

// hashName writes SPDX's names of algorithms ("SHA256", "sha512") as CycloneDX does.
func hashName(alg string) string {
	alg = strings.ToUpper(alg)
	if n, ok := strings.CutPrefix(alg, "SHA"); ok && n != "" && n[0] != '-' && n[0] != '3' {
		return "SHA-" + n
	}
	if n, ok := strings.CutPrefix(alg, "SHA3"); ok {
		if n == "84" {
			return "SHA-384"
		}
		return "SHA3-" + strings.TrimLeft(n, "_-")
	}
	if n, ok := strings.CutPrefix(alg, "BLAKE2B"); ok {
		return "BLAKE2b-" + strings.TrimLeft(n, "_-")
	}
	return alg
}

func (p *spdx2Package) component(texts map[string]string) component {
	c := component{ref: p.ID, name: p.Name, version: p.Version, hashes: p.hashes(), props: map[string][]string{}}
	for _, r := range p.Refs {
		if r.Type == "purl" {
			c.purl = cmp.Or(c.purl, r.Locator)
		}
	}
	c.library = p.Purpose == "LIBRARY" || p.Purpose == "FRAMEWORK" || p.Purpose == ""
	c.supplier = spdxSupplier(p.Supplier)
	for _, l := range []string{p.Declared, p.Concluded} {
		if l != "" && l != noAssertion && l != "NONE" {
			c.licenses = []string{cmp.Or(texts[l], l)}
			break
		}
	}
	for _, a := range p.Annotations {
		c.applyNote(a.Comment)
	}
	return c
}

// applyNote takes what spdxPackage kept in an annotation.
func (c *component) applyNote(comment string) {
	text, ok := strings.CutPrefix(comment, notePrefix)
	if !ok {
		return
	}
	var note spdxNote
	if json.Unmarshal([]byte(text), &note) != nil {
		return
	}
	for _, p := range note.Properties {
		c.props[p[0]] = append(c.props[p[0]], p[1])
	}
	if len(note.Licenses) > 0 {
		c.licenses = note.Licenses
	}
	c.locations = append(c.locations, note.Locations...)
	c.supplier, c.links = note.Supplier, note.Links
	c.leaf = c.leaf || note.Leaf
}

// spdxSupplier reads "Person: NAME (MAIL)" and "Organization: NAME (MAIL)".
func spdxSupplier(text string) *fnvet.Party {
	kind, name, ok := strings.Cut(text, ": ")
	if !ok || kind != "Person" && kind != "Organization" {
		return nil
	}
	p := fnvet.Party{Name: strings.TrimSpace(name), Organization: kind == "Organization"}
	if before, rest, has := strings.Cut(p.Name, " ("); has && strings.HasSuffix(rest, ")") {
		p.Name, p.Email = before, strings.TrimSuffix(rest, ")")
	}
	return &p
}
