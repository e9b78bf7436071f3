package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// lambdaRuntimes writes "name deprecated create-block update-block successor".
func (g *generator) lambdaRuntimes(ctx context.Context) error {
	p, err := g.pip(ctx, "cfn-lint")
	if err != nil {
		return err
	}
	var all map[string]struct {
		Create     *string `json:"create-block"`
		Update     *string `json:"update-block"`
		Deprecated *string
		Successor  *string
	}
	if err := json.Unmarshal(p.files["cfnlint/data/AdditionalSpecs/LmbdRuntimeLifecycle.json"], &all); err != nil {
		return err
	}
	if len(all) < 30 {
		return fmt.Errorf("cfn-lint: %d runtimes only", len(all))
	}
	var b bytes.Buffer
	b.WriteString(g.header(p, "Lambda runtimes: name, deprecated, creation blocked, update blocked, successor"))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		fmt.Fprintf(&b, "%s %s %s %s %s\n", name, text(r.Deprecated), text(r.Create), text(r.Update), text(r.Successor))
	}
	return write("runtimes-aws.txt", b.Bytes())
}

func text(s *string) string {
	if s == nil || *s == "" {
		return "-"
	}
	return *s
}

// googleRuntimes writes the same of Google; after the decommission date functions
// can neither be created nor updated.
func (g *generator) googleRuntimes(ctx context.Context) error {
	p, err := g.npm(ctx, "firebase-tools")
	if err != nil {
		return err
	}
	src := string(p.files["lib/deploy/functions/runtimes/supported/types.js"])
	found := regexp.MustCompile(`(?s)\n    (\w+): \{.*?status: "(\w+)",\s*deprecationDate: "([\d-]+)",\s*decommissionDate: "([\d-]+)"`).FindAllStringSubmatch(src, -1)
	if len(found) < 10 {
		return fmt.Errorf("firebase-tools: %d runtimes only", len(found))
	}
	newest := map[string]int{}
	var b bytes.Buffer
	b.WriteString(g.header(p, "Google runtimes: name, deprecated, creation blocked, update blocked, successor"))
	lang := regexp.MustCompile(`^([a-z]+)(\d+)$`)
	for _, m := range found {
		if l := lang.FindStringSubmatch(m[1]); l != nil && m[2] == "GA" {
			n, err := strconv.Atoi(l[2])
			if err != nil {
				return err
			}
			newest[l[1]] = max(newest[l[1]], n)
		}
	}
	for _, m := range found {
		l := lang.FindStringSubmatch(m[1])
		if l == nil || newest[l[1]] == 0 {
			continue
		}
		next := l[1] + strconv.Itoa(newest[l[1]])
		if next == m[1] {
			next = "-"
		}
		fmt.Fprintf(&b, "%s %s %s %s %s\n", m[1], m[3], m[4], m[4], next)
	}
	return write("runtimes-google.txt", b.Bytes())
}

// requestPrice is USD for one request, everywhere but in the regions of China.
// Source: the pricing page of AWS Lambda, 2026-11-25.
const requestPrice = 0.0000002

// prices writes "region architecture USD-per-GB-second USD-per-request".
func (g *generator) prices(ctx context.Context) error {
	p, err := g.npm(ctx, "artillery@2.0.28")
	if err != nil {
		return err
	}
	src := string(p.files["lib/platform/aws-lambda/prices.js"])
	found := regexp.MustCompile(`(?s)'?([a-z0-9-]+)'?: \{\s*x86_64: (\d+),\s*arm64: (\d+)`).FindAllStringSubmatch(src, -1)
	if len(found) == 0 {
		return fmt.Errorf("artillery: no prices")
	}
	var b bytes.Buffer
	b.WriteString(g.header(p, "list prices of AWS Lambda in USD, first tier: region (\"*\": all others), architecture, GB-second, request"))
	for _, m := range found {
		region := m[1]
		if region == "base" {
			region = "*"
		}
		for i, arch := range []string{"x86_64", "arm64"} {
			n, err := strconv.ParseFloat(m[2+i], 64)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %s %s %s\n", region, arch, decimal(n/1e11), decimal(requestPrice))
		}
	}
	return write("prices.txt", b.Bytes())
}

func decimal(f float64) string {
	return strings.TrimRight(strconv.FormatFloat(f, 'f', 12, 64), "0")
}
