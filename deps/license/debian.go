package license

import (
	"bytes"
	"slices"
	"strings"
)

// copyrightFile reads the licences of a machine-readable debian/copyright: the
// short names of its stanzas of files. Others give nothing.
// https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
func copyrightFile(data []byte) []string {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if !bytes.HasPrefix(first, []byte("Format")) || !bytes.Contains(first, []byte("copyright-format")) {
		return nil
	}
	var out []string
	files := false
	for len(data) > 0 {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line := string(bytes.TrimRight(raw, "\r "))
		switch key, value, ok := strings.Cut(line, ":"); {
		case line == "":
			files = false
		case ok && strings.EqualFold(key, "Files"):
			// What is only in the packaging is not in the package.
			files = !strings.HasPrefix(strings.TrimSpace(value), "debian/")
		case ok && files && strings.EqualFold(key, "License"):
			if e := expression(strings.TrimSpace(value)); e != "" && len(out) < 256 {
				out = append(out, e)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// expression writes a licence of Debian as SPDX does: "GPL-2+ and Expat" is
// "GPL-2.0-or-later AND MIT". A name that is not known is kept as it is, so the
// whole is then no SPDX expression.
func expression(text string) string {
	if len(text) > 512 {
		return ""
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, ", and ", " and "), ", or ", " or ")
	words := strings.Fields(text)
	for i, w := range words {
		switch strings.ToLower(w) {
		case "and", "or":
			words[i] = strings.ToUpper(w)
		case "with":
			return text // names of exceptions differ
		default:
			words[i] = spdxName(w)
		}
	}
	if slices.Contains(words, "AND") && slices.Contains(words, "OR") {
		return text // the format lets "and" bind less with a comma; do not guess
	}
	return strings.Join(words, " ")
}

// spdxName writes one short name as SPDX does.
func spdxName(name string) string {
	switch strings.ToLower(name) {
	case "expat":
		return "MIT"
	case "zlib":
		return "Zlib"
	case "bsd-2-clause", "bsd-3-clause", "bsd-4-clause":
		return "BSD" + strings.Replace(strings.ToLower(name[3:]), "clause", "Clause", 1)
	case "public-domain":
		return name // no licence, and none of SPDX's
	}
	base, later := strings.CutSuffix(name, "+")
	family, version, ok := strings.Cut(base, "-")
	family = strings.ToUpper(family)
	switch family {
	case "GPL", "LGPL", "AGPL":
		if !ok {
			return name
		}
		if !strings.Contains(version, ".") {
			version += ".0"
		}
		if later {
			return family + "-" + version + "-or-later"
		}
		return family + "-" + version + "-only"
	case "APACHE", "MPL", "ARTISTIC":
		if ok && !strings.Contains(version, ".") {
			version += ".0"
		}
		if ok && !later {
			return map[string]string{"APACHE": "Apache", "MPL": "MPL", "ARTISTIC": "Artistic"}[family] + "-" + version
		}
	}
	return name
}
