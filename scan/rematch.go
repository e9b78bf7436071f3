package scan

import (
	"context"
	"errors"
	"slices"

	"github.com/fnvet/fnvet"
)

// Rematch compares some packages of a report with the advisories again, from the
// report alone: nothing is unpacked. The advisory findings of those packages are
// replaced, everything else stays as it is, and the verdict is left to the caller.
// What the first scan learnt of reachability is kept. An incomplete comparison,
// as without a database, is an error, and the report is as it was.
func Rematch(ctx context.Context, r *fnvet.Report, c Config, changed func(*fnvet.Package) bool) error {
	var again []fnvet.Package
	purls := map[string]bool{}
	for i := range r.Packages {
		if changed(&r.Packages[i]) {
			again = append(again, r.Packages[i])
			purls[r.Packages[i].PURL] = true
		}
	}
	findings, gaps, info := c.Matcher.Match(ctx, again)
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, g := range gaps {
		if g.Reason == fnvet.GapFailed || g.Reason == fnvet.GapNoDatabase && info.From == "" {
			return errors.New(g.Detail)
		}
	}
	via := map[string][]string{}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Package != nil && len(f.ReachableVia) > 0 {
			via[f.Package.PURL] = f.ReachableVia
		}
	}
	follow(findings, again, via)
	findings = slices.DeleteFunc(findings, func(f fnvet.Finding) bool { return !c.wants(f.Kind) })
	fingerprint(r.Artifact.Name, findings)
	r.Findings = slices.DeleteFunc(r.Findings, func(f fnvet.Finding) bool {
		return (f.Kind == fnvet.Vulnerability || f.Kind == fnvet.Malware) && f.Package != nil && purls[f.Package.PURL]
	})
	r.Findings = append(r.Findings, findings...)
	slices.SortStableFunc(r.Findings, fnvet.CompareFindings)
	r.Scan.Database = info
	// The age is of the database now: what a former one was too old for is mended.
	// Where all was compared, so is what could not be.
	whole := len(again) == len(r.Packages)
	r.Gaps = slices.DeleteFunc(r.Gaps, func(g fnvet.Gap) bool {
		return g.Reason == fnvet.GapOldDatabase || whole && (g.Reason == fnvet.GapNoDatabase || g.Reason == fnvet.GapUnmatched)
	})
	r.Gaps = append(r.Gaps, gaps...)
	slices.SortFunc(r.Gaps, compareGaps)
	r.Gaps = slices.Compact(r.Gaps)
	r.Scan.Complete = len(r.Gaps) == 0
	return nil
}
