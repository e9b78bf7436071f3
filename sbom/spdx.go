package sbom

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/fnvet/fnvet"

	"github.com/fnvet/fnvet/internal/escape"
)

const (
	noAssertion = "NOASSERTION"
	spdxRoot    = common.ElementID("Artifact")
	// notePrefix marks the annotation that keeps what SPDX has no field for.
	notePrefix = "fnvet:"
)

// spdxOther holds licence texts that are not listed, by LicenseRef.
type spdxOther map[string]*v2_3.OtherLicense

// A spdxNote is what SPDX has no field for, kept as JSON in an annotation.
type spdxNote struct {
	Properties [][2]string      `json:"properties"`
	Licenses   []string         `json:"licenses,omitempty"`
	Supplier   *fnvet.Party     `json:"supplier,omitempty"`
	Links      []fnvet.Link     `json:"links,omitempty"`
	Locations  []fnvet.Location `json:"locations,omitempty"`
	Leaf       bool             `json:"leaf,omitempty"` // known to depend on nothing
}

// writeSPDXJSON writes SPDX 2.3.
func writeSPDXJSON(b *bytes.Buffer, inv *inventory) error {
	doc, err := inv.spdx()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := spdxjson.Write(doc, &out, spdxjson.Indent("  "), spdxjson.EscapeHTML(false)); err != nil {
		return err
	}
	b.Write(escape.JSON(out.Bytes()))
	return nil
}

// spdx builds the document; its namespace is made of its content without the
// time, after the example of section 6.5 of the specification.
func (inv *inventory) spdx() (*v2_3.Document, error) {
	name := inv.name()
	doc := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: "DOCUMENT", DocumentName: name,
		CreationInfo: &v2_3.CreationInfo{Creators: inv.spdxCreators(), CreatorComment: lifecycle},
	}
	other := spdxOther{}
	doc.Packages = append(doc.Packages, inv.spdxArtifact(other))
	ids := inv.spdxIDs()
	for i := range inv.parts {
		doc.Packages = append(doc.Packages, inv.spdxPart(&inv.parts[i], ids[inv.parts[i].ref]))
	}
	for i := range inv.Packages {
		p, err := inv.spdxPackage(i, ids[inv.refs[i]], other)
		if err != nil {
			return nil, err
		}
		doc.Packages = append(doc.Packages, p)
	}
	for _, id := range sortedKeys(other) {
		doc.OtherLicenses = append(doc.OtherLicenses, other[id])
	}
	doc.Relationships = inv.spdxRelationships(ids)
	content, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	doc.DocumentNamespace = "https://spdx.org/spdxdocs/" + url.PathEscape(name) + "-" + documentID(content)
	doc.CreationInfo.Created = inv.Now.Format(time.RFC3339)
	for _, p := range doc.Packages {
		for i := range p.Annotations {
			p.Annotations[i].AnnotationDate = doc.CreationInfo.Created
		}
	}
	return doc, nil
}

func (inv *inventory) tool() string { return "fnvet-" + cmp.Or(inv.Version, "unknown") }

func (inv *inventory) spdxCreators() []common.Creator {
	out := []common.Creator{{CreatorType: "Tool", Creator: inv.tool()}}
	if name, address := author(inv.Author); name != "" {
		if address != "" {
			name += " (" + address + ")"
		}
		out = append(out, common.Creator{CreatorType: "Person", Creator: name})
	}
	return out
}

func (inv *inventory) spdxArtifact(other spdxOther) *v2_3.Package {
	a := inv.Artifact
	p := &v2_3.Package{
		PackageName: inv.name(), PackageSPDXIdentifier: spdxRoot, PackageVersion: inv.edition(),
		PackageSupplier: &common.Supplier{Supplier: noAssertion}, PackageDownloadLocation: noAssertion,
		IsFilesAnalyzedTagPresent: true, PackageLicenseConcluded: noAssertion,
		PackageLicenseDeclared: inv.spdxLicence([]string{inv.Licence}, other), PackageCopyrightText: noAssertion,
		PrimaryPackagePurpose: "ARCHIVE", PackageFileName: inv.name(), PackageChecksums: spdxChecksums(inv.rootHashes()),
	}
	if e := inv.lic.certain(inv.Licence); e != "" {
		p.PackageLicenseConcluded = e
	}
	switch a.Type {
	case "image":
		p.PrimaryPackagePurpose = "CONTAINER"
	case "directory":
		p.PrimaryPackagePurpose = "APPLICATION"
	case "sbom", "file":
		p.PrimaryPackagePurpose = "OTHER"
	}
	if purl := inv.rootPURL(); purl != "" {
		p.PackageExternalReferences = []*v2_3.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: purl,
		}}
	}
	if inv.Supplier != "" {
		p.PackageSupplier = &common.Supplier{SupplierType: "Organization", Supplier: inv.Supplier}
	}
	return p
}

