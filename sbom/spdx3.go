package sbom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"

	"github.com/fnvet/fnvet/internal/escape"
)

const (
	spdx3Context = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
	spdx3Blank   = "_:creation"
	noneElement  = "https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"
)

// A spdx3Writer gathers the elements of an SPDX 3.0.1 document.
type spdx3Writer struct {
	inv      *inventory
	base     string // start of every element's identifier
	graph    []spdx3Out
	elements []string          // identifiers of all elements, in order
	licences map[string]string // expression to its element
	parties  map[fnvet.Party]string
}

// A spdx3Out is one element as written; fields are in the order that reads best.
type spdx3Out struct {
	Type         string       `json:"type"`
	Blank        string       `json:"@id,omitempty"`
	ID           string       `json:"spdxId,omitempty"`
	Creation     string       `json:"creationInfo,omitempty"`
	Spec         string       `json:"specVersion,omitempty"`
	Created      string       `json:"created,omitempty"`
	CreatedBy    []string     `json:"createdBy,omitempty"`
	CreatedUsing []string     `json:"createdUsing,omitempty"`
	Name         string       `json:"name,omitempty"`
	Version      string       `json:"software_packageVersion,omitempty"`
	PURL         string       `json:"software_packageUrl,omitempty"`
	Purpose      string       `json:"software_primaryPurpose,omitempty"`
	SuppliedBy   string       `json:"suppliedBy,omitempty"`
	OriginatedBy []string     `json:"originatedBy,omitempty"`
	Download     string       `json:"software_downloadLocation,omitempty"`
	HomePage     string       `json:"software_homePage,omitempty"`
	SourceInfo   string       `json:"software_sourceInfo,omitempty"`
	Purposes     []string     `json:"software_additionalPurpose,omitempty"`
	Comment      string       `json:"comment,omitempty"`
	External     []spdx3Ident `json:"externalIdentifier,omitempty"`
	References   []spdx3Ref   `json:"externalRef,omitempty"`
	Hashes       []spdx3Hash  `json:"verifiedUsing,omitempty"`
	Profiles     []string     `json:"profileConformance,omitempty"`
	SbomType     []string     `json:"software_sbomType,omitempty"`
	Root         []string     `json:"rootElement,omitempty"`
	Elements     []string     `json:"element,omitempty"`
	DataLicense  string       `json:"dataLicense,omitempty"`
	Relationship string       `json:"relationshipType,omitempty"`
	From         string       `json:"from,omitempty"`
	To           []string     `json:"to,omitempty"`
	Completeness string       `json:"completeness,omitempty"`
	Expression   string       `json:"simplelicensing_licenseExpression,omitempty"`
	CustomIDs    []spdx3Entry `json:"simplelicensing_customIdToUri,omitempty"`
	Text         string       `json:"simplelicensing_licenseText,omitempty"`
	Annotation   string       `json:"annotationType,omitempty"`
	Subject      string       `json:"subject,omitempty"`
	ContentType  string       `json:"contentType,omitempty"`
	Statement    string       `json:"statement,omitempty"`
}

type spdx3Ident struct {
	Type  string `json:"type"`
	Kind  string `json:"externalIdentifierType"`
	Value string `json:"identifier"`
}

// A spdx3Ref is where the source or the deployable form of something is.
type spdx3Ref struct {
	Type    string   `json:"type"`
	Kind    string   `json:"externalRefType"`
	Locator []string `json:"locator"`
}

type spdx3Hash struct {
	Type      string `json:"type"`
	Algorithm string `json:"algorithm"`
	Value     string `json:"hashValue"`
}

