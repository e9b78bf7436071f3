// Package python reads what Python's tools leave behind: metadata of installed
// distributions, requirement files and lockfiles. It reads no code.
package python

import (
	"bytes"
	"errors"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// maxHeaders bounds the header part of a METADATA file in bytes; the
// description that follows it may be long and is not read.
const maxHeaders = 4 << 20

// WantInstalled says whether a file is the metadata of an installed
// distribution: X.dist-info/METADATA, X.egg-info/PKG-INFO, X.egg-info or
// EGG-INFO/PKG-INFO.
func WantInstalled(name string) bool {
	base, dir := path.Base(name), path.Base(path.Dir(name))
	switch base {
	case "METADATA":
		return strings.HasSuffix(dir, ".dist-info")
	case "PKG-INFO":
		return strings.HasSuffix(dir, ".egg-info") || dir == "EGG-INFO"
	}
	return strings.HasSuffix(base, ".egg-info")
}

// ParseMetadata reads core metadata (PEP 566, 639, 643). DependsOn holds
// package URLs without versions, for what is needed without an extra.
func ParseMetadata(data []byte) ([]fnvet.Package, error) {
	h := headers(data)
	pkg, ok := entry.Package(entry.PyPI, entry.NormalPython(h.first("name")), h.first("version"), fnvet.Installed)
	if !ok {
		return nil, errors.New("no Name and Version")
	}
	pkg.Licenses, pkg.Supplier, pkg.Links = metadataLicenses(h), metadataSupplier(h), metadataLinks(h)
	for _, r := range h["requires-dist"] {
		requirement, marker, _ := strings.Cut(r, ";")
		if strings.Contains(marker, "extra") {
			continue
		}
		if name := requirementName(requirement); name != "" {
			pkg.DependsOn = append(pkg.DependsOn, entry.PURL(entry.PyPI, name, ""))
		}
	}
	pkg.DependsOn = entry.Sorted(pkg.DependsOn)
	return []fnvet.Package{pkg}, nil
}

type fields map[string][]string

func (f fields) first(key string) string {
	if len(f[key]) > 0 {
		return f[key][0]
	}
	return ""
}

// headers reads "Key: value" lines up to the first empty one. Folded lines
// belong to the value above, of which only the first line is kept.
func headers(data []byte) fields {
	data = bytes.TrimPrefix(data[:min(len(data), maxHeaders)], []byte("\xef\xbb\xbf"))
	out := make(fields)
	for len(data) > 0 {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line := string(bytes.TrimRight(raw, "\r"))
		if line == "" {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		if key, value, ok := strings.Cut(line, ":"); ok {
			key = strings.ToLower(strings.TrimSpace(key))
			out[key] = append(out[key], strings.TrimSpace(value))
		}
	}
	return out
}

// metadataSupplier is the author, else the maintainer. PEP 621 has tools write the
// name into the field of the address: "Name <mail>".
func metadataSupplier(h fields) *fnvet.Party {
	for _, who := range []string{"author", "maintainer"} {
		name, address := h.first(who), h.first(who+"-email")
		if first, _, several := strings.Cut(address, ">,"); several {
			address = first + ">"
		}
		p := entry.Party(address, false)
		if p == nil {
			first, _, _ := strings.Cut(address, ",")
			p = entry.Party(first, false)
		}
		switch n := entry.Named(name, "", "", false); {
		case p == nil:
			p = n
		case n != nil && n.Name != "":
			p.Name = n.Name
		}
		if p != nil {
			return p
		}
	}
	return nil
}

// metadataLinks reads Home-page and Project-URL ("Label, address"), whose labels
// are compared as PEP 753 says: without case, spaces and punctuation.
func metadataLinks(h fields) []fnvet.Link {
	list := entry.Link(nil, fnvet.LinkWebsite, entry.Address(h.first("home-page")))
	for _, one := range h["project-url"] {
		label, address, _ := strings.Cut(one, ",")
		label = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, strings.ToLower(label))
		switch label {
		case "source", "sourcecode", "repository", "code", "github":
			list = entry.Link(list, fnvet.LinkVCS, entry.Repository(address))
		case "homepage":
			list = entry.Link(list, fnvet.LinkWebsite, entry.Address(address))
		case "issues", "bugs", "issue", "tracker", "issuetracker", "bugtracker", "bugreports":
			list = entry.Link(list, fnvet.LinkIssues, entry.Address(address))
		}
	}
	return entry.Links(list)
}

// metadataLicenses prefers License-Expression, then License if it is a name
// and not a text, then the licence classifiers.
func metadataLicenses(h fields) []string {
	if e := h.first("license-expression"); e != "" {
		return entry.Licenses(e)
	}
	if l := h.first("license"); l != "" && len(l) < 80 && !strings.Contains(l, "Copyright") {
		if out := entry.Licenses(l); out != nil {
			return out
		}
	}
	var texts []string
	for _, c := range h["classifier"] {
		if rest, ok := strings.CutPrefix(c, "License ::"); ok {
			if i := strings.LastIndex(rest, "::"); i >= 0 {
				rest = rest[i+2:]
			}
			texts = append(texts, rest)
		}
	}
	return entry.Licenses(texts...)
}

// requirementName is the normal name at the start of a requirement (PEP 508).
func requirementName(text string) string {
	text = strings.TrimSpace(text)
	end := 0
	for end < len(text) {
		c := text[end]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' {
			end++
			continue
		}
		break
	}
	if end > entry.MaxField {
		return ""
	}
	return entry.NormalPython(strings.Clone(text[:end]))
}