// spdxIDs gives every package an element id of the letters the format allows.
func (inv *inventory) spdxIDs() map[string]common.ElementID {
	ids := make(map[string]common.ElementID, len(inv.refs))
	for i, ref := range inv.refs {
		p := &inv.Packages[i]
		sum := sha256.Sum256([]byte(ref))
		name := idString(p.Ecosystem + "-" + p.Name + "-" + p.Version)
		ids[ref] = common.ElementID("Package-" + name + "-" + hex.EncodeToString(sum[:8]))
	}
	for i := range inv.parts {
		sum := sha256.Sum256([]byte(inv.parts[i].ref))
		ids[inv.parts[i].ref] = common.ElementID("Part-" + hex.EncodeToString(sum[:8]))
	}
	return ids
}

// idString keeps letters, digits, "." and "-", at most 100 of them.
func idString(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, s)
	return strings.Trim(s[:min(100, len(s))], "-")
}

func (inv *inventory) spdxPackage(i int, id common.ElementID, other spdxOther) (*v2_3.Package, error) {
	p := &inv.Packages[i]
	out := &v2_3.Package{
		PackageName: cmp.Or(p.Name, "unnamed"), PackageSPDXIdentifier: id, PackageVersion: p.Version,
		PackageSupplier: &common.Supplier{Supplier: noAssertion}, PackageDownloadLocation: cmp.Or(link(p, fnvet.LinkDistribution), noAssertion),
		IsFilesAnalyzedTagPresent: true, PackageLicenseConcluded: cmp.Or(inv.lic.conclude(p), noAssertion),
		PackageLicenseDeclared: inv.spdxLicence(p.Licenses, other), PackageCopyrightText: noAssertion,
		PrimaryPackagePurpose: "LIBRARY", PackageFileName: inv.form(i).filename,
		PackageChecksums: spdxChecksums(inv.hashes(i)), PackageHomePage: link(p, fnvet.LinkWebsite),
	}
	if at := link(p, fnvet.LinkVCS); at != "" {
		out.PackageSourceInfo = "source repository: " + at
	}
	if kind, name := spdxParty(p.Supplier); name != "" {
		out.PackageSupplier = &common.Supplier{SupplierType: kind, Supplier: name}
		out.PackageOriginator = &common.Originator{OriginatorType: kind, Originator: name}
	}
	if p.PURL != "" {
		out.PackageExternalReferences = []*v2_3.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: p.PURL,
		}}
	}
	note, err := inv.spdxNote(i)
	if err != nil {
		return nil, err
	}
	out.Annotations = []v2_3.Annotation{{
		Annotator: common.Annotator{AnnotatorType: "Tool", Annotator: inv.tool()}, AnnotationType: "OTHER",
		AnnotationComment: note,
	}}
	return out, nil
}

// spdxNote writes the annotation of a package.
func (inv *inventory) spdxNote(i int) (string, error) {
	p := &inv.Packages[i]
	note := spdxNote{Properties: append(inv.extra(i), inv.form(i).properties()...), Licenses: p.Licenses, Locations: p.Locations, Supplier: p.Supplier, Links: p.Links}
	note.Leaf = p.DependsOn != nil && len(p.DependsOn) == 0
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(note); err != nil {
		return "", err
	}
	return notePrefix + strings.TrimSpace(string(escape.JSON(text.Bytes()))), nil
}

// spdxLicence joins declared licences into one expression: several all apply,
// the careful reading. Texts that are no expression of listed licences become LicenseRefs.
func (inv *inventory) spdxLicence(declared []string, other spdxOther) string {
	var parts []string
	for _, d := range declared {
		if d = strings.TrimSpace(d); d == "" || strings.EqualFold(d, noAssertion) {
			continue
		}
		if id := cmp.Or(inv.lic.id(d), inv.lic.expression(d)); id != "" {
			d = id
		} else {
			sum := sha256.Sum256([]byte(d))
			ref := "LicenseRef-" + cmp.Or(idString(d[:min(40, len(d))]), "text") + "-" + hex.EncodeToString(sum[:4])
			other[ref] = &v2_3.OtherLicense{LicenseIdentifier: ref, ExtractedText: d, LicenseName: noAssertion}
			d = ref
		}
		parts = append(parts, d)
	}
	slices.Sort(parts)
	parts = slices.Compact(parts)
	if len(parts) > 1 {
		for i, p := range parts {
			if strings.ContainsAny(p, " ") {
				parts[i] = "(" + p + ")"
			}
		}
	}
	return cmp.Or(strings.Join(parts, " AND "), noAssertion)
}

