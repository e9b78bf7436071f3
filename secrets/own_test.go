package secrets

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/fnvet/fnvet"
)

// TestOwnRules: every rule of ours has an address, an anchor in its keywords, and
// finds what its format makes (positives); it finds nothing when a byte of the
// format is missing, when the prefix or name is another's, and in a placeholder
// (negatives).
func TestOwnRules(t *testing.T) {
	var own configFile
	if _, err := toml.Decode(ownRules, &own); err != nil {
		t.Fatal(err)
	}
	if len(own.Rules) < 200 {
		t.Errorf("%d rules of our own", len(own.Rules))
	}
	s := newScanner(t)
	positives, negatives := 0, 0
	for _, c := range own.Rules {
		at := slices.IndexFunc(s.set.rules, func(r *rule) bool { return r.id == c.ID })
		rule := s.set.rules[at]
		if !strings.HasPrefix(c.Reference, "https://") || c.Description == "" || len(c.Keywords) == 0 {
			t.Errorf("%s: reference %q, description %q, keywords %q", c.ID, c.Reference, c.Description, c.Keywords)
		}
		re := regexp.MustCompile(c.Regex)
		r := rand.New(rand.NewPCG(11, uint64(at)))
		for range 3 {
			match, secret := ownSample(t, rule, re, r)
			name := "src/config/x.txt"
			if !hasRule(find(t, s, file(name, match)), secret, s) {
				t.Errorf("%s: missed %q", c.ID, match)
			}
			positives++
			for i, bad := range spoil(match, secret, c.Keywords) {
				if i == 0 && slices.Contains([]string{"url-password", "jdbc-password", "connection-string-password"}, c.ID) {
					continue // a shorter password is one too
				}
				negatives++
				for _, f := range find(t, s, file(name, bad)) {
					if f.Secret.Rule == c.ID && f.Secret.Confidence != fnvet.ConfidenceLow {
						t.Errorf("%s: found in %q", c.ID, bad)
					}
				}
			}
		}
	}
	t.Logf("%d rules, %d positives, %d negatives", len(own.Rules), positives, negatives)
}

// hasRule reports whether something found is the secret.
func hasRule(found []fnvet.Finding, secret string, s *Scanner) bool {
	return slices.ContainsFunc(found, func(f fnvet.Finding) bool {
		return f.Secret.Confidence != fnvet.ConfidenceLow && (f.Secret.Hash == s.hash([]byte(secret)) || strings.Contains(secret, "://"))
	})
}

// ownSample makes a line that the rule's format allows, and the secret in it.
func ownSample(t *testing.T, rule *rule, re *regexp.Regexp, r *rand.Rand) (match, secret string) {
	t.Helper()
	tree, err := syntax.Parse(rule.regexText, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		var b strings.Builder
		generate(tree, r, &b)
		text := "x;\n" + b.String()
		for _, k := range rule.keywords {
			if !strings.Contains(strings.ToLower(text), k) && k != "" && !slices.ContainsFunc(rule.keywords, func(o string) bool { return strings.Contains(strings.ToLower(text), o) }) {
				text = "x " + k + ";\n" + b.String() // a format that needs its provider's name in the file
			}
		}
		text += "\n"
		m := re.FindStringSubmatch(text)
		if m == nil || entropy([]byte(m[1])) <= rule.entropy+0.05 || !strings.Contains(m[1], "://") && isPlaceholder(m[1]) || strings.ContainsAny(m[1], "\n") {
			continue
		}
		return text, m[1]
	}
	t.Fatalf("%s: no sample", rule.id)
	return "", ""
}

// spoil makes texts of a match that are no credentials.
func spoil(match, secret string, keywords []string) []string {
	out := []string{
		strings.ReplaceAll(match, secret, secret[:len(secret)/3]),
		strings.ReplaceAll(match, secret, strings.Repeat("x", len(secret))),
		strings.ReplaceAll(match, secret, "example"),
	}
	other := match
	for _, k := range keywords {
		other = regexp.MustCompile("(?i)"+regexp.QuoteMeta(k)).ReplaceAllString(other, "%%")
	}
	return append(out, other)
}
