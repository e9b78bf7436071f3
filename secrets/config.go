package secrets

import (
	"cmp"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/fnvet/fnvet/internal/tomltext"
)

// A configFile is a gitleaks configuration, with the fields of gitleaks v8.30
// that bear on what is found.
type configFile struct {
	Extend struct {
		Path          string   `toml:"path"`
		URL           string   `toml:"url"`
		UseDefault    bool     `toml:"useDefault"`
		DisabledRules []string `toml:"disabledRules"`
	} `toml:"extend"`
	Rules      []configRule      `toml:"rules"`
	AllowList  *configAllowlist  `toml:"allowlist"`
	Allowlists []configAllowlist `toml:"allowlists"`
}

type configRule struct {
	ID          string            `toml:"id"`
	Description string            `toml:"description"`
	Reference   string            `toml:"reference"` // ours: address of the documentation
	Checked     string            `toml:"checked"`   // ours: what the format was compared with: provider, peer or nothing
	Path        string            `toml:"path"`
	Regex       string            `toml:"regex"`
	SecretGroup int               `toml:"secretGroup"`
	Entropy     float64           `toml:"entropy"`
	Keywords    []string          `toml:"keywords"`
	AllowList   *configAllowlist  `toml:"allowlist"`
	Allowlists  []configAllowlist `toml:"allowlists"`
	Required    []configRequired  `toml:"required"`
	SkipReport  bool              `toml:"skipReport"`
}

type configAllowlist struct {
	TargetRules []string `toml:"targetRules"`
	Condition   string   `toml:"condition"`
	Commits     []string `toml:"commits"`
	Paths       []string `toml:"paths"`
	RegexTarget string   `toml:"regexTarget"`
	Regexes     []string `toml:"regexes"`
	StopWords   []string `toml:"stopwords"`
}

// A ruleSet is what a Scanner searches for.
type ruleSet struct {
	rules    []*rule
	pathOnly []*rule
	allow    []*allowlist // for every rule
	// keywords of all rules, lower case, each once; heads[i] lists the rules
	// that keywords[i] may lead to; always lists rules without keywords.
	keywords []string
	heads    [][]*rule
	always   []*rule
	// composite is true when a rule requires another.
	composite bool
}

// maxKeywords bounds the bytes of all keywords together, so that automaton
// states have 16-bit numbers.
const maxKeywords = 60000

// loadRules reads the rules of gitleaks, ours, and extra, the last two gitleaks
// configurations or "".
func loadRules(ours, extra string) (*ruleSet, error) {
	var base, own, user configFile
	if err := tomltext.Decode([]byte(config.DefaultConfig), &base); err != nil {
		return nil, fmt.Errorf("rules of the gitleaks module: %w", err)
	}
	correct(&base)
	if err := tomltext.Decode([]byte(ours), &own); err != nil {
		return nil, fmt.Errorf("own rules: %w", err)
	}
	if err := tomltext.Decode([]byte(extra), &user); err != nil {
		return nil, fmt.Errorf("added rules: %w", err)
	}
	if err := user.check(); err != nil {
		return nil, fmt.Errorf("added rules: %w", err)
	}
	set := &ruleSet{}
	for _, f := range []*configFile{&base, &own, &user} {
		if err := set.add(f); err != nil {
			return nil, err
		}
	}
	if err := set.link(); err != nil {
		return nil, err
	}
	return set, set.index()
}

// check reports what is wrong with rules that someone else wrote.
func (f *configFile) check() error {
	if f.Extend.Path != "" || f.Extend.URL != "" {
		return errors.New("extend.path and extend.url are not followed; name the file itself")
	}
	for _, r := range f.Rules {
		for _, text := range []string{r.Regex, r.Path} {
			if _, err := syntax.Parse(text, syntax.Perl); err != nil {
				return fmt.Errorf("rule %q: %w", r.ID, err)
			}
		}
		if err := checkAllowlists(r.lists()); err != nil {
			return fmt.Errorf("rule %q: %w", r.ID, err)
		}
	}
	return checkAllowlists(f.lists())
}