// spdxRelationships states what the document describes, what the artifact
// contains, and the dependency graph. A package known to depend on nothing says so (NONE), one whose
// dependencies are not stated anywhere says that (NOASSERTION).
func (inv *inventory) spdxRelationships(ids map[string]common.ElementID) []*v2_3.Relationship {
	rel := func(a common.ElementID, kind string, b common.DocElementID) *v2_3.Relationship {
		return &v2_3.Relationship{RefA: common.MakeDocElementID("", string(a)), Relationship: kind, RefB: b}
	}
	at := func(id common.ElementID) common.DocElementID { return common.MakeDocElementID("", string(id)) }
	out := []*v2_3.Relationship{rel("DOCUMENT", common.TypeRelationshipDescribe, at(spdxRoot))}
	for _, ref := range slices.Concat(inv.own, inv.refs) {
		out = append(out, rel(spdxRoot, common.TypeRelationshipContains, at(ids[ref])))
	}
	for i := range inv.parts {
		for _, ref := range inv.parts[i].contains {
			out = append(out, rel(ids[inv.parts[i].ref], common.TypeRelationshipContains, at(ids[ref])))
		}
	}
	for _, ref := range inv.top {
		out = append(out, rel(spdxRoot, common.TypeRelationshipDependsOn, at(ids[ref])))
	}
	for i, ref := range inv.refs {
		for _, dep := range inv.deps[i] {
			out = append(out, rel(ids[ref], common.TypeRelationshipDependsOn, at(ids[dep])))
		}
		switch {
		case inv.Packages[i].DependsOn == nil, len(inv.lost[i]) > 0:
			out = append(out, rel(ids[ref], common.TypeRelationshipDependsOn, common.DocElementID{SpecialID: noAssertion}))
		case len(inv.deps[i]) == 0:
			out = append(out, rel(ids[ref], common.TypeRelationshipDependsOn, common.DocElementID{SpecialID: "NONE"}))
		}
	}
	return out
}

// lifecycle says from what the document was made: CycloneDX's "post-build".
const lifecycle = "post-build: made by analysis of the built artifact"

// spdxPart is a layer or an archive as a package of SPDX.
func (inv *inventory) spdxPart(p *part, id common.ElementID) *v2_3.Package {
	return &v2_3.Package{
		PackageName: cmp.Or(p.name, "unnamed"), PackageSPDXIdentifier: id, PackageVersion: p.version, PackageFileName: p.name,
		PackageSupplier: &common.Supplier{Supplier: noAssertion}, PackageDownloadLocation: noAssertion,
		IsFilesAnalyzedTagPresent: true, PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: noAssertion,
		PackageCopyrightText: noAssertion, PrimaryPackagePurpose: "ARCHIVE", PackageChecksums: spdxChecksums(p.hashes),
	}
}

func spdxChecksums(hashes []fnvet.Hash) []common.Checksum {
	var out []common.Checksum
	for _, h := range hashes {
		if digestLength(h.Alg) == len(h.Value) && isHex(h.Value) {
			out = append(out, common.Checksum{Algorithm: common.ChecksumAlgorithm(strings.Replace(h.Alg, "SHA-", "SHA", 1)), Value: strings.ToLower(h.Value)})
		}
	}
	return out
}

// spdxParty writes a party as section 7.5 of the specification does: the name and,
// in brackets, the mail. What JSON would escape is left out: readers of these
// fields do not undo it. The annotation has the name as it was.
// It is "" of nobody, or where nothing is left.
func spdxParty(p *fnvet.Party) (kind, text string) {
	if p == nil {
		return "", ""
	}
	kind = "Person"
	if p.Organization {
		kind = "Organization"
	}
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`()"\<`, r) || !escape.Visible(r) {
			return -1
		}
		return r
	}, cmp.Or(p.Name, p.Email, p.URL))
	if text = strings.TrimSpace(text); text != "" && p.Email != "" && p.Name != "" {
		text += " (" + p.Email + ")"
	}
	return kind, text
}
