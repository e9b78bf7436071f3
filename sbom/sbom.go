// Package sbom writes the inventory of a scan as a software bill of materials
// (CycloneDX, SPDX) and reads such documents back as packages.
//
// It is pure: it opens no files, asks no network and changes no report. What
// is not known is stated unknown, never invented. Findings are not written:
// an SBOM says what is inside, not what is wrong with it, and holds no secrets.
// The one exception is cyclonedx-vdr-json, which adds the vulnerabilities.
package sbom

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	packageurl "github.com/package-url/packageurl-go"

	"github.com/fnvet/fnvet"

	"github.com/fnvet/fnvet/internal/escape"
)

// Options say what the report does not.
type Options struct {
	// Now is the document's timestamp; zero takes the start of the scan.
	Now time.Time
	// Version is of the tool; "" takes the one in the report.
	Version string
	// Supplier, Author ("NAME <mail>") and Licence (an SPDX expression) are of
	// the artifact, as its owner states them; "" is unknown.
	Supplier, Author, Licence string
	// Edition is the version of the artifact; "" takes its digest, the one name that
	// every artifact has.
	Edition string
	// DataLicence is of the document itself, as an SPDX expression; "" is not stated.
	// SPDX documents are CC0-1.0 by their specification.
	DataLicence string
}

type format struct {
	name  string
	write func(*bytes.Buffer, *inventory) error
}

func formats() []format {
	return []format{
		{"cyclonedx-json", cycloneDX(cdx.BOMFileFormatJSON, cdx.SpecVersion1_6)},
		{"cyclonedx-xml", cycloneDX(cdx.BOMFileFormatXML, cdx.SpecVersion1_6)},
		{"cyclonedx-1.7-json", cycloneDX(cdx.BOMFileFormatJSON, cdx.SpecVersion1_7)},
		{"cyclonedx-1.7-xml", cycloneDX(cdx.BOMFileFormatXML, cdx.SpecVersion1_7)},
		{"cyclonedx-vdr-json", writeVDR},
		{"spdx-json", writeSPDXJSON},
		{"spdx-tag-value", writeSPDXTagValue},
		{"spdx3-json", writeSPDX3},
	}
}

