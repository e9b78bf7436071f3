package sbom

import (
	"cmp"
	"errors"
	"strings"

	"github.com/fnvet/fnvet"
)

// spdx3 is SPDX 3.0 in its JSON-LD serialisation, as far as packages go.
type spdx3 struct {
	Graph []spdx3Element `json:"@graph"`
}

// A spdx3Element is any element; which fields are set depends on its type.
type spdx3Element struct {
	Type        string   `json:"type"`
	ID          string   `json:"spdxId"`
	Name        string   `json:"name"`
	Spec        string   `json:"specVersion"` // CreationInfo
	Version     string   `json:"software_packageVersion"`
	PURL        string   `json:"software_packageUrl"`
	Purpose     string   `json:"software_primaryPurpose"`
	Root        []string `json:"rootElement"`
	Identifiers []struct {
		Type  string `json:"externalIdentifierType"`
		Value string `json:"identifier"`
	} `json:"externalIdentifier"`
	Hashes []struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"hashValue"`
	} `json:"verifiedUsing"`
	From         string   `json:"from"`
	To           []string `json:"to"`
	Relationship string   `json:"relationshipType"`
	Completeness string   `json:"completeness"`
	Expression   string   `json:"simplelicensing_licenseExpression"`
	Text         string   `json:"simplelicensing_licenseText"`
	Subject      string   `json:"subject"` // Annotation
	Statement    string   `json:"statement"`
}

func parseSPDX3(data []byte) (*parsed, error) {
	var in spdx3
	if err := unmarshal(data, &in); err != nil {
		return nil, err
	}
	d := &parsed{doc: Document{Spec: "3.0"}}
	index, roots, packages := map[string]int{}, map[string]bool{}, 0
	for i := range in.Graph {
		e := &in.Graph[i]
		if _, ok := index[e.ID]; !ok {
			index[e.ID] = i
		}
		switch e.Type {
		case "CreationInfo":
			d.doc.Spec = cmp.Or(e.Spec, d.doc.Spec)
		case "software_Package":
			packages++
		case "software_Sbom":
			for _, r := range e.Root {
				roots[r] = true
			}
		}
	}
	if packages == 0 && len(roots) == 0 && len(index) == 0 {
		return nil, errors.New("the graph has no elements")
	}
	at := map[string]int{}
	for i := range in.Graph {
		e := &in.Graph[i]
		if e.Type != "software_Package" {
			continue
		}
		if len(roots) == 1 && roots[e.ID] && packages > 1 {
			d.doc.Name, d.doc.Digest = e.Name, e.digest()
			continue
		}
		at[e.ID] = len(d.components)
		d.components = append(d.components, e.component())
	}
	for i := range in.Graph {
		in.Graph[i].relate(d, at, in.Graph, index)
	}
	return d, nil
}

func (e *spdx3Element) hashes() []fnvet.Hash {
	var out []fnvet.Hash
	for _, h := range e.Hashes {
		if h.Algorithm != "" {
			out = append(out, fnvet.Hash{Alg: hashName(h.Algorithm), Value: strings.ToLower(h.Value)})
		}
	}
	return out
}

func (e *spdx3Element) digest() string {
	for _, h := range e.hashes() {
		if h.Alg == "SHA-256" {
			return "sha256:" + h.Value
		}
	}
	return ""
}

func (e *spdx3Element) component() component {
	c := component{
		ref: e.ID, name: e.Name, version: e.Version, purl: e.PURL, hashes: e.hashes(), props: map[string][]string{},
		library: e.Purpose == "library" || e.Purpose == "framework" || e.Purpose == "",
	}
	for _, id := range e.Identifiers {
		if id.Type == "packageUrl" || id.Type == "purl" {
			c.purl = cmp.Or(c.purl, id.Value)
		}
	}
	return c
}

// relate applies a relationship or an annotation to the component it is about.
func (e *spdx3Element) relate(d *parsed, at map[string]int, graph []spdx3Element, index map[string]int) {
	if e.Type == "Annotation" {
		if i, ok := at[e.Subject]; ok {
			d.components[i].applyNote(e.Statement)
		}
		return
	}
	i, ok := at[e.From]
	if !ok {
		return
	}
	c := &d.components[i]
	switch e.Relationship {
	case "dependsOn":
		for _, to := range e.To {
			if _, known := at[to]; known {
				c.deps = append(c.deps, to)
			}
		}
		c.leaf = c.leaf || e.Completeness == "complete" && len(c.deps) == 0
	case "hasDeclaredLicense", "hasConcludedLicense":
		for _, to := range e.To {
			j, known := index[to]
			if !known || len(c.licenses) > 0 {
				continue
			}
			if text := cmp.Or(graph[j].Expression, graph[j].Text); text != "" {
				c.licenses = append(c.licenses, text)
			}
		}
	}
}
