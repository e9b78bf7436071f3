package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

// byPolicy is Suppressed.By of what a policy suppresses.
const byPolicy = "policy"

// Options are what Enforce needs beside the policy.
type Options struct {
	// Now judges expiries.
	Now time.Time
	// Compare orders versions, for ignores with a range. Nil: a range matches
	// the versions it names only.
	Compare Compare
	// Baseline is a former report; what it has is suppressed.
	Baseline *fnvet.Report
	// Wants reports whether findings of a kind were looked for; nil: all. Others
	// are not added, and when any is left out unused ignores are not listed.
	Wants func(fnvet.Kind) bool
}

func (o Options) wants(k fnvet.Kind) bool { return o.Wants == nil || o.Wants(k) }

func (o Options) wantsAll() bool {
	return !slices.ContainsFunc(fnvet.Kinds[:], func(k fnvet.Kind) bool { return !o.wants(k) })
}

// Enforce applies a policy to a report whose findings and gaps are complete, and
// sets its verdict and Finding.Blocks. It adds findings of its own (licences, expressions over the
// report, ids as Rules lists them), gives findings another severity, suppresses
// some, and adds a gap for a database that is too old. What an earlier Enforce
// did is done anew, so it may be called again with another policy (severities
// it changed stay). An expression that fails is an error; the verdict is then
// the one that fails closed.
//
// Ignores only suppress: they are judged last, and no expression sees what they did.
func Enforce(r *fnvet.Report, p Policy, o Options) error {
	undo(r)
	if o.wants(fnvet.License) {
		r.Findings = append(r.Findings, p.licenseFindings(r)...)
	}
	if o.wants(fnvet.Hygiene) {
		r.Findings = append(r.Findings, p.qualityFindings(r)...)
	}
	found, err := p.reportFindings(r)
	r.Findings = append(r.Findings, found...)
	slices.SortStableFunc(r.Findings, fnvet.CompareFindings)
	if o.Baseline != nil {
		Baseline(r.Findings, o.Baseline)
	}
	for i := range r.Findings {
		change(p.rules, r.Artifact.Name, &r.Findings[i])
	}
	if err == nil {
		err = p.checkExpressions(r)
	}
	words, ignoreErr := p.ignore(r, o)
	p.databaseAge(r)
	r.Verdict = Judge(r, p)
	for i := range r.Findings {
		r.Findings[i].Blocks = p.Blocks(&r.Findings[i])
	}
	r.Verdict.Reasons = append(r.Verdict.Reasons, words...)
	return cmp.Or(err, ignoreErr)
}

// undo takes back what an earlier policy added or suppressed.
func undo(r *fnvet.Report) {
	r.Findings = slices.DeleteFunc(r.Findings, func(f fnvet.Finding) bool {
		return strings.HasPrefix(f.ID, policyID("")) || f.ID == ruleDenied || f.ID == ruleNotAllowed || f.ID == ruleUnknown
	})
	for i := range r.Findings {
		r.Findings[i].Blocks = false
		if s := r.Findings[i].Suppressed; s != nil && s.By == byPolicy {
			r.Findings[i].Suppressed = nil
		}
	}
	if r.Findings == nil {
		r.Findings = []fnvet.Finding{}
	}
}

// Rules describes the findings that policies add. Those of expressions over a
// report have the id "policy/" and the name the policy gives them.
func Rules() []fnvet.Rule {
	return []fnvet.Rule{
		{ID: ruleDenied, Kind: fnvet.License, Severity: fnvet.High, Title: "Licence is denied by the policy",
			Help: "The package's licence expression cannot be met without a licence on the policy's deny list. Replace the package, or record why it may stay: an ignore with a reason and an expiry."},
		{ID: ruleNotAllowed, Kind: fnvet.License, Severity: fnvet.High, Title: "Licence is not on the policy's allow list",
			Help: "The policy lists the licences that packages may have, and no choice that the package's licence expression offers is among them. Add the licence to the list, replace the package, or ignore the finding with a reason and an expiry."},
		{ID: ruleQuality, Kind: fnvet.Hygiene, Severity: fnvet.High, Title: "The SBOM knows too little of the packages",
			Help: "The policy's sbom-quality asks that an element (supplier, licence, hash, …) is known of a share of the packages, and fewer state it. Keep lockfiles and the packages' own metadata in the artifact: what nothing states cannot be known."},
		{ID: ruleUnknown, Kind: fnvet.License, Severity: fnvet.High, Title: "Licence is not known",
			Help: "The package states no licence, or text that is no SPDX expression, and the policy asks for known licences. Find out the licence and list the text the package states among those allowed or denied."},
	}
}

// The ids of licence findings.
const (
	ruleDenied     = "license/denied"
	ruleNotAllowed = "license/not-allowed"
	ruleUnknown    = "license/unknown"
)

