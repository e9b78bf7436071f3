package data

import (
	"encoding/json"
	"strings"
)

// A Statement is one of a managed policy.
type Statement struct {
	Effect       string
	Actions      []string `json:"Action"`
	NotActions   []string `json:"NotAction"`
	Resources    []string `json:"Resource"`
	NotResources []string `json:"NotResource"`
	Conditional  bool     `json:"Condition"` // it has conditions, which are not kept
}

func readManaged() map[string]string {
	all := map[string]string{}
	for line := range lines(decode(managedFile)) {
		arn, statements, _ := strings.Cut(line, " ")
		all[arn[strings.LastIndexByte(arn, '/')+1:]] = statements
		all[arn] = statements
	}
	return all
}

// Managed returns the statements of a managed policy of AWS, by its ARN (of any
// partition) or its name.
func (c *Catalog) Managed(name string) ([]Statement, bool) {
	if i := strings.Index(name, ":iam::aws:policy/"); i >= 0 {
		name = "arn:aws" + name[i:]
	}
	raw, ok := c.managed()[name]
	if !ok {
		return nil, false
	}
	var out []Statement
	if json.Unmarshal([]byte(raw), &out) != nil {
		return nil, false
	}
	return out, true
}

// An Escalation is a published way to more privileges than one was given.
type Escalation struct {
	Name    string
	URL     string
	Actions []string // lower case; all are needed
}

type escalationTable struct {
	ways   []Escalation
	reads  []string // return much that is confidential
	tokens []string // return credentials
}

func readEscalations() escalationTable {
	var t escalationTable
	for line := range lines(escalationsFile) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		switch f[0] {
		case "!reads":
			t.reads = f[2:]
		case "!credentials":
			t.tokens = f[2:]
		default:
			t.ways = append(t.ways, Escalation{f[0], strings.TrimPrefix(f[1], "-"), f[2:]})
		}
	}
	return t
}

// Escalations are the published ways.
func (c *Catalog) Escalations() []Escalation { return c.escalations().ways }

// Exposes reports whether an action returns data or credentials that are worth
// stealing: objects, secrets, parameters, tokens.
func (c *Catalog) Exposes(action string) bool {
	t := c.escalations()
	action = strings.ToLower(action)
	for _, list := range [][]string{t.reads, t.tokens} {
		for _, a := range list {
			if strings.EqualFold(a, action) {
				return true
			}
		}
	}
	return false
}
