package sbom

import (
	"cmp"
	"net/url"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/fnvet/fnvet"
)

// cdxPart is a layer or an archive as a component.
func (inv *inventory) cdxPart(p *part) cdx.Component {
	c := cdx.Component{
		BOMRef: p.ref, Type: cdx.ComponentTypeFile, Name: cmp.Or(p.name, "unnamed"), Version: p.version, Hashes: cdxHashes(p.hashes),
		ExternalReferences: cdxDeployed(reference(p.name), p.hashes),
	}
	what, unknown := "archive", "supplier licence"
	if p.layer {
		what = "layer"
	}
	props := cdxProperties(form{p.name, isExecutable, isArchive, isStructured}.properties())
	props = append(props, cdx.Property{Name: "fnvet:part", Value: what}, cdx.Property{Name: unknownProperty, Value: unknown})
	c.Properties = &props
	if p.path != "" {
		c.Evidence = &cdx.Evidence{Occurrences: &[]cdx.EvidenceOccurrence{{Location: p.path}}}
	}
	return c
}

func cdxProperties(pairs [][2]string) []cdx.Property {
	var out []cdx.Property
	for _, p := range pairs {
		out = append(out, cdx.Property{Name: p[0], Value: p[1]})
	}
	return out
}

// rootUnknown lists what no one said of the artifact.
func (inv *inventory) rootUnknown() string {
	var out []string
	for _, e := range [][2]string{{"supplier", inv.Supplier}, {"author", inv.Author}, {"licence", inv.Licence}, {"purl", inv.rootPURL()}} {
		if e[1] == "" {
			out = append(out, e[0])
		}
	}
	return strings.Join(out, " ")
}

// cdxParty is who makes and maintains a package. The packager of a distribution
// does both for the package as it is distributed.
func cdxParty(p *fnvet.Party) *cdx.OrganizationalEntity {
	if p == nil {
		return nil
	}
	e := &cdx.OrganizationalEntity{Name: cmp.Or(p.Name, p.Email, p.URL)}
	if p.URL != "" {
		e.URL = &[]string{p.URL}
	}
	if p.Email != "" {
		e.Contact = &[]cdx.OrganizationalContact{{Name: p.Name, Email: p.Email}}
	}
	return e
}

// cdxLinks are where a package comes from. BSI looks for the address of the source in
// "source-distribution", and for the hash in the distribution.
func (inv *inventory) cdxLinks(i int) *[]cdx.ExternalReference {
	p := &inv.Packages[i]
	var out []cdx.ExternalReference
	distributed := false
	for _, l := range p.Links {
		r := cdx.ExternalReference{Type: cdx.ExternalReferenceType(l.Kind), URL: l.URL}
		if l.Kind == fnvet.LinkDistribution && !distributed {
			r.Hashes, distributed = cdxHashes(inv.hashes(i)), true
		}
		out = append(out, r)
		if l.Kind == fnvet.LinkVCS {
			out = append(out, cdx.ExternalReference{Type: cdx.ERTypeSourceDistribution, URL: l.URL})
		}
	}
	if !distributed {
		at := p.PURL // names what was hashed; where it was fetched from is not known
		if inv.file[i] != nil {
			at = reference(inv.form(i).filename)
		}
		if r := cdxDeployed(at, inv.hashes(i)); r != nil {
			out = append(out, *r...)
		}
	}
	if out == nil {
		return nil
	}
	return &out
}

// cdxDeployed states the hashes of the file that is deployed, where BSI wants them.
func cdxDeployed(at string, hashes []fnvet.Hash) *[]cdx.ExternalReference {
	if kept := cdxHashes(hashes); kept != nil && at != "" {
		return &[]cdx.ExternalReference{{Type: cdx.ERTypeDistribution, URL: at, Hashes: kept}}
	}
	return nil
}

// reference writes a file name as a relative URI.
func reference(name string) string {
	name = strings.ToValidUTF8(name, "_")
	return "./" + url.PathEscape(name)
}

// cdxLicences states both the declared licences and the concluded one where the
// format can: 1.6 takes either one expression, and then it is the concluded one, or a
// list of ids and names. What was declared is kept in a property as well.
func (inv *inventory) cdxLicences(p *fnvet.Package) *cdx.Licenses {
	concluded := inv.lic.conclude(p)
	declared := inv.cdxDeclared(p.Licenses)
	if concluded == "" {
		return declared
	}
	ack := cdx.LicenseAcknowledgementConcluded
	one := cdx.LicenseChoice{Expression: concluded, Acknowledgement: &ack}
	expression := inv.lic.id(concluded) == ""
	if !expression {
		one = cdx.LicenseChoice{License: &cdx.License{ID: concluded, Acknowledgement: ack}}
	}
	switch {
	case declared == nil:
		return &cdx.Licenses{one}
	case inv.mixed, !expression && (*declared)[0].Expression == "":
		return new(append(cdx.Licenses{one}, *declared...))
	}
	return &cdx.Licenses{{Expression: concluded, Acknowledgement: &ack}}
}

// dataLicence is that of the document.
func (inv *inventory) dataLicence() *cdx.Licenses {
	switch id := inv.lic.id(inv.DataLicence); {
	case inv.DataLicence == "":
		return nil
	case id != "":
		return &cdx.Licenses{{License: &cdx.License{ID: id}}}
	}
	if e := inv.lic.expression(inv.DataLicence); e != "" {
		return &cdx.Licenses{{Expression: e}}
	}
	return &cdx.Licenses{{License: &cdx.License{Name: inv.DataLicence}}}
}

// cdxStated is the licence that the owner of an artifact gives it.
func (inv *inventory) cdxStated(licence string) *cdx.Licenses {
	if licence == "" {
		return nil
	}
	return inv.cdxLicences(&fnvet.Package{Licenses: []string{licence}})
}

// cdxDeclared states declared licences: a single expression as such, listed ids
// as ids, anything else by name. The format takes either one expression or a list.
func (inv *inventory) cdxDeclared(declared []string) *cdx.Licenses {
	var kept []string
	for _, d := range declared {
		if d = strings.TrimSpace(d); d != "" {
			kept = append(kept, d)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	ack := cdx.LicenseAcknowledgementDeclared
	if len(kept) == 1 && inv.lic.id(kept[0]) == "" {
		if e := inv.lic.expression(kept[0]); e != "" {
			return &cdx.Licenses{{Expression: e, Acknowledgement: &ack}}
		}
	}
	var out cdx.Licenses
	for _, d := range kept {
		l := &cdx.License{Acknowledgement: ack}
		if l.ID = inv.lic.id(d); l.ID == "" {
			l.Name = d
		}
		out = append(out, cdx.LicenseChoice{License: l})
	}
	return &out
}