// licenseFindings judges every package that is there. Those only declared are
// not: what a manifest asks for is judged where it is installed or locked.
func (p Policy) licenseFindings(r *fnvet.Report) []fnvet.Finding {
	if p.licenses == nil {
		return nil
	}
	var out []fnvet.Finding
	for i := range r.Packages {
		pkg := &r.Packages[i]
		if pkg.Kind == fnvet.Declared {
			continue
		}
		stated := pkg.Licenses
		if len(stated) == 0 {
			stated = pkg.Concluded // of the texts that lie with it
		}
		verdict, text := p.licenses.judgeAll(stated)
		f := fnvet.Finding{Kind: fnvet.License, Severity: fnvet.High}
		who := pkg.Name + " " + pkg.Version
		switch verdict {
		case licenseFine:
			continue
		case licenseUnknown:
			if p.licenses.unknown == unknownIgnored {
				continue
			}
			if p.licenses.unknown == unknownReported {
				f.Severity = fnvet.Low
			}
			f.ID, f.Title = ruleUnknown, "no known licence: "+who
			f.Remediation = "find out the licence of " + pkg.Name + " and list it among those allowed or denied"
		case licenseNotAllowed:
			f.ID, f.Title = ruleNotAllowed, short(text)+" is not among the allowed licences: "+who
			f.Remediation = "replace " + pkg.Name + ", or allow " + short(text)
		case licenseDenied:
			f.ID, f.Title = ruleDenied, short(text)+" is denied: "+who
			f.Remediation = "replace " + pkg.Name
		}
		f.Evidence = short(strings.Join(stated, "; "))
		f.Package = &fnvet.PackageRef{PURL: pkg.PURL, Name: pkg.Name, Version: pkg.Version, Ecosystem: pkg.Ecosystem, Fixed: []string{}}
		f.Path = r.Artifact.Name
		if len(pkg.Locations) > 0 {
			f.Path, f.Layer = pkg.Locations[0].Path, pkg.Locations[0].Layer
		}
		f.Fingerprint = fingerprint(f.ID, pkg.Ecosystem, pkg.Name, pkg.Version)
		out = append(out, f)
	}
	return out
}

// short bounds licence text, which may be a whole licence.
func short(s string) string {
	const most = 120
	if s = strings.Join(strings.Fields(s), " "); len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xc0 == 0x80 { // not inside a character
		cut--
	}
	return s[:cut] + "…"
}

// reportFindings evaluates the expressions over the whole report, as it is before
// anything is ignored.
func (p Policy) reportFindings(r *fnvet.Report) ([]fnvet.Finding, error) {
	var out []fnvet.Finding
	var failed error
	for i := range p.blocks {
		b := &p.blocks[i]
		if b.report == nil {
			continue
		}
		hit, err := b.report.eval(r)
		if err != nil {
			failed = cmp.Or(failed, error(&Error{b.line, 1, b.name + ": " + err.Error()}))
		}
		if hit || err != nil {
			out = append(out, fnvet.Finding{
				ID: policyID(b.name), Kind: fnvet.Hygiene, Severity: b.severity, Title: b.reason, Path: r.Artifact.Name,
				Evidence: short(b.report.source), Fingerprint: fingerprint(policyID(b.name)),
				Remediation: "see " + b.name + " in the policy",
			})
		}
	}
	return out, failed
}

// checkExpressions finds the expressions over findings that fail.
func (p Policy) checkExpressions(r *fnvet.Report) error {
	for i := range p.blocks {
		b := &p.blocks[i]
		for j := range r.Findings {
			if b.finding == nil || r.Findings[j].Suppressed != nil {
				continue
			}
			if _, err := b.finding.eval(&r.Findings[j]); err != nil {
				return &Error{b.line, 1, b.name + ": " + err.Error()}
			}
		}
	}
	return nil
}

// ignore suppresses what the entries name and says which of them have ended
// although there is something to ignore, and which matched nothing.
func (p Policy) ignore(r *fnvet.Report, o Options) (words []string, err error) {
	matched := make([]int, len(p.ignores))
	was := make([]*fnvet.Suppressed, len(r.Findings))
	for j := range r.Findings {
		was[j] = r.Findings[j].Suppressed
	}
	for i := range p.ignores {
		ig := &p.ignores[i]
		for j := range r.Findings {
			f := r.Findings[j]
			f.Suppressed = was[j]
			hit, failed := ig.matches(r.Artifact.Name, &f, o.Compare)
			if failed != nil {
				err = cmp.Or(err, error(&Error{ig.line, 1, "ignore: " + failed.Error()}))
			}
			if !hit {
				continue
			}
			matched[i]++
			if r.Findings[j].Suppressed == nil && !ig.expired(o.Now) {
				r.Findings[j].Suppressed = &fnvet.Suppressed{By: byPolicy, Reason: ig.reason, Expires: ig.until}
			}
		}
	}
	return p.ignoreReasons(matched, o), err
}

// ignoreReasons words what a person should know of the list: each entry that has
// ended, and in one line all that are not used.
func (p Policy) ignoreReasons(matched []int, o Options) []string {
	var words, unused []string
	for i := range p.ignores {
		ig := &p.ignores[i]
		switch {
		case matched[i] == 0:
			unused = append(unused, fmt.Sprintf("%s (line %d)", short(ig.name), ig.line))
		case ig.expired(o.Now):
			words = append(words, fmt.Sprintf("ignore of %s expired on %s", short(ig.name), ig.until))
		}
	}
	if len(unused) > 0 && o.wantsAll() {
		noun := "ignores match"
		if len(unused) == 1 {
			noun = "ignore matches"
		}
		words = append(words, fmt.Sprintf("%d %s nothing: %s", len(unused), noun, strings.Join(unused, ", ")))
	}
	return words
}

// databaseAge is the gap of a database older than the policy takes.
func (p Policy) databaseAge(r *fnvet.Report) {
	age := time.Duration(r.Scan.Database.AgeHours * float64(time.Hour))
	if p.MaxDatabaseAge == 0 || r.Scan.Database.Modified == "" || age <= p.MaxDatabaseAge {
		return
	}
	if slices.ContainsFunc(r.Gaps, func(g fnvet.Gap) bool { return g.Reason == fnvet.GapOldDatabase }) {
		return
	}
	r.Gaps = append(r.Gaps, fnvet.Gap{
		Path: "advisory database", Reason: fnvet.GapOldDatabase,
		Detail: fmt.Sprintf("newest advisory is of %s; the policy takes none older than %s", r.Scan.Database.Modified, p.MaxDatabaseAge),
	})
	r.Scan.Complete = false
}

// fingerprint is 128 bits over what makes a finding of a policy itself.
func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte("fnvet/policy/1\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
