package secrets

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
)

// generate writes a random string that re may match. Assertions are left to
// chance: callers check the result and try again.
func generate(re *syntax.Regexp, r *rand.Rand, b *strings.Builder) {
	repeat := func(lo, hi int) {
		if hi < 0 || hi > lo+12 {
			hi = lo + 12
		}
		for range lo + r.IntN(hi-lo+1) {
			generate(re.Sub[0], r, b)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			b.WriteRune(c)
		}
	case syntax.OpCharClass:
		b.WriteRune(pick(re.Rune, r))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(byte('!' + r.IntN('~'-'!')))
	case syntax.OpStar:
		repeat(0, -1)
	case syntax.OpPlus:
		repeat(1, -1)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		repeat(re.Min, re.Max)
	case syntax.OpAlternate:
		generate(re.Sub[r.IntN(len(re.Sub))], r, b)
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			generate(sub, r, b)
		}
	default: // an assertion
	}
}

// pick chooses a printable ASCII rune of a class where there is one.
func pick(ranges []rune, r *rand.Rand) rune {
	var all []rune
	for i := 0; i+1 < len(ranges); i += 2 {
		for c := ranges[i]; c <= min(ranges[i+1], '~'); c++ {
			if c >= ' ' || c == '\n' || c == '\t' {
				all = append(all, c)
			}
		}
	}
	if len(all) == 0 {
		return ranges[0]
	}
	return all[r.IntN(len(all))]
}

// sample returns a file that the rule should find something in.
func sample(t testing.TB, rule *rule, r *rand.Rand) (name, data string) {
	t.Helper()
	tree, err := syntax.Parse(rule.regexText, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	re := regexp.MustCompile(rule.regexText)
	name = map[string]string{
		"freemius-secret-key": "a.php", "hashicorp-tf-password": "main.tf",
		"kubernetes-secret-yaml": "a.yaml", "nuget-config-password": "nuget.config",
	}[rule.id]
	if name == "" {
		name = "src/app.js"
	}
	for range 200 {
		var b strings.Builder
		generate(tree, r, &b)
		if data = "// one\nx; " + b.String() + "\n// two\n"; re.MatchString(data) {
			return name, data
		}
	}
	t.Fatalf("%s: no sample of its own expression", rule.id)
	return "", ""
}

// TestOracleGenerated compares with gitleaks on texts made from every rule's
// expression, alone and several in one file.
func TestOracleGenerated(t *testing.T) {
	s, d := pureScanner(t), oracle(t)
	rounds := 12
	if testing.Short() {
		rounds = 2
	}
	for _, rule := range s.set.rules {
		if rule.regexText == "" {
			continue
		}
		r := rand.New(rand.NewPCG(3, uint64(rule.index)))
		hits := 0
		for range rounds {
			name, data := sample(t, rule, r)
			_, more := sample(t, s.set.rules[r.IntN(len(s.set.rules)-1)], r)
			for _, text := range []string{data, data + more, strings.ReplaceAll(data, "\n", "\r\n") + data} {
				want, got := oracleRaw(d, name, text), ownRaw(t.Context(), s, name, []byte(text))
				compareRaw(t, rule.id, want, got)
				hits += len(got)
			}
		}
		if hits == 0 {
			t.Errorf("%s: no finding in %d samples", rule.id, rounds)
		}
	}
}

// TestDFA checks the automata against regexp on samples and on noise.
func TestDFA(t *testing.T) {
	s := pureScanner(t)
	for _, rule := range s.set.rules {
		if rule.regexText == "" {
			continue
		}
		r := rand.New(rand.NewPCG(5, uint64(rule.index)))
		tree, err := syntax.Parse(rule.regexText, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		re, d := regexp.MustCompile(rule.regexText), newDFA(newProgram(prog, true), new(int))
		for range 20 {
			_, data := sample(t, rule, r)
			bytes := []byte(data)
			for range 4 {
				_, got := d.find(bytes, 0, 1<<30)
				if want := re.Match(bytes); got != want {
					t.Errorf("%s: dfa says %v, regexp %v on %.80q", rule.id, got, want, bytes)
				}
				bytes[r.IntN(len(bytes))] = byte(' ' + r.IntN(90))
			}
		}
	}
}

// TestPlans states how the rules are searched for, so that a change in a rule
// that makes it slow is seen.
func TestPlans(t *testing.T) {
	s := pureScanner(t)
	var whole, windows []string
	for _, rule := range s.set.rules {
		if rule.regexText == "" {
			continue
		}
		p := s.plan(rule)
		switch {
		case p == nil:
			t.Errorf("%s: no plan", rule.id)
		case p.whole != nil:
			whole = append(whole, rule.id)
		case !p.leads:
			windows = append(windows, rule.id)
		}
	}
	if got, want := strings.Join(whole, " "), "airtable-personnal-access-token facebook-access-token sidekiq-sensitive-url slack-config-access-token slack-webhook-url sourcegraph-access-token"; got != want {
		t.Errorf("searched for in whole texts: %s\nwant %s", got, want)
	}
	t.Logf("searched for in windows: %s", strings.Join(windows, " "))
	if len(windows) > 20 {
		t.Errorf("%d rules are searched for in windows: %v", len(windows), windows)
	}
}