func checkAllowlists(lists []configAllowlist) error {
	for _, a := range lists {
		for _, text := range slices.Concat(a.Paths, a.Regexes) {
			if _, err := syntax.Parse(text, syntax.Perl); err != nil {
				return fmt.Errorf("allowlist: %w", err)
			}
		}
	}
	return nil
}

// lists returns the allowlists in both spellings of the format.
func (f *configFile) lists() []configAllowlist {
	if f.AllowList != nil {
		return append([]configAllowlist{*f.AllowList}, f.Allowlists...)
	}
	return f.Allowlists
}

func (r *configRule) lists() []configAllowlist {
	if r.AllowList != nil {
		return append([]configAllowlist{*r.AllowList}, r.Allowlists...)
	}
	return r.Allowlists
}

// add merges a configuration into the set, as gitleaks extends one with another.
func (s *ruleSet) add(f *configFile) error {
	s.rules = slices.DeleteFunc(s.rules, func(r *rule) bool {
		return slices.Contains(f.Extend.DisabledRules, r.id)
	})
	for i := range f.Rules {
		c := &f.Rules[i]
		if c.ID == "" {
			return errors.New("a rule without an id")
		}
		at := slices.IndexFunc(s.rules, func(r *rule) bool { return r.id == c.ID })
		if at < 0 {
			s.rules = append(s.rules, &rule{id: c.ID})
			at = len(s.rules) - 1
		}
		if err := s.rules[at].merge(c); err != nil {
			return fmt.Errorf("rule %q: %w", c.ID, err)
		}
	}
	for _, c := range f.lists() {
		a, err := newAllowlist(&c)
		if err != nil {
			return fmt.Errorf("allowlist: %w", err)
		}
		if len(c.TargetRules) == 0 {
			s.allow = append(s.allow, a)
		}
		for _, id := range c.TargetRules {
			at := slices.IndexFunc(s.rules, func(r *rule) bool { return r.id == id })
			if at < 0 {
				return fmt.Errorf("allowlist: no rule %q", id)
			}
			s.rules[at].allow = append(s.rules[at].allow, a)
		}
	}
	return nil
}

// index fills the tables that lead from keywords to rules.
func (s *ruleSet) index() error {
	at := map[string]int{}
	total := 0
	for i, r := range s.rules {
		r.index = i
		switch {
		case r.regexText == "" && r.pathText == "":
			return fmt.Errorf("rule %q has neither a regex nor a path", r.id)
		case r.regexText == "":
			s.pathOnly = append(s.pathOnly, r)
			continue
		case len(r.keywords) == 0:
			s.always = append(s.always, r)
		}
		for _, k := range r.keywords {
			n, ok := at[k]
			if !ok {
				n = len(s.keywords)
				at[k] = n
				s.keywords = append(s.keywords, k)
				s.heads = append(s.heads, nil)
				total += len(k)
			}
			s.heads[n] = append(s.heads[n], r)
		}
	}
	if total > maxKeywords {
		return fmt.Errorf("the keywords of all rules have %d bytes, more than %d", total, maxKeywords)
	}
	return nil
}

// merge lays what c states over the rule.
func (r *rule) merge(c *configRule) error {
	r.description = cmp.Or(c.Description, r.description)
	r.reference = cmp.Or(c.Reference, r.reference)
	r.checked = cmp.Or(c.Checked, r.checked)
	r.regexText = cmp.Or(c.Regex, r.regexText)
	if r.pathText = cmp.Or(c.Path, r.pathText); r.pathText != "" {
		r.path = newExpressions([]string{r.pathText})
	}
	r.entropy = cmp.Or(c.Entropy, r.entropy)
	r.group = cmp.Or(c.SecretGroup, r.group)
	r.skipReport = r.skipReport || c.SkipReport
	r.required = append(r.required, c.Required...)
	for _, k := range c.Keywords {
		if k = strings.ToLower(k); k != "" && !slices.Contains(r.keywords, k) {
			r.keywords = append(r.keywords, k)
		}
	}
	for _, l := range c.lists() {
		a, err := newAllowlist(&l)
		if err != nil {
			return err
		}
		r.allow = append(r.allow, a)
	}
	r.describe()
	return nil
}
