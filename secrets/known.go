package secrets

import (
	"bytes"
	_ "embed" // the data files below
	"strings"
)

//go:embed known.txt
var knownText string

// ownRules are our rules in gitleaks' form.
//
//go:embed rules.toml
var ownRules string

//go:embed thirdparty.txt
var thirdPartyText string

//go:embed knownkeys.txt
var knownKeysText string

// thirdPartyTops returns the names of thirdparty.txt.
func thirdPartyTops() map[string]bool { return wordSet(thirdPartyText) }

// knownKeys returns the hashes of knownkeys.txt.
func knownKeys() map[string]bool { return wordSet(knownKeysText) }

// wordSet returns the first words of the lines of a data file.
func wordSet(text string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			out[words[0]] = true
		}
	}
	return out
}

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

// minMask is how many of one character in a row stand for a secret.
const minMask = 8

// masked reports whether the last part of a value, behind its last separator, is
// one letter, digit or star over and over, as documentation writes a secret:
// https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX.
func masked(secret []byte) bool {
	last := secret[bytes.LastIndexAny(secret, "/:.-_=@")+1:]
	return len(last) >= minMask && bytes.Count(last, last[:1]) == len(last)
}
