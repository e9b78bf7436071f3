package sbom

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/fnvet/fnvet"

	"github.com/fnvet/fnvet/internal/escape"
)

// documentID is a version 5 UUID (RFC 9562) of what the document says, so that
// equal documents have equal ids.
func documentID(content []byte) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, content).String()
}

// cycloneDX writes a version of the specification: 1.6 is ECMA-424, 1st
// edition, 1.7 the 2nd.
func cycloneDX(f cdx.BOMFileFormat, v cdx.SpecVersion) func(*bytes.Buffer, *inventory) error {
	return func(b *bytes.Buffer, inv *inventory) error { return writeCycloneDX(b, inv, f, v) }
}

func writeCycloneDX(b *bytes.Buffer, inv *inventory, f cdx.BOMFileFormat, v cdx.SpecVersion) error {
	inv.mixed = v >= cdx.SpecVersion1_7
	bom := inv.cyclonedx()
	encode := func(b *bytes.Buffer) error {
		e := cdx.NewBOMEncoder(b, f)
		return e.SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, v)
	}
	stamp := bom.Metadata.Timestamp
	bom.Metadata.Timestamp = ""
	var draft bytes.Buffer
	if err := encode(&draft); err != nil {
		return err
	}
	bom.SerialNumber = "urn:uuid:" + documentID(draft.Bytes())
	bom.Metadata.Timestamp = stamp
	var out bytes.Buffer
	if err := encode(&out); err != nil {
		return err
	}
	if f == cdx.BOMFileFormatJSON {
		b.Write(escape.JSON(out.Bytes()))
		return nil
	}
	b.Write(escape.XML(out.Bytes()))
	b.WriteByte('\n')
	return nil
}

func (inv *inventory) cyclonedx() *cdx.BOM {
	bom := cdx.NewBOM()
	bom.Metadata = inv.cdxMetadata()
	components := make([]cdx.Component, 0, len(inv.Packages))
	deps := []cdx.Dependency{{Ref: inv.root, Dependencies: list(slices.Concat(inv.own, inv.top))}}
	for i := range inv.parts {
		components = append(components, inv.cdxPart(&inv.parts[i]))
		deps = append(deps, cdx.Dependency{Ref: inv.parts[i].ref, Dependencies: list(inv.parts[i].contains)})
	}
	for i := range inv.Packages {
		components = append(components, inv.cdxComponent(i))
		deps = append(deps, cdx.Dependency{Ref: inv.refs[i], Dependencies: list(inv.deps[i])})
	}
	bom.Components, bom.Dependencies = &components, &deps
	bom.Compositions = inv.cdxCompositions()
	if inv.disclose {
		bom.Vulnerabilities = inv.vulnerabilities()
	}
	return bom
}

// list makes the pointers that cyclonedx-go wants, with empty lists present.
func list[T any](s []T) *[]T {
	if s == nil {
		s = []T{}
	}
	return &s
}

func (inv *inventory) cdxMetadata() *cdx.Metadata {
	a := inv.Artifact
	root := cdx.Component{
		BOMRef: inv.root, Type: cdx.ComponentTypeApplication, Name: inv.name(), Version: inv.edition(), PackageURL: inv.rootPURL(),
	}
	if a.Type == "image" {
		root.Type = cdx.ComponentTypeContainer
	}
	root.Hashes = cdxHashes(inv.rootHashes())
	root.ExternalReferences = cdxDeployed(inv.rootAt(), inv.rootHashes())
	root.Licenses = inv.cdxStated(inv.Licence)
	m := &cdx.Metadata{
		Timestamp:  inv.Now.Format(time.RFC3339),
		Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhasePostBuild}},
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{
			Type: cdx.ComponentTypeApplication, Group: "fnvet", Name: "fnvet", Version: inv.Version,
		}}},
	}
	if inv.Supplier != "" {
		m.Supplier = &cdx.OrganizationalEntity{Name: inv.Supplier}
		root.Supplier = m.Supplier
	}
	if name, address := author(inv.Author); name != "" {
		m.Authors = &[]cdx.OrganizationalContact{{Name: name, Email: address}}
		// BSI looks for who made the SBOM, and the artifact, in these.
		m.Manufacturer = &cdx.OrganizationalEntity{Name: cmp.Or(inv.Supplier, name), Contact: m.Authors}
		root.Manufacturer = m.Manufacturer
	}
	m.Licenses = inv.dataLicence()
	props := cdxProperties(inv.rootForm().properties())
	if u := inv.rootUnknown(); u != "" {
		props = append(props, cdx.Property{Name: unknownProperty, Value: u})
	}
	for _, p := range [][2]string{{"fnvet:type", a.Type}, {"fnvet:code-sha256", a.CodeSHA256}, {"fnvet:distro", a.Config.Distro}} {
		if p[1] != "" {
			props = append(props, cdx.Property{Name: p[0], Value: p[1]})
		}
	}
	if len(props) > 0 {
		root.Properties = &props
	}
	m.Component = &root
	return m
}

