package sbom

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// conclude is the licence under which a package is distributed, as an SPDX
// expression: what its maker declares, where that is an expression or a name with one
// meaning and the texts that lie with it are of its licences; else that of the texts.
// "" is not known. Texts alone do not say whether one may choose between them, nor
// that a later version will do.
func (l *licences) conclude(p *fnvet.Package) string {
	from := p.Concluded
	if len(from) == 0 {
		from = p.Licenses
	} else if len(p.Licenses) == 1 && covers(l.certain(p.Licenses[0]), p.Concluded) {
		from = p.Licenses
	}
	var parts []string
	for _, d := range from {
		e := l.certain(d)
		if e == "" {
			return ""
		}
		parts = append(parts, e)
	}
	slices.Sort(parts)
	return joinAll(slices.Compact(parts))
}

// covers says whether every recognised licence is one of a declared expression, be it
// with or without later versions.
func covers(declared string, recognised []string) bool {
	family := func(id string) string {
		return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(id, "+"), "-only"), "-or-later")
	}
	ids := map[string]bool{}
	for _, word := range strings.FieldsFunc(declared, func(r rune) bool { return r == ' ' || r == '(' || r == ')' }) {
		ids[family(word)] = true
	}
	return !slices.ContainsFunc(recognised, func(id string) bool { return !ids[family(id)] })
}

// joinAll joins expressions that all apply.
func joinAll(parts []string) string {
	if len(parts) > 1 {
		parts = slices.Clone(parts)
		for i, p := range parts {
			if strings.Contains(p, " ") {
				parts[i] = "(" + p + ")"
			}
		}
	}
	return strings.Join(parts, " AND ")
}

// certain is the SPDX expression that a declared text is or can only mean.
func (l *licences) certain(text string) string {
	if id := l.id(text); id != "" {
		return id
	}
	if e := l.expression(text); e != "" {
		return e
	}
	name := strings.ToLower(strings.TrimSpace(text))
	name = strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "www."), "the ")
	return map[string]string{
		"apache 2.0": "Apache-2.0", "apache 2": "Apache-2.0", "apache-2": "Apache-2.0", "apache license 2.0": "Apache-2.0",
		"apache license, version 2.0": "Apache-2.0", "apache software license, version 2.0": "Apache-2.0", "apache license version 2.0": "Apache-2.0",
		"apache.org/licenses/license-2.0.txt": "Apache-2.0", "apache.org/licenses/license-2.0": "Apache-2.0", "apache.org/licenses/license-2.0.html": "Apache-2.0",
		"mit license": "MIT", "mit license (mit)": "MIT", "opensource.org/licenses/mit": "MIT", "opensource.org/licenses/mit-license.php": "MIT",
		"isc license": "ISC", "isc license (iscl)": "ISC",
		"mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "mozilla public license 2.0": "MPL-2.0", "mozilla public license, version 2.0": "MPL-2.0",
		"eclipse public license 1.0": "EPL-1.0", "eclipse public license - v 1.0": "EPL-1.0", "eclipse public license 2.0": "EPL-2.0", "eclipse public license v2.0": "EPL-2.0",
		"bsd 3-clause license": "BSD-3-Clause", "bsd 3-clause": "BSD-3-Clause", "3-clause bsd license": "BSD-3-Clause", "new bsd license": "BSD-3-Clause",
		"bsd 2-clause license": "BSD-2-Clause", "bsd 2-clause": "BSD-2-Clause", "simplified bsd license": "BSD-2-Clause",
		"unlicense": "Unlicense", "unlicense (unlicense)": "Unlicense", "zlib/libpng license": "Zlib", "boost software license 1.0 (bsl-1.0)": "BSL-1.0",
	}[name]
}
