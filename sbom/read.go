package sbom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// ErrUnknown is returned for bytes that are no SBOM of a kind Read knows.
var ErrUnknown = errors.New("not a CycloneDX or SPDX document")

// maxDocument is the largest document that Read takes, in bytes.
const maxDocument = 256 << 20

// A Document is what an SBOM says is inside an artifact.
type Document struct {
	Format string // cyclonedx-json, cyclonedx-xml, spdx-json, spdx-tag-value or spdx3-json
	Spec   string // version of the specification: "1.6", "2.3"
	Name   string // of what it describes, or ""
	Digest string // "sha256:…" of what it describes, or ""
	// Packages are in the order of the document, which of those a foreign tool
	// wrote are kind installed: the document says that they are there.
	Packages []fnvet.Package
	// Gaps name the components that cannot be compared with advisories.
	Gaps []fnvet.Gap
}

// Detect tells the format of data as in Document.Format, or "" when it is no
// SBOM that Read knows. It is cheap and may be wrong about damaged documents.
func Detect(data []byte) string {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 {
		return ""
	}
	switch {
	case data[0] == '<' && bytes.Contains(data[:min(len(data), 4096)], []byte("http://cyclonedx.org/schema/bom/")):
		return "cyclonedx-xml"
	case bytes.HasPrefix(data, []byte("SPDXVersion: SPDX-")):
		return "spdx-tag-value"
	case data[0] != '{':
		return ""
	case hasKey(data, "bomFormat") && bytes.Contains(data, []byte(`"CycloneDX"`)):
		return "cyclonedx-json"
	case hasKey(data, "spdxVersion"):
		return "spdx-json"
	case hasKey(data, "@graph") && bytes.Contains(data, []byte("spdx.org/rdf/3")):
		return "spdx3-json"
	}
	return ""
}

func hasKey(data []byte, key string) bool { return bytes.Contains(data, []byte(`"`+key+`"`)) }

// Read reads CycloneDX 1.2 to 1.7 (JSON, XML) and SPDX 2.2, 2.3 (JSON, tag-value) and 3.0 (JSON).
// Anything else is ErrUnknown; a document that does not parse is another error.
// The document is nil when there is an error.
func Read(data []byte) (*Document, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("SBOM of %d bytes is larger than %d", len(data), maxDocument)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	format := Detect(data)
	var parsed *parsed
	var err error
	switch format {
	case "cyclonedx-json", "cyclonedx-xml":
		parsed, err = parseCycloneDX(data, format)
	case "spdx-json":
		parsed, err = parseSPDX2(data)
	case "spdx-tag-value":
		parsed, err = parseTagValue(data)
	case "spdx3-json":
		parsed, err = parseSPDX3(data)
	default:
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", format, err)
	}
	parsed.doc.Format = format
	return parsed.document(), nil
}

// unmarshal reads JSON of an SBOM.
func unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	return nil
}

// A component is one entry of an SBOM in the words all formats share.
type component struct {
	ref, purl, name, group, version string
	library                         bool // of a kind that should have a package URL
	licenses                        []string
	hashes                          []fnvet.Hash
	locations                       []fnvet.Location
	props                           map[string][]string // of fnvet and of other tools
	deps                            []string            // references
	leaf                            bool                // known to depend on nothing
	supplier                        *fnvet.Party
	links                           []fnvet.Link
}

// parsed is a document before its components are packages.
type parsed struct {
	doc        Document
	components []component
	distro     string // "debian-12", of an operating-system component
}

// document turns components into packages and counts what cannot be matched.
func (d *parsed) document() *Document {
	doc := &d.doc
	doc.Packages = []fnvet.Package{}
	purls := map[string]string{}
	for i := range d.components {
		purls[d.components[i].ref] = d.components[i].purl
	}
	missed := map[string][]string{}
	for i := range d.components {
		c := &d.components[i]
		p, why := c.toPackage(d.distro)
		if why != "" {
			missed[why] = append(missed[why], cmp.Or(p.Name, c.name, c.ref))
		}
		if p.Name == "" {
			continue
		}
		p.DependsOn = c.dependsOn(purls)
		doc.Packages = append(doc.Packages, p)
	}
	for _, why := range slices.Sorted(maps.Keys(missed)) {
		doc.Gaps = append(doc.Gaps, fnvet.Gap{Path: doc.Name, Reason: fnvet.GapUnmatched, Detail: missing(why, missed[why])})
	}
	return doc
}

// missing says how many components there are and names the first few.
func missing(why string, names []string) string {
	const show = 5
	noun := "components"
	if len(names) == 1 {
		noun = "component"
	}
	text := fmt.Sprintf("%d %s %s: %s", len(names), noun, why, strings.Join(names[:min(show, len(names))], ", "))
	if len(names) > show {
		text += ", …"
	}
	return text
}

