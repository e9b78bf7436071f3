package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/secrets"
)

// releaseVersion and releaseCommit are set by the linker in release builds.
var releaseVersion, releaseCommit string

// version is of the release, else what the Go toolchain recorded, else "devel".
func version() string {
	if releaseVersion != "" {
		return releaseVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func commit() string {
	if releaseCommit != "" {
		return releaseCommit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

// rulesVersion names the rule set: two runs with the same one judge alike.
func rulesVersion() string { return secrets.Version() }

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Version, commit, rule-set version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(c.stdout, "fnvet %s\ncommit %s\nrules %s\n", version(), commit(), rulesVersion())
			return err
		},
	}
}

func (c *cli) rulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rules [ID]",
		Short: "Every rule: id, kind, severity, title; or one explained",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := rules()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return c.explain(all, args[0])
			}
			for _, r := range all {
				if _, err := fmt.Fprintf(c.stdout, "%-44s %-13s %-8s %s\n", r.ID, r.Kind, r.Severity, r.Title); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// ratedBy says that findings of a kind may be rated otherwise than their rule.
func ratedBy(kind fnvet.Kind) string {
	switch kind {
	case fnvet.SecretKind:
		return " (a finding may be rated higher or lower: by what was found, and where)"
	case fnvet.ConfigKind, fnvet.Injection:
		return " (a finding may be rated higher or lower: by who can reach it, and what it leads to)"
	case fnvet.Hygiene:
		return " (a finding may be rated higher or lower: by what it is about)"
	case fnvet.Vulnerability, fnvet.Malware, fnvet.License:
	}
	return ""
}

func (c *cli) explain(all []fnvet.Rule, id string) error {
	for _, r := range all {
		if r.ID == id {
			_, err := fmt.Fprintf(c.stdout, "%s\n%s, %s%s\n\n%s\n\n%s\n", r.ID, r.Kind, r.Severity, ratedBy(r.Kind), r.Title, r.Help)
			return err
		}
	}
	var near []string
	for _, r := range all {
		if strings.Contains(r.ID, id) {
			near = append(near, r.ID)
		}
	}
	hint := "fnvet rules"
	if len(near) > 0 {
		hint = "fnvet rules " + near[0]
	}
	return hinted{fmt.Errorf("there is no rule %q", id), hint}
}
