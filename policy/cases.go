package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet"
)

// Cases are what a policy's owner expects of it.
type Cases struct {
	// Policy is the path of the policy as the file states it, relative to the
	// file, or "".
	Policy string
	Cases  []Case
}

// A Case is an excerpt of a report and the verdict it should get.
type Case struct {
	Name       string
	Line       int // in the file
	PolicyName string
	now        time.Time
	report     fnvet.Report
	pass       *bool
	code       *int
	blocks     *[]string // ids of the findings that block, sorted
	reasons    []string  // parts of reasons that must be there
}

// ParseCases reads a file of cases as docs/policy.md describes it. The excerpts
// are reports of docs/contract.md in which any key may be left out; keys that
// the contract does not know are errors. Errors are *Error.
func ParseCases(data []byte) (*Cases, error) {
	root, err := document(data)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, &Error{1, 1, "the file has no cases"}
	}
	var c Cases
	err = mapping(root, fields{
		"policy": stringTo(&c.Policy),
		"cases": func(n *yaml.Node) error {
			return sequence(n, func(n *yaml.Node) error {
				one, err := parseCase(n)
				c.Cases = append(c.Cases, one)
				return err
			})
		},
	})
	switch {
	case err != nil:
		return nil, err
	case len(c.Cases) == 0:
		return nil, &Error{1, 1, "the file has no cases"}
	}
	return &c, nil
}

func parseCase(n *yaml.Node) (Case, error) {
	c := Case{Line: resolve(n).Line}
	expects := false
	err := mapping(n, fields{
		"name":        stringTo(&c.Name),
		"policy-name": stringTo(&c.PolicyName),
		"now": func(n *yaml.Node) (err error) {
			n = resolve(n)
			if c.now, err = time.Parse(time.RFC3339, n.Value); err != nil {
				return wrong(n, "%q is not an RFC 3339 time such as 2026-01-31T12:00:00Z", n.Value)
			}
			return nil
		},
		"report": func(n *yaml.Node) error { return excerpt(n, &c.report) },
		"expect": func(n *yaml.Node) error { expects = true; return c.expect(n) },
	})
	switch n = resolve(n); {
	case err != nil:
		return c, err
	case c.Name == "":
		return c, wrong(n, "a case wants a name")
	case !expects:
		return c, wrong(n, "a case wants what to expect")
	case c.now.IsZero():
		c.now = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return c, nil
}

func (c *Case) expect(n *yaml.Node) error {
	err := mapping(n, fields{
		"pass": func(n *yaml.Node) error { c.pass = new(bool); return boolean(c.pass)(n) },
		"code": func(n *yaml.Node) error {
			n = resolve(n)
			i := slices.Index([]string{"0", "1", "2", "3"}, n.Value)
			if i < 0 || i == 2 {
				return wrong(n, "%q is not an exit code of the gate: 0, 1 or 3", n.Value)
			}
			c.code = &i
			return nil
		},
		"blocks": func(n *yaml.Node) error {
			c.blocks = &[]string{}
			return sequence(n, func(n *yaml.Node) error {
				s, err := text(n)
				*c.blocks = append(*c.blocks, s)
				return err
			})
		},
		"reasons": func(n *yaml.Node) error {
			return sequence(n, func(n *yaml.Node) error {
				s, err := text(n)
				c.reasons = append(c.reasons, s)
				return err
			})
		},
	})
	if err == nil && c.pass == nil && c.code == nil && c.blocks == nil && c.reasons == nil {
		return wrong(resolve(n), "nothing is expected: want pass, code, blocks or reasons")
	}
	if c.blocks != nil {
		slices.Sort(*c.blocks)
	}
	return err
}

// excerpt reads part of a report by way of JSON, so that its names are those of
// the contract.
func excerpt(n *yaml.Node, to *fnvet.Report) error {
	n = resolve(n)
	var v any
	if err := n.Decode(&v); err != nil {
		return wrong(n, "%v", err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return wrong(n, "report: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return wrong(n, "report: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	to.Schema = fnvet.Schema
	return nil
}

// Run judges the excerpt and says what is not as expected; nothing when all is.
// It may be called once.
func (c *Case) Run(f *File, compare Compare) []string {
	p, err := f.Policy(c.PolicyName)
	if err != nil {
		return []string{err.Error()}
	}
	r := &c.report
	var out []string
	if err := Enforce(r, p, Options{Now: c.now, Compare: compare}); err != nil {
		out = append(out, err.Error())
	}
	if c.pass != nil && *c.pass != r.Verdict.Pass {
		out = append(out, fmt.Sprintf("pass is %v, want %v (%s)", r.Verdict.Pass, *c.pass, strings.Join(r.Verdict.Reasons, "; ")))
	}
	if c.code != nil && *c.code != r.Verdict.Code {
		out = append(out, fmt.Sprintf("code is %d, want %d (%s)", r.Verdict.Code, *c.code, strings.Join(r.Verdict.Reasons, "; ")))
	}
	if c.blocks != nil {
		got := []string{}
		for i := range r.Findings {
			if p.Blocks(&r.Findings[i]) {
				got = append(got, r.Findings[i].ID)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, *c.blocks) {
			out = append(out, fmt.Sprintf("blocked by [%s], want [%s]", strings.Join(got, " "), strings.Join(*c.blocks, " ")))
		}
	}
	for _, want := range c.reasons {
		if !slices.ContainsFunc(r.Verdict.Reasons, func(s string) bool { return strings.Contains(s, want) }) {
			out = append(out, fmt.Sprintf("no reason says %q (%s)", want, strings.Join(r.Verdict.Reasons, "; ")))
		}
	}
	return out
}