// toPackage says what package a component is; why is set when it cannot be
// compared with advisories. A component that is no package at all has no name and no why.
func (c *component) toPackage(distro string) (p fnvet.Package, why string) {
	id, known := identify(c.purl)
	if !known && id.name != "" && id.ecosystem == "" {
		id.ecosystem = distroOf(c.purl, distro)
		known = id.ecosystem != ""
	}
	p = fnvet.Package{
		PURL: c.purl, Name: id.name, Version: cmp.Or(id.version, exact(c.version)), Ecosystem: id.ecosystem,
		Kind: fnvet.Installed, Licenses: c.licenses, Locations: c.locations, Reachable: fnvet.ReachUnknown, Hashes: c.hashes,
	}
	if full := c.fullName(id.ecosystem); strings.EqualFold(full, p.Name) {
		p.Name = full // package URLs lose the case of some names
	}
	if id.source != "" {
		p.Source = &fnvet.SourcePackage{Name: id.source, Version: id.sourceVersion}
	}
	own := c.own(&p)
	switch {
	case c.purl == "" && !own:
		if !c.library {
			return fnvet.Package{}, ""
		}
		return fnvet.Package{}, "without a package URL"
	case p.Name == "":
		return fnvet.Package{}, "with a package URL that does not parse"
	case own:
		return p, ""
	case !known:
		typ, _, _ := strings.Cut(strings.TrimPrefix(c.purl, "pkg:"), "/")
		return p, "of type " + typ + ", which no advisory database covers"
	case p.Version == "":
		return p, "without a version"
	}
	return p, ""
}

// exact is v unless it is a range.
func exact(v string) string {
	if strings.ContainsAny(v, "^~<>=*| ,") {
		return ""
	}
	return v
}

// fullName joins group and name as OSV does.
func (c *component) fullName(ecosystem string) string {
	switch {
	case c.group == "":
		return c.name
	case ecosystem == "Maven":
		return c.group + ":" + c.name
	}
	return c.group + "/" + c.name
}

// own applies the properties that fnvet and known tools add; ok tells that
// fnvet itself wrote the component as a package.
func (c *component) own(p *fnvet.Package) (ok bool) {
	get := func(name string, to *string) {
		if v, has := c.props[name]; has && len(v) > 0 {
			*to = v[0]
		}
	}
	kind, reach, direct := "", "", ""
	get("fnvet:kind", &kind)
	get("fnvet:reachable", &reach)
	get("fnvet:direct", &direct)
	if _, said := c.props[declaredProperty]; said || c.props[recognisedProperty] != nil || c.props[unknownProperty] != nil {
		p.Licenses, p.Concluded = c.props[declaredProperty], c.props[recognisedProperty]
	}
	p.Supplier, p.Links = c.supplier, c.links
	if p.Supplier != nil && c.props[organizationProperty] != nil {
		p.Supplier.Organization = true
	}
	get("fnvet:name", &p.Name)
	get("fnvet:version", &p.Version)
	get("fnvet:ecosystem", &p.Ecosystem)
	source := fnvet.SourcePackage{}
	get("aquasecurity:trivy:SrcName", &source.Name)
	get("aquasecurity:trivy:SrcVersion", &source.Version)
	get("fnvet:source-name", &source.Name)
	get("fnvet:source-version", &source.Version)
	if source != (fnvet.SourcePackage{}) {
		p.Source = &source
	}
	switch k := fnvet.PackageKind(kind); k {
	case fnvet.Installed, fnvet.Bundled, fnvet.Locked, fnvet.Declared:
		p.Kind, ok = k, p.Name != ""
	}
	switch r := fnvet.Reach(reach); r {
	case fnvet.ReachYes, fnvet.ReachNo, fnvet.ReachUnknown:
		p.Reachable = r
	}
	p.Direct = direct == "true"
	if len(p.Locations) == 0 {
		p.Locations = c.foreignLocations(p.Kind)
	}
	c.locate(p)
	return ok
}

// locate completes places that are only paths.
func (c *component) locate(p *fnvet.Package) {
	for i := range p.Locations {
		l := &p.Locations[i]
		for _, v := range c.props[fmt.Sprintf("%s%d", locationProperty, i)] {
			kind, layer, _ := strings.Cut(v, " ")
			switch k := fnvet.PackageKind(kind); k {
			case fnvet.Installed, fnvet.Bundled, fnvet.Locked, fnvet.Declared:
				l.Kind, l.Layer = k, layer
			}
		}
		if l.Kind == "" {
			l.Kind = p.Kind
		}
	}
}

// foreignLocations takes the paths that syft and trivy write as properties.
func (c *component) foreignLocations(kind fnvet.PackageKind) []fnvet.Location {
	var out []fnvet.Location
	add := func(path, layer string) {
		out = append(out, fnvet.Location{Path: strings.TrimPrefix(path, "/"), Layer: layer, Kind: kind})
	}
	for i := range len(c.props) {
		n := fmt.Sprintf("syft:location:%d:", i)
		paths := c.props[n+"path"]
		if len(paths) == 0 {
			break
		}
		add(paths[0], strings.Join(c.props[n+"layerID"], ""))
	}
	for _, path := range c.props["aquasecurity:trivy:FilePath"] {
		add(path, "")
	}
	return out
}

// dependsOn says the package URLs of what a component needs: nil when that is
// not stated, empty when it needs nothing.
func (c *component) dependsOn(purls map[string]string) []string {
	var out []string
	if c.leaf {
		out = []string{}
	}
	for _, ref := range c.deps {
		if purl := purls[ref]; purl != "" {
			out = append(out, purl)
		}
	}
	out = append(out, c.props["fnvet:missing-dependency"]...)
	slices.Sort(out)
	return slices.Compact(out)
}
