package sbom

import (
	"errors"
	"strings"
)

// parseTagValue reads the lines of SPDX 2.2 and 2.3 (section 4.4 of the
// specification) as far as packages go. The reader of tools-golang ends at lines of
// 64 KiB, and loses annotations of packages.
func parseTagValue(data []byte) (*parsed, error) {
	r := &tagReader{}
	rest := string(data)
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		tag, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, errors.New("a line is no tag with a value")
		}
		value = strings.TrimSpace(value)
		if text, is := strings.CutPrefix(value, "<text>"); is {
			value, rest, ok = textBlock(text, rest)
			if !ok {
				return nil, errors.New("a text does not end")
			}
		}
		r.take(tag, value)
	}
	r.attach()
	return r.doc.parsed()
}

// textBlock is the rest of a text that begins in a line and may go on in the next ones.
func textBlock(first, rest string) (value, after string, ok bool) {
	if value, _, ok = strings.Cut(first, "</text>"); ok {
		return value, rest, true
	}
	more, after, ok := strings.Cut(rest, "</text>")
	if !ok {
		return "", "", false
	}
	_, after, _ = strings.Cut(after, "\n")
	return first + "\n" + more, after, true
}

// A tagReader is at the package that the last lines were about, or at what is none.
type tagReader struct {
	doc     spdx2
	inside  bool        // the lines are about the last package
	started bool        // some section has begun: the first SPDXID is of the document
	notes   [][2]string // element and comment
}

func (r *tagReader) take(tag, value string) {
	if r.inside && r.packageTag(&r.doc.Packages[len(r.doc.Packages)-1], tag, value) {
		return
	}
	switch tag {
	case "SPDXVersion":
		r.doc.Version = value
	case "DocumentName":
		r.doc.Name = value
	case "PackageName":
		r.inside, r.started = true, true
		r.doc.Packages = append(r.doc.Packages, spdx2Package{Name: value})
	case "FileName", "SnippetSPDXID":
		r.inside, r.started = false, true
	case "SPDXID":
		if !r.started {
			r.doc.ID = value
		}
	case "Relationship":
		if f := strings.Fields(value); len(f) == 3 {
			r.doc.Relationships = append(r.doc.Relationships, spdxRelationship{f[0], f[1], f[2]})
		}
	case "Annotator":
		r.notes = append(r.notes, [2]string{})
	case "SPDXREF", "AnnotationComment":
		if n := len(r.notes) - 1; n >= 0 {
			r.notes[n][map[string]int{"SPDXREF": 0, "AnnotationComment": 1}[tag]] = value
		}
	case "LicenseID", "LicenseName", "ExtractedText":
		r.licence(tag, value)
	}
}

// packageTag takes a line about a package.
func (r *tagReader) packageTag(p *spdx2Package, tag, value string) bool {
	switch tag {
	case "SPDXID":
		p.ID = value
	case "PackageVersion":
		p.Version = value
	case "PackageSupplier":
		p.Supplier = value
	case "PackageLicenseDeclared":
		p.Declared = value
	case "PackageLicenseConcluded":
		p.Concluded = value
	case "PrimaryPackagePurpose":
		p.Purpose = value
	case "PackageChecksum":
		alg, sum, _ := strings.Cut(value, ":")
		p.Checksums = append(p.Checksums, spdxChecksum{alg, strings.TrimSpace(sum)})
	case "ExternalRef":
		if f := strings.Fields(value); len(f) >= 3 {
			p.Refs = append(p.Refs, spdxRef{f[1], f[2]})
		}
	default:
		return false
	}
	return true
}

func (r *tagReader) licence(tag, value string) {
	if tag == "LicenseID" {
		r.inside, r.started = false, true
		r.doc.Other = append(r.doc.Other, spdxText{ID: value})
	}
	if n := len(r.doc.Other) - 1; n >= 0 {
		switch tag {
		case "LicenseName":
			r.doc.Other[n].Name = value
		case "ExtractedText":
			r.doc.Other[n].Text = value
		}
	}
}

// attach gives annotations to the packages they are about.
func (r *tagReader) attach() {
	at := map[string]int{}
	for i := range r.doc.Packages {
		at[r.doc.Packages[i].ID] = i
	}
	for _, n := range r.notes {
		if i, ok := at[n[0]]; ok {
			p := &r.doc.Packages[i]
			p.Annotations = append(p.Annotations, spdxComment{n[1]})
		}
	}
}
