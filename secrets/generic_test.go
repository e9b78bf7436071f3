package secrets

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// genericRule is gitleaks' rule that is matched by hand.
func genericRule(t testing.TB) *rule {
	t.Helper()
	s := pureScanner(t)
	i := slices.IndexFunc(s.set.rules, func(r *rule) bool { return r.id == "generic-api-key" })
	if i < 0 || !s.set.rules[i].byHand() {
		t.Fatal("the expression of the generic rule has changed: change its matcher, then genericSum")
	}
	return s.set.rules[i]
}

// agree compares the matcher with the expression on a text.
func agree(t *testing.T, g *genericMatcher, re *regexp.Regexp, text string) ruling {
	t.Helper()
	m, got := g.match([]byte(text), 0)
	want := re.FindStringSubmatchIndex(text)
	switch {
	case got == maybe:
		if isASCII([]byte(text)) {
			t.Errorf("%q: left open", text)
		}
	case want == nil:
		if got != no {
			t.Errorf("%q: %v, want no match", text, m)
		}
	case got != yes || m != genericMatch{want[1], want[2], want[3]}:
		t.Errorf("%q: %v %v, want %v", text, got, m, want)
	}
	if want != nil && got != no { // the probe must let pass what matches at this word
		if n := genericWord([]byte(text)); n > 0 {
			if _, r := g.rest([]byte(text), n); r == no && want[2] < n {
				t.Errorf("%q: ruled out", text)
			}
		}
	}
	return got
}

// TestGenericMatcher compares it with regexp on texts put together from what the
// expression has something to say of, and on single bytes changed.
func TestGenericMatcher(t *testing.T) {
	g, re := newGeneric(), regexp.MustCompile(`\A(?:`+genericRule(t).regexText+`)`)
	parts := []string{
		"access", "auth", "api", "API", "apI", "Api", "credential", "creds", "key", "KEY", "password", "passwd", "secret", "Token",
		" ", "\t", "'", `"`, "`", "=", ">", ":", "::", ":=", ":::=", "||", "|", "=>", "?=", "?", ",", "\n", "\\n", "\\R", "\\", "K", "Q1w2E3r4", ";", ".", "-", "_", "/", "+", "==", "====",
		"a1b2c3d4e5", "q7Zt9Xw2", "abcdefghijkl", "x", "é", "ſ", "\u212a", strings.Repeat("a", 21), strings.Repeat("b9", 75), strings.Repeat("c", 151), strings.Repeat("w", 50),
	}
	r := rand.New(rand.NewPCG(8, 8))
	var rulings [3]int
	for range 60000 {
		var b strings.Builder
		for range 2 + r.IntN(9) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		rulings[agree(t, g, re, b.String())]++
		if t.Failed() {
			return
		}
	}
	if slices.Min(rulings[:]) < 100 {
		t.Errorf("no, yes, maybe: %v", rulings)
	}
}

// FuzzGenericMatcher compares it with regexp.
func FuzzGenericMatcher(f *testing.F) {
	f.Add("api_key = 'q7Zt9Xw2Lm4Kp8Rs'")
	f.Add("my.token\"=>\"abc/def+ghi123==;")
	g, re := newGeneric(), regexp.MustCompile(`\A(?:`+genericRule(f).regexText+`)`)
	f.Fuzz(func(t *testing.T, text string) { agree(t, g, re, text) })
}