type spdx3Entry struct {
	Type  string `json:"type"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

// writeSPDX3 writes SPDX 3.0.1 as JSON-LD, with the core, software and
// simple-licensing profiles.
func writeSPDX3(b *bytes.Buffer, inv *inventory) error {
	draft, err := inv.spdx3("urn:uuid:", time.Time{})
	if err != nil {
		return err
	}
	content, err := json.Marshal(draft)
	if err != nil {
		return err
	}
	graph, err := inv.spdx3("urn:uuid:"+documentID(content), inv.Now)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(struct {
		Context string     `json:"@context"`
		Graph   []spdx3Out `json:"@graph"`
	}{spdx3Context, graph}); err != nil {
		return err
	}
	b.Write(escape.JSON(out.Bytes()))
	return nil
}

func (inv *inventory) spdx3(base string, now time.Time) ([]spdx3Out, error) {
	w := &spdx3Writer{inv: inv, base: base, licences: map[string]string{}, parties: map[fnvet.Party]string{}}
	supplier := w.agents(now)
	root := w.add(inv.spdx3Artifact(), "Artifact")
	ids := inv.spdxIDs()
	at := func(ref string) string { return w.base + "#" + string(ids[ref]) }
	w.licence(root, []string{inv.Licence})
	w.concluded(root, inv.lic.certain(inv.Licence))
	w.distributed(root, "Artifact", inv.rootForm(), inv.rootHashes(), "")
	var all []string
	for i := range inv.parts {
		p := &inv.parts[i]
		w.add(spdx3Out{Type: "software_File", Name: cmp.Or(p.name, "unnamed"), Purpose: "archive", Hashes: spdx3Hashes(p.hashes)}, string(ids[p.ref]))
	}
	for _, ref := range inv.own {
		all = append(all, at(ref))
	}
	for i, ref := range inv.refs {
		p := &inv.Packages[i]
		e := inv.spdx3Package(i)
		if by := w.party(p.Supplier); by != "" {
			e.SuppliedBy, e.OriginatedBy = by, []string{by}
		}
		w.add(e, string(ids[ref]))
		w.licence(at(ref), p.Licenses)
		w.concluded(at(ref), inv.lic.conclude(p))
		w.distributed(at(ref), string(ids[ref]), inv.form(i), inv.hashes(i), link(p, fnvet.LinkDistribution))
		if err := w.note(at(ref), i); err != nil {
			return nil, err
		}
		all = append(all, at(ref))
	}
	w.relations(root, all, at)
	return w.finish(root, supplier), nil
}

// relations states what contains what and what depends on what; at is the element
// of a reference, all what the artifact itself contains.
func (w *spdx3Writer) relations(root string, all []string, at func(ref string) string) {
	inv := w.inv
	whole := "complete"
	if len(inv.Gaps) > 0 || !inv.Scan.Complete {
		whole = "incomplete"
	}
	w.relate(root, "contains", all, whole)
	for i := range inv.parts {
		var in []string
		for _, ref := range inv.parts[i].contains {
			in = append(in, at(ref))
		}
		w.relate(at(inv.parts[i].ref), "contains", in, whole)
	}
	top := make([]string, 0, len(inv.top))
	for _, ref := range inv.top {
		top = append(top, at(ref))
	}
	w.relate(root, "dependsOn", top, "")
	for i, ref := range inv.refs {
		var to []string
		for _, dep := range inv.deps[i] {
			to = append(to, at(dep))
		}
		switch {
		case len(inv.lost[i]) > 0:
			w.relate(at(ref), "dependsOn", to, "incomplete")
		case inv.Packages[i].DependsOn == nil:
			w.relate(at(ref), "dependsOn", to, "noAssertion")
		default:
			w.relate(at(ref), "dependsOn", to, "complete")
		}
	}
}

// add appends an element under an identifier of the document.
func (w *spdx3Writer) add(e spdx3Out, id string) string {
	e.ID, e.Creation = w.base+"#"+id, spdx3Blank
	w.graph = append(w.graph, e)
	w.elements = append(w.elements, e.ID)
	return e.ID
}

// agents adds who and what made the document, and the supplier.
func (w *spdx3Writer) agents(now time.Time) (supplier string) {
	info := spdx3Out{Type: "CreationInfo", Blank: spdx3Blank, Spec: "3.0.1", Created: now.Format(time.RFC3339)}
	at := len(w.graph)
	w.graph = append(w.graph, info)
	info.CreatedUsing = []string{w.add(spdx3Out{Type: "Tool", Name: w.inv.tool()}, "Tool")}
	if name, address := author(w.inv.Author); name != "" {
		person := spdx3Out{Type: "Person", Name: name}
		if address != "" {
			person.External = []spdx3Ident{{"ExternalIdentifier", "email", address}}
		}
		info.CreatedBy = []string{w.add(person, "Author")}
	} else {
		info.CreatedBy = []string{w.add(spdx3Out{Type: "SoftwareAgent", Name: "fnvet"}, "Agent")}
	}
	w.graph[at] = info
	if w.inv.Supplier != "" {
		supplier = w.add(spdx3Out{Type: "Organization", Name: w.inv.Supplier}, "Supplier")
	}
	return supplier
}

func (inv *inventory) spdx3Artifact() spdx3Out {
	e := spdx3Out{Type: "software_Package", Name: inv.name(), Version: inv.edition(), PURL: inv.rootPURL(), Purpose: "archive"}
	switch inv.Artifact.Type {
	case "image":
		e.Purpose = "container"
	case "directory":
		e.Purpose = "application"
	case "sbom", "file":
		e.Purpose = "other"
	}
	e.Hashes = spdx3Hashes(inv.rootHashes())
	return e
}

func (inv *inventory) spdx3Package(i int) spdx3Out {
	p := &inv.Packages[i]
	e := spdx3Out{
		Type: "software_Package", Name: cmp.Or(p.Name, "unnamed"), Version: p.Version, PURL: p.PURL, Purpose: "library",
		Hashes: spdx3Hashes(inv.hashes(i)), Download: link(p, fnvet.LinkDistribution), HomePage: link(p, fnvet.LinkWebsite),
	}
	if at := link(p, fnvet.LinkVCS); at != "" {
		e.SourceInfo = "source repository: " + at
		e.References = []spdx3Ref{{"ExternalRef", "sourceArtifact", []string{at}}}
	}
	return e
}

func spdx3Hashes(hashes []fnvet.Hash) []spdx3Hash {
	var out []spdx3Hash
	for _, h := range hashes {
		if digestLength(h.Alg) == len(h.Value) && isHex(h.Value) {
			alg := strings.ToLower(strings.ReplaceAll(strings.Replace(h.Alg, "SHA-", "SHA", 1), "-", "_"))
			out = append(out, spdx3Hash{"Hash", strings.Replace(alg, "blake2b_", "blake2b", 1), strings.ToLower(h.Value)})
		}
	}
	return out
}

// party adds the element of a person or organisation, once.
func (w *spdx3Writer) party(p *fnvet.Party) string {
	if p == nil {
		return ""
	}
	if id, known := w.parties[*p]; known {
		return id
	}
	e := spdx3Out{Type: "Person", Name: cmp.Or(p.Name, p.Email, p.URL)}
	if p.Organization {
		e.Type = "Organization"
	}
	if p.Email != "" {
		e.External = append(e.External, spdx3Ident{"ExternalIdentifier", "email", p.Email})
	}
	if p.URL != "" {
		e.External = append(e.External, spdx3Ident{"ExternalIdentifier", "urlScheme", p.URL})
	}
	id := w.add(e, "Party-"+documentID([]byte(e.Type+"\x00"+p.Name+"\x00"+p.Email+"\x00"+p.URL)))
	w.parties[*p] = id
	return id
}

// concluded states under which licence something is distributed.
func (w *spdx3Writer) concluded(from, expression string) {
	if expression == "" {
		return
	}
	if w.licences[expression] == "" {
		w.licences[expression] = w.add(spdx3Out{Type: "simplelicensing_LicenseExpression", Expression: expression}, "Licence-"+documentID([]byte(expression)))
	}
	w.relate(from, "hasConcludedLicense", []string{w.licences[expression]}, "complete")
}

// distributed adds the file that a component is, with the properties that BSI
// TR-03183-2 v2.1 maps to the purposes of files in its section 8.2.
// at is the address of that file, or "".
func (w *spdx3Writer) distributed(from, id string, f form, hashes []fnvet.Hash, at string) {
	if f.filename == "" {
		return
	}
	e := spdx3Out{
		Type: "software_File", Name: f.filename, Hashes: spdx3Hashes(hashes),
		Comment: "software_additionalPurpose field is used to indicate the properties of BSI TR-03183-2",
	}
	for _, p := range []struct{ said, is, purpose string }{
		{f.executable, isExecutable, "executable"}, {f.archive, isArchive, "archive"},
		{f.structured, isStructured, "container"}, {f.structured, isUnstructured, "firmware"},
	} {
		if p.said == p.is {
			e.Purposes = append(e.Purposes, p.purpose)
		}
	}
	if at != "" {
		e.References = []spdx3Ref{{"ExternalRef", "binaryArtifact", []string{at}}}
	}
	w.relate(from, "hasDistributionArtifact", []string{w.add(e, "File-of-"+id)}, "complete")
}

// licence states what is declared; nothing is said where nothing is.
func (w *spdx3Writer) licence(from string, declared []string) {
	other := spdxOther{}
	expression := w.inv.spdxLicence(declared, other)
	if expression == noAssertion {
		return
	}
	if w.licences[expression] == "" {
		e := spdx3Out{Type: "simplelicensing_LicenseExpression", Expression: expression}
		for _, ref := range sortedKeys(other) {
			text := w.licences[ref]
			if text == "" {
				text = w.add(spdx3Out{Type: "simplelicensing_SimpleLicensingText", Text: other[ref].ExtractedText}, ref)
				w.licences[ref] = text
			}
			e.CustomIDs = append(e.CustomIDs, spdx3Entry{"DictionaryEntry", ref, text})
		}
		w.licences[expression] = w.add(e, "Licence-"+documentID([]byte(expression)))
	}
	w.relate(from, "hasDeclaredLicense", []string{w.licences[expression]}, "")
}

// relate states a relationship; an empty target is "none" where it is known to
// be complete and otherwise not stated at all.
func (w *spdx3Writer) relate(from, kind string, to []string, completeness string) {
	if len(to) == 0 {
		if completeness != "complete" || kind != "dependsOn" {
			return
		}
		to = []string{noneElement}
	}
	w.add(spdx3Out{Type: "Relationship", From: from, Relationship: kind, To: to, Completeness: completeness},
		"Relationship-"+documentID([]byte(kind+" "+strings.TrimPrefix(from, w.base))))
}

// note keeps what SPDX has no field for, as in SPDX 2.3.
func (w *spdx3Writer) note(subject string, i int) error {
	text, err := w.inv.spdxNote(i)
	if err != nil {
		return err
	}
	w.add(spdx3Out{Type: "Annotation", Annotation: "other", Subject: subject, Statement: text},
		"Note-"+documentID([]byte(strings.TrimPrefix(subject, w.base))))
	return nil
}

// finish adds the SBOM and the document around all elements.
func (w *spdx3Writer) finish(root, supplier string) []spdx3Out {
	for i := range w.graph {
		if w.graph[i].ID == root {
			w.graph[i].SuppliedBy = supplier
		}
	}
	elements := w.elements
	sbom := w.add(spdx3Out{Type: "software_Sbom", Name: w.inv.name(), SbomType: []string{"analyzed"}, Root: []string{root}, Elements: elements}, "SBOM")
	data := w.add(spdx3Out{Type: "simplelicensing_LicenseExpression", Expression: "CC0-1.0"}, "DataLicense")
	w.add(spdx3Out{
		Type: "SpdxDocument", Name: w.inv.name(), Profiles: []string{"core", "software", "simpleLicensing"},
		Root: []string{sbom}, Elements: append(slices.Clip(elements), sbom, data), DataLicense: data,
	}, "Document")
	return w.graph
}
