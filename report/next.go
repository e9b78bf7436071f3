package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// plain is text that no shell takes for more than a word.
var plain = lazyregexp.New(`^[A-Za-z0-9@_+=:,./][A-Za-z0-9@_+=:,./~-]*$`)

// quote writes an artifact's name as one shell word, or TARGET when it holds
// characters that should not be typed.
func quote(s string) string {
	switch {
	case plain().MatchString(s):
		return s
	case s == "" || clean(s) != s || s[0] == '-':
		return "TARGET"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// next says what to type now, most urgent first.
func (s *summary) next() []string {
	var out []string
	target := quote(cmp.Or(s.typed, s.Artifact.Name))
	if slices.ContainsFunc(s.Gaps, func(g fnvet.Gap) bool {
		return g.Reason == fnvet.GapNoDatabase || g.Reason == fnvet.GapOldDatabase
	}) {
		out = append(out, "fnvet db update")
	}
	out = append(out, s.upgrades()...)
	if len(out) == 0 && len(s.blocking) > 0 {
		id := s.blocking[0].ID
		if i := slices.IndexFunc(s.blocking, func(f *fnvet.Finding) bool { return !ofPackage(f) }); i >= 0 {
			id = s.blocking[i].ID
		}
		if plain().MatchString(id) {
			out = append(out, "fnvet rules "+id)
		}
	}
	switch {
	case len(out) > 0:
		return out
	case s.status == "INCOMPLETE":
		return []string{"fnvet scan --allow-incomplete " + target + "  # once the gaps are understood"}
	case len(s.rest) > 0 || s.status == "FAIL":
		return []string{"fnvet scan --format json " + target + "  # every finding"}
	}
	return []string{"fnvet sbom " + target + " > bom.cdx.json"}
}

// An upgrade command takes all packages of an ecosystem, or one (all is false).
type upgrade struct {
	ecosystem, direct string
	all               bool
	word              string // how one package is written: name, version
}

// upgradeCommands is how each package manager takes a version.
var upgradeCommands = [...]upgrade{
	{"npm", "npm install", true, "%s@%s"},
	{"PyPI", "pip install", true, "%s==%s"},
	{"Go", "go get", true, "%s@v%s"},
	{"crates.io", "cargo update", false, "-p %s --precise %s"},
	{"NuGet", "dotnet add package", false, "%s --version %s"},
	{"Packagist", "composer require", true, "%s:%s"},
}

// upgrades writes the commands that bring in the fixed versions. Names and
// versions that a shell could read as more than one word are left out.
func (s *summary) upgrades() []string {
	var out []string
	for _, u := range upgradeCommands {
		var words, indirect []string
		for _, g := range s.packages {
			switch {
			case g.Ecosystem != u.ecosystem || g.fix == "" || g.Name == "stdlib":
			case !plain().MatchString(g.Name) || !plain().MatchString(g.fix):
			case u.ecosystem == "npm" && !g.direct && !g.bundled:
				if !g.major { // no update leaves the range of what brings it in
					indirect = append(indirect, g.Name)
				}
			default:
				words = append(words, fmt.Sprintf(u.word, g.Name, strings.TrimPrefix(g.fix, "v")))
			}
		}
		slices.Sort(words)
		slices.Sort(indirect)
		words, indirect = slices.Compact(words), slices.Compact(indirect)
		if u.all && len(words) > 0 {
			out = append(out, u.direct+" "+strings.Join(words, " "))
		} else if len(words) > 0 {
			for _, w := range words {
				out = append(out, u.direct+" "+w)
			}
		}
		if len(indirect) > 0 {
			out = append(out, "npm update "+strings.Join(indirect, " "))
		}
	}
	return out
}
