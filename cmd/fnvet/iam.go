package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/policy"
	"github.com/fnvet/fnvet/posture"
	"github.com/fnvet/fnvet/scan"
)

type iamFlags struct {
	templates []string
	function  string
	timeout   time.Duration
	unpack    unpackFlags
}

func (c *cli) iamCommand() *cobra.Command {
	var flags iamFlags
	cmd := &cobra.Command{
		Use:   "iam TARGET",
		Short: "The IAM policy that a function's code needs",
		Long: "iam prints the least-privilege policy of a function of AWS: the actions that its own code calls,\n" +
			"found in JavaScript, TypeScript, Python, Java classes and Go binaries, and what the platform does in\n" +
			"its name. Resources are those of the template where it names them; words that stand for other names\n" +
			"are listed on standard error. Of several functions, one object with a policy for each name.",
		Example: "  fnvet iam orders.zip --template template.yaml > policy.json\n  fnvet iam . --function Orders",
		Args:    wants(1, "iam", "one target", "fnvet iam orders.zip --template template.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.iam(cmd.Context(), &flags, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&flags.templates, "template", nil, "template `FILE` or directory outside the target, repeatable")
	f.StringVar(&flags.function, "function", "", "logical `NAME` of the one function to print the policy of")
	f.DurationVar(&flags.timeout, "timeout", 5*time.Minute, "time limit; reaching it is a gap")
	flags.unpack.add(f)
	return cmd
}

func (c *cli) iam(ctx context.Context, flags *iamFlags, target string) error {
	if err := checkTemplates(flags.templates); err != nil {
		return err
	}
	q, sandboxed, err := flags.unpack.request(flags.timeout)
	if err != nil {
		return err
	}
	q.Target, q.Policies = target, true
	for _, t := range flags.templates {
		q.Templates = append(q.Templates, givenTemplate{Path: t})
	}
	harvest, err := c.collect(ctx, q, sandboxed)
	if err != nil {
		return targetError(target, err)
	}
	policies := policiesOf(harvest)
	if flags.function != "" {
		policies = slices.DeleteFunc(policies, func(p fnvet.RolePolicy) bool { return p.Function != flags.function })
	}
	c.iamNotes(harvest, policies)
	if len(policies) == 0 {
		return noPolicy(flags, target)
	}
	return c.writePolicies(policies)
}

func policiesOf(h *scan.Harvest) []fnvet.RolePolicy {
	var out []fnvet.RolePolicy
	for i := range h.Parts {
		out = append(out, h.Parts[i].Facts.Policies...)
	}
	return out
}

func noPolicy(flags *iamFlags, target string) error {
	if flags.function != "" {
		return hinted{fmt.Errorf("%s: there is no function %s whose code is in it", target, flags.function), "fnvet iam " + target}
	}
	return hinted{fmt.Errorf("%s: there is no code in it that fnvet looks for calls in: JavaScript, TypeScript, Python, Java classes, Go binaries", target), "fnvet iam orders.zip --template template.yaml"}
}

// iamNotes tells on standard error what a reader must put in or look at.
func (c *cli) iamNotes(h *scan.Harvest, policies []fnvet.RolePolicy) {
	gaps := slices.Clone(h.Gaps)
	for i := range h.Parts {
		gaps = append(gaps, h.Parts[i].Facts.Gaps...)
	}
	for _, g := range gaps {
		c.note("not looked at: %s: %s: %s", g.Path, g.Reason, g.Detail)
	}
	if len(gaps) > 0 {
		c.code = policy.CodeIncomplete
	}
	for _, p := range policies {
		name := ""
		if p.Function != "" {
			name = p.Function + ": "
		}
		if len(p.Named) > 0 {
			c.note("%sput names in for %s: no template says which", name, strings.Join(p.Named, ", "))
		}
		if len(p.Unsure) > 0 {
			c.note("%skept because the code may call it: %s", name, strings.Join(p.Unsure, ", "))
		}
		if len(p.Missing) > 0 {
			c.note("%scalled and not granted today: %s", name, strings.Join(p.Missing, ", "))
		}
		if p.Open != "" {
			c.note("%sthere may be calls that were not found: %s", name, p.Open)
		}
	}
}

// writePolicies writes one policy as it is, several as an object by function.
func (c *cli) writePolicies(policies []fnvet.RolePolicy) error {
	if len(policies) == 1 {
		_, err := c.stdout.Write(policies[0].Document)
		return err
	}
	all := map[string]json.RawMessage{}
	for _, p := range policies {
		all[p.Function] = p.Document
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := c.stdout.Write(b.Bytes())
	return err
}

// policySteps is the table of "fnvet iam": what reads templates and own code.
func policySteps(o posture.Options) []scan.Step {
	o.Policies = true
	return []scan.Step{{Name: "posture", Kinds: fnvet.Kinds[:], Detector: posture.New(o)}}
}
