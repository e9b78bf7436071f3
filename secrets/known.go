package secrets

import (
	_ "embed" // the data files below
	"strings"
)

//go:embed known.txt
var knownText string

// ownRules are our rules in gitleaks' form.
//
//go:embed rules.toml
var ownRules string

// knownExamples returns the example credentials of known.txt, lower case.
func knownExamples() []string {
	var out []string
	for line := range strings.Lines(knownText) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, strings.ToLower(line))
		}
	}
	return out
}