// Formats lists the names that Write accepts.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Write writes the packages of r as the named format. The same report and
// options give the same bytes. An unknown format is an error that lists the known ones.
func Write(w io.Writer, name string, r *fnvet.Report, o Options) error {
	all := formats()
	i := slices.IndexFunc(all, func(f format) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("unknown SBOM format %q (known: %s)", name, strings.Join(Formats(), ", "))
	}
	var b bytes.Buffer
	if err := all[i].write(&b, newInventory(r, o)); err != nil {
		return fmt.Errorf("sbom %s: %w", name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// An inventory is a report prepared for writing: every package with its own
// reference, and the dependency graph over those references.
type inventory struct {
	*fnvet.Report
	Options
	lic  *licences
	root string     // reference of the artifact
	refs []string   // reference of each package
	deps [][]string // references each package depends on, sorted
	top  []string   // references the artifact depends on itself, sorted
	lost [][]string // package URLs each package depends on that are not listed

	parts []part           // layers and archives
	own   []string         // references of the parts that lie in no other, sorted
	file  []*fnvet.Archive // the archive that each package is, or nil

	disclose bool // vulnerabilities too
	mixed    bool // licences may be expressions beside others: CycloneDX from 1.7 on
}

func newInventory(r *fnvet.Report, o Options) *inventory {
	inv := &inventory{Report: r, Options: o, lic: newLicences()}
	inv.Version = escape.Text(cmp.Or(o.Version, r.Scan.Version))
	if inv.Now.IsZero() {
		inv.Now = r.Scan.Started
	}
	if inv.Now.IsZero() {
		inv.Now = time.Unix(0, 0)
	}
	inv.Now = inv.Now.UTC().Truncate(time.Second)
	inv.root = "artifact:" + cmp.Or(r.Artifact.Digest, r.Artifact.Name)
	inv.refer()
	inv.graph()
	inv.parted()
	return inv
}

// name is what the artifact is called, without the directories of the machine
// it was scanned on; references of images stay whole.
func (inv *inventory) name() string {
	name := strings.ReplaceAll(inv.Artifact.Name, `\`, "/")
	if inv.Artifact.Type != "image" || strings.HasSuffix(name, ".tar") {
		name = path.Base(name)
	}
	switch name {
	case "", ".", "/":
		return "unnamed"
	}
	return name
}

// edition is the version of the artifact.
func (inv *inventory) edition() string { return cmp.Or(inv.Edition, inv.Artifact.Digest) }

// rootPURL is the package URL of the artifact, or "": of an image its repository and
// manifest (type oci), of a file its name and checksum (type generic). A directory has
// no bytes of its own, and an SBOM names another artifact than the one it is.
func (inv *inventory) rootPURL() string {
	a := &inv.Artifact
	sum, ok := strings.CutPrefix(a.Digest, "sha256:")
	if !ok || !isHex(sum) || len(sum) != digestLength("SHA-256") {
		return ""
	}
	switch a.Type {
	case "zip", "jar", "tar", "7z", "rar", "file", "image":
	default:
		return ""
	}
	if !a.Manifest {
		q := packageurl.QualifiersFromMap(map[string]string{"checksum": a.Digest})
		return packageurl.NewPackageURL("generic", "", inv.name(), inv.Edition, q, "").ToString()
	}
	at, tag, ok := repository(a)
	if !ok {
		return "" // of a layout: in which repository it will be is not known
	}
	q := map[string]string{"repository_url": at}
	if tag != "" {
		q["tag"] = tag
	}
	return packageurl.NewPackageURL("oci", "", path.Base(at), a.Digest, packageurl.QualifiersFromMap(q), "").ToString()
}

// repository takes the name of an image in a registry apart.
func repository(a *fnvet.Artifact) (at, tag string, ok bool) {
	at, _, _ = strings.Cut(strings.TrimPrefix(a.Name, "docker://"), "@")
	host, rest, ok := strings.Cut(at, "/")
	if !ok || rest == "" || !strings.ContainsAny(host, ".:") && host != "localhost" || strings.ContainsAny(at, `\ `) {
		return "", "", false
	}
	if i := strings.LastIndexByte(at, ':'); i > strings.LastIndexByte(at, '/') {
		at, tag = at[:i], at[i+1:]
	}
	return strings.ToLower(at), tag, true
}

// rootAt is where the bytes of the artifact are that its hashes are of.
func (inv *inventory) rootAt() string {
	a := &inv.Artifact
	if !a.Manifest {
		return reference(inv.name())
	}
	if purl := inv.rootPURL(); purl != "" {
		return purl
	}
	return "./blobs/" + strings.Replace(a.Digest, ":", "/", 1) // in the layout
}

// refer gives each package its package URL as reference, or its name where it
// has none, told apart by a number when two packages would share it.
func (inv *inventory) refer() {
	seen := map[string]int{inv.root: 1}
	inv.refs = make([]string, len(inv.Packages))
	for i := range inv.Packages {
		p := &inv.Packages[i]
		ref := p.PURL
		if ref == "" {
			ref = p.Ecosystem + ":" + p.Name + "@" + p.Version
		}
		base := ref
		for seen[ref] > 0 {
			seen[base]++
			ref = fmt.Sprintf("%s|%d", base, seen[base])
		}
		seen[ref] = 1
		inv.refs[i] = ref
	}
}

// graph resolves DependsOn. The artifact depends on its direct packages and on
// those that no other package needs, so that every package hangs on the graph.
func (inv *inventory) graph() {
	byPURL := map[string]string{}
	for i := range inv.Packages {
		if purl := inv.Packages[i].PURL; purl != "" && byPURL[purl] == "" {
			byPURL[purl] = inv.refs[i]
		}
	}
	inv.deps = make([][]string, len(inv.Packages))
	inv.lost = make([][]string, len(inv.Packages))
	needed := map[string]bool{}
	for i := range inv.Packages {
		for _, purl := range inv.Packages[i].DependsOn {
			ref, ok := byPURL[purl]
			switch {
			case !ok:
				inv.lost[i] = append(inv.lost[i], purl)
			case ref != inv.refs[i]:
				inv.deps[i] = append(inv.deps[i], ref)
				needed[ref] = true
			}
		}
		slices.Sort(inv.deps[i])
		inv.deps[i] = slices.Compact(inv.deps[i])
	}
	for i, ref := range inv.refs {
		if inv.Packages[i].Direct || !needed[ref] {
			inv.top = append(inv.top, ref)
		}
	}
	inv.connect()
	slices.Sort(inv.top)
}

// connect adds to top one package of each cycle that nothing outside it needs.
func (inv *inventory) connect() {
	index := map[string]int{}
	for i, ref := range inv.refs {
		index[ref] = i
	}
	reached := make([]bool, len(inv.refs))
	reach := func(ref string) {
		todo := []string{ref}
		for len(todo) > 0 {
			i := index[todo[len(todo)-1]]
			todo = todo[:len(todo)-1]
			if !reached[i] {
				reached[i] = true
				todo = append(todo, inv.deps[i]...)
			}
		}
	}
	for _, ref := range inv.top {
		reach(ref)
	}
	for i, ref := range inv.refs {
		if !reached[i] {
			inv.top = append(inv.top, ref)
			reach(ref)
		}
	}
}

// extra is what an SBOM format has no field for, kept under names of our own so
// that reading gives the same package.
func (inv *inventory) extra(i int) [][2]string {
	p := &inv.Packages[i]
	id, _ := identify(p.PURL)
	var out [][2]string
	put := func(name, value, implied string) {
		if value != implied {
			out = append(out, [2]string{"fnvet:" + name, value})
		}
	}
	put("kind", string(p.Kind), "")
	put("ecosystem", p.Ecosystem, id.ecosystem)
	put("name", p.Name, id.name)
	put("version", p.Version, id.version)
	if p.Direct {
		put("direct", "true", "")
	}
	if p.Reachable != fnvet.ReachUnknown {
		put("reachable", string(p.Reachable), "")
	}
	if p.Source != nil {
		put("source-name", p.Source.Name, "")
		put("source-version", p.Source.Version, "")
	}
	for _, purl := range inv.lost[i] {
		put("missing-dependency", purl, "")
	}
	if p.Supplier != nil && p.Supplier.Organization {
		put("supplier-is-organization", "true", "")
	}
	for _, l := range p.Licenses {
		out = append(out, [2]string{declaredProperty, l})
	}
	for _, l := range p.Concluded {
		out = append(out, [2]string{recognisedProperty, l})
	}
	if u := inv.unknown(i); len(u) > 0 {
		out = append(out, [2]string{unknownProperty, strings.Join(u, " ")})
	}
	return out
}
