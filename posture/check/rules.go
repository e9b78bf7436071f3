package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A threat is what a rule protects from.
type threat string

// The threats.
const (
	overPrivilege threat = "over-privileged function"
	brokenAuth    threat = "broken authentication and exposure"
	denialWallet  threat = "denial of wallet and of service"
	secretStorage threat = "exposed secrets and unsafe settings"
	monitoring    threat = "outdated runtime and missing monitoring"
)

// A rule is one thing that the checks can report.
type rule struct {
	id       string
	severity fnvet.Severity // where nothing about the function makes it more or less grave
	threat   threat
	title    string
	why      string   // a paragraph
	fix      string   // one line
	snippet  string   // corrected, YAML of SAM or CloudFormation unless it says otherwise
	peers    []string // ids of the corresponding checks elsewhere
}

func allRules() []rule {
	all := slices.Concat(iamRules(), exposureRules(), walletRules(), settingRules(), runtimeRules())
	slices.SortFunc(all, func(a, b rule) int { return cmp.Compare(a.id, b.id) })
	return all
}

func ruleIndex() map[string]*rule {
	all := allRules()
	index := make(map[string]*rule, len(all))
	for i := range all {
		index[all[i].id] = &all[i]
	}
	return index
}

// Rules lists what this package can report, by id.
func Rules() []fnvet.Rule {
	var out []fnvet.Rule
	for _, r := range allRules() {
		help := r.why + " " + r.fix + "\n\nThreat: " + string(r.threat) + ".\n\n" + indent(r.snippet)
		if len(r.peers) > 0 {
			help += "\n\nElsewhere: " + strings.Join(r.peers, ", ") + "."
		}
		out = append(out, fnvet.Rule{ID: r.id, Kind: fnvet.ConfigKind, Severity: r.severity, Title: r.title, Help: help})
	}
	return out
}

func indent(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }

// Markdown is docs/rules.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Rules of configuration\n\n" +
		"What fnvet says of templates and function settings. Made from the rules themselves by\n" +
		"`go test ./posture/check -update`; a test fails when this page and they differ.\n\n" +
		"The severity is that of a function about which nothing makes it worse. It is higher where anyone can\n" +
		"call the function, where its role may change things or where it holds secrets, and lower where\n" +
		"conditions narrow a statement. `info` is good advice and does not block by default. What a template\n" +
		"leaves unknown is never held against it. Snippets are CloudFormation or SAM unless they say otherwise.\n")
	for _, t := range []threat{overPrivilege, brokenAuth, denialWallet, secretStorage, monitoring} {
		fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(string(t[:1]))+string(t[1:]))
		for _, r := range allRules() {
			if r.threat != t {
				continue
			}
			fmt.Fprintf(&b, "\n### %s\n\n%s (%s)\n\n%s\n\n%s\n\n```yaml\n%s\n```\n", r.id, r.title, r.severity, r.why, r.fix, r.snippet)
			if len(r.peers) > 0 {
				fmt.Fprintf(&b, "\nElsewhere: %s\n", strings.Join(r.peers, ", "))
			}
		}
	}
	return b.String()
}