// author splits "NAME <mail>"; what is not of that form is a name.
func author(s string) (name, address string) {
	if a, err := mail.ParseAddress(s); err == nil {
		return cmp.Or(a.Name, a.Address), a.Address
	}
	return s, ""
}

func (inv *inventory) cdxComponent(i int) cdx.Component {
	p := &inv.Packages[i]
	// The name is whole ("@scope/name", "group:artifact") and there is no group:
	// osv-scanner matches by name alone.
	c := cdx.Component{
		BOMRef: inv.refs[i], Type: cdx.ComponentTypeLibrary, Name: cmp.Or(p.Name, "unnamed"), Version: p.Version,
		PackageURL: p.PURL, Hashes: cdxHashes(inv.hashes(i)), Licenses: inv.cdxLicences(p),
		Supplier: cdxParty(p.Supplier), Manufacturer: cdxParty(p.Supplier), ExternalReferences: inv.cdxLinks(i),
	}
	if len(p.Locations) > 0 {
		var at []cdx.EvidenceOccurrence
		for _, l := range p.Locations {
			at = append(at, cdx.EvidenceOccurrence{Location: cmp.Or(l.Path, ".")})
		}
		c.Evidence = &cdx.Evidence{Occurrences: &at}
	}
	props := cdxProperties(inv.form(i).properties())
	props = append(props, cdxProperties(inv.extra(i))...)
	for n, l := range p.Locations {
		if l.Kind != p.Kind || l.Layer != "" {
			value := strings.TrimSpace(string(l.Kind) + " " + l.Layer)
			props = append(props, cdx.Property{Name: fmt.Sprintf("%s%d", locationProperty, n), Value: value})
		}
	}
	if len(props) > 0 {
		c.Properties = &props
	}
	return c
}

// locationProperty says the kind and layer of an occurrence, counted from 0,
// where they are not those of the package. (Occurrences have a field for words,
// but cyclonedx-go writes it to XML in a place that the schema does not know.)
const locationProperty = "fnvet:location:"

// cdxHashes keeps the hashes that the format can state.
func cdxHashes(hashes []fnvet.Hash) *[]cdx.Hash {
	var out []cdx.Hash
	for _, h := range hashes {
		if digestLength(h.Alg) == len(h.Value) && isHex(h.Value) {
			out = append(out, cdx.Hash{Algorithm: cdx.HashAlgorithm(h.Alg), Value: strings.ToLower(h.Value)})
		}
	}
	if out == nil {
		return nil
	}
	return &out
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// digestLength is the number of hex digits of an algorithm that CycloneDX and
// SPDX share, or 0.
func digestLength(alg string) int {
	switch alg {
	case "MD5":
		return 32
	case "SHA-1":
		return 40
	case "SHA-256", "SHA3-256", "BLAKE2b-256":
		return 64
	case "SHA-384", "SHA3-384", "BLAKE2b-384":
		return 96
	case "SHA-512", "SHA3-512", "BLAKE2b-512":
		return 128
	}
	return -1
}

// cdxCompositions says of which packages the dependencies are known: complete
// where they are stated (an empty list included) and all are listed, incomplete
// where some are missing, unknown where nothing states them. The inventory itself is
// incomplete when the scan has gaps.
func (inv *inventory) cdxCompositions() *[]cdx.Composition {
	whole := cdx.CompositionAggregateComplete
	if len(inv.Gaps) > 0 || !inv.Scan.Complete {
		whole = cdx.CompositionAggregateIncomplete
	}
	within := []cdx.BOMReference{cdx.BOMReference(inv.root)}
	by := map[cdx.CompositionAggregate][]cdx.BOMReference{}
	by[whole] = append(by[whole], within[0])
	for i := range inv.parts {
		within = append(within, cdx.BOMReference(inv.parts[i].ref))
		by[whole] = append(by[whole], cdx.BOMReference(inv.parts[i].ref))
	}
	out := []cdx.Composition{{Aggregate: whole, Assemblies: &within}}
	for i, ref := range inv.refs {
		how := cdx.CompositionAggregateComplete
		switch {
		case len(inv.lost[i]) > 0:
			how = cdx.CompositionAggregateIncomplete
		case inv.Packages[i].DependsOn == nil:
			how = cdx.CompositionAggregateUnknown
		}
		by[how] = append(by[how], cdx.BOMReference(ref))
	}
	for _, how := range []cdx.CompositionAggregate{cdx.CompositionAggregateComplete, cdx.CompositionAggregateIncomplete, cdx.CompositionAggregateUnknown} {
		if len(by[how]) > 0 {
			refs := by[how]
			out = append(out, cdx.Composition{Aggregate: how, Dependencies: &refs})
		}
	}
	return &out
}
