package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// GitLab's security report schemas, of which 15.2.1 is stated and nothing newer used.
const (
	gitlabVersion = "15.2.1"
	gitlabSchema  = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v" + gitlabVersion + "/dist/"
	gitlabTime    = "2006-01-02T15:04:05"
	gitlabName    = 255  // longest name of a vulnerability, in characters
	gitlabFix     = 7000 // longest solution
)

type gitlabReport struct {
	Version         string                 `json:"version"`
	Schema          string                 `json:"schema"`
	Scan            gitlabScan             `json:"scan"`
	Vulnerabilities []gitlabVulnerability  `json:"vulnerabilities"`
	Files           []gitlabDependencyFile `json:"dependency_files,omitzero"`
}

type gitlabScan struct {
	Analyzer gitlabTool      `json:"analyzer"`
	Scanner  gitlabTool      `json:"scanner"`
	Type     string          `json:"type"`
	Start    string          `json:"start_time"`
	End      string          `json:"end_time"`
	Status   string          `json:"status"`
	Messages []gitlabMessage `json:"messages,omitempty"`
}

type gitlabTool struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Version string       `json:"version"`
	Vendor  gitlabVendor `json:"vendor"`
}

type gitlabVendor struct {
	Name string `json:"name"`
}

type gitlabMessage struct {
	Level string `json:"level"`
	Value string `json:"value"`
}

type gitlabVulnerability struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Severity    string             `json:"severity"`
	Solution    string             `json:"solution,omitempty"`
	Identifiers []gitlabIdentifier `json:"identifiers"`
	CVSS        []gitlabCVSS       `json:"cvss_vectors,omitempty"`
	Links       []gitlabLink       `json:"links,omitempty"`
	Location    gitlabLocation     `json:"location"`
}

type gitlabIdentifier struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
	URL   string `json:"url,omitempty"`
}

type gitlabCVSS struct {
	Vendor string `json:"vendor"`
	Vector string `json:"vector"`
}

// gitlabVector is what the schemas take of CVSS: the versions 3.0 and 3.1. Who rated
// is not known; "unknown" is the schemas' own word for that.
var gitlabVector = lazyregexp.New(`^CVSS:3\.[01]/AV:[NALP]/AC:[LH]/PR:[NLH]/UI:[NR]/S:[UC]/C:[NLH]/I:[NLH]/A:[NLH]$`)

type gitlabLink struct {
	URL string `json:"url"`
}

type gitlabLocation struct {
	File       string            `json:"file,omitempty"`
	StartLine  int               `json:"start_line,omitempty"`
	Dependency *gitlabDependency `json:"dependency,omitempty"`
	Commit     *gitlabCommit     `json:"commit,omitempty"`
	System     string            `json:"operating_system,omitempty"` // container scanning
	Image      string            `json:"image,omitempty"`
}

type gitlabCommit struct {
	SHA string `json:"sha"`
}

type gitlabDependency struct {
	Package gitlabPackage `json:"package"`
	Version string        `json:"version"`
	Direct  bool          `json:"direct,omitempty"`
}

type gitlabPackage struct {
	Name string `json:"name"`
}

type gitlabDependencyFile struct {
	Path         string             `json:"path"`
	Manager      string             `json:"package_manager"`
	Dependencies []gitlabDependency `json:"dependencies"`
}

// writeGitLabDependency writes vulnerable and malicious packages, and all
// packages by the file they were found in. Suppressed findings are left out.
func writeGitLabDependency(b *bytes.Buffer, reports []*fnvet.Report, _ Options) error {
	out := newGitLab(reports, "dependency_scanning")
	out.Schema = gitlabSchema + "dependency-scanning-report-format.json"
	out.Files = []gitlabDependencyFile{}
	for _, r := range reports {
		out.Files = append(out.Files, dependencyFiles(r)...)
		for i := range r.Findings {
			f := &r.Findings[i]
			if !ofPackage(f) || f.Suppressed != nil {
				continue
			}
			v := toGitLab(f)
			v.Location = gitlabLocation{
				File:       clean(cmp.Or(f.Path, r.Artifact.Name, "artifact")),
				Dependency: &gitlabDependency{Package: gitlabPackage{clean(f.Package.Name)}, Version: clean(f.Package.Version)},
			}
			out.Vulnerabilities = append(out.Vulnerabilities, v)
		}
	}
	return encode(b, out)
}

// writeGitLabContainer writes vulnerable and malicious packages by the image they
// are in. Suppressed findings are left out.
func writeGitLabContainer(b *bytes.Buffer, reports []*fnvet.Report, _ Options) error {
	out := newGitLab(reports, "container_scanning")
	out.Schema = gitlabSchema + "container-scanning-report-format.json"
	for _, r := range reports {
		for i := range r.Findings {
			f := &r.Findings[i]
			if !ofPackage(f) || f.Suppressed != nil {
				continue
			}
			v := toGitLab(f)
			v.Location = gitlabLocation{
				System: clean(cmp.Or(strings.ReplaceAll(r.Artifact.Config.Distro, " ", ":"), "unknown")), Image: gitlabImage(&r.Artifact),
				Dependency: &gitlabDependency{Package: gitlabPackage{clean(f.Package.Name)}, Version: clean(f.Package.Version)},
			}
			out.Vulnerabilities = append(out.Vulnerabilities, v)
		}
	}
	return encode(b, out)
}

// gitlabImage is the image with a tag or a digest, one of which GitLab wants.
func gitlabImage(a *fnvet.Artifact) string {
	name := clean(cmp.Or(a.Name, "artifact"))
	if strings.Contains(name, ":") {
		return cutRunes(name, gitlabName)
	}
	return cutRunes(name, 150) + "@" + cmp.Or(a.Digest, "sha256:unknown")
}

// writeGitLabSecret writes secrets. An artifact has no commits, so the one that the
// schema wants is the null commit.
func writeGitLabSecret(b *bytes.Buffer, reports []*fnvet.Report, _ Options) error {
	out := newGitLab(reports, "secret_detection")
	out.Schema = gitlabSchema + "secret-detection-report-format.json"
	for _, r := range reports {
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Kind != fnvet.SecretKind || f.Suppressed != nil {
				continue
			}
			v := toGitLab(f)
			v.Location = gitlabLocation{
				File: clean(cmp.Or(f.Path, r.Artifact.Name, "artifact")), StartLine: f.Line, Commit: &gitlabCommit{strings.Repeat("0", 40)},
			}
			out.Vulnerabilities = append(out.Vulnerabilities, v)
		}
	}
	return encode(b, out)
}

func newGitLab(reports []*fnvet.Report, kind string) *gitlabReport {
	tool := gitlabTool{ID: "fnvet", Name: "fnvet", Version: "unknown", Vendor: gitlabVendor{"fnvet"}}
	out := &gitlabReport{Version: gitlabVersion, Vulnerabilities: []gitlabVulnerability{}}
	start, end := time.Unix(0, 0), time.Unix(0, 0)
	status := "success"
	for i, r := range reports {
		tool.Version = cmp.Or(r.Scan.Version, tool.Version)
		if i == 0 || r.Scan.Started.Before(start) {
			start = r.Scan.Started
		}
		if e := r.Scan.Started.Add(time.Duration(r.Scan.DurationMS) * time.Millisecond); e.After(end) {
			end = e
		}
		for _, g := range r.Gaps {
			text := clean(strings.Join(slices.DeleteFunc([]string{g.Reason, g.Path, g.Detail}, func(s string) bool { return s == "" }), ": "))
			out.Scan.Messages = append(out.Scan.Messages, gitlabMessage{"warn", cmp.Or(text, "gap")})
			if g.Reason == fnvet.GapFailed {
				status = "failure"
			}
		}
	}
	out.Scan.Analyzer, out.Scan.Scanner, out.Scan.Type, out.Scan.Status = tool, tool, kind, status
	out.Scan.Start, out.Scan.End = start.UTC().Format(gitlabTime), end.UTC().Format(gitlabTime)
	return out
}

// toGitLab writes what both reports share. Texts are Markdown there.
func toGitLab(f *fnvet.Finding) gitlabVulnerability {
	v := gitlabVulnerability{
		ID: gitlabID(f), Name: cutRunes(clean(cmp.Or(f.Title, f.ID)), gitlabName), Severity: gitlabSeverity(f.Severity),
		Solution: cutRunes(prose(f.Remediation), gitlabFix),
	}
	if f.Package != nil && len(f.Package.Fixed) > 0 && v.Solution == "" {
		v.Solution = cutRunes("Upgrade to "+code(strings.Join(f.Package.Fixed, ", ")), gitlabFix)
	}
	if e := excerpt(f); e != "" {
		v.Description = code(e)
	}
	for _, id := range append([]string{f.ID}, f.Aliases...) {
		v.Identifiers = append(v.Identifiers, gitlabIdentify(f, id))
	}
	if f.CVSS != nil && gitlabVector().MatchString(f.CVSS.Vector) {
		v.CVSS = []gitlabCVSS{{"unknown", f.CVSS.Vector}}
	}
	for _, u := range f.References {
		if strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") {
			v.Links = append(v.Links, gitlabLink{clean(u)})
		}
	}
	return v
}

// gitlabID writes the fingerprint as a UUID.
func gitlabID(f *fnvet.Finding) string {
	p := f.Fingerprint
	if len(p) != 32 {
		return cmp.Or(p, f.ID, "unnamed")
	}
	return fmt.Sprintf("%s-%s-%s-%s-%s", p[:8], p[8:12], p[12:16], p[16:20], p[20:])
}

func gitlabIdentify(f *fnvet.Finding, id string) gitlabIdentifier {
	id = clean(cmp.Or(id, "unnamed"))
	out := gitlabIdentifier{Type: "fnvet", Name: id, Value: id}
	prefix, _, _ := strings.Cut(id, "-")
	switch {
	case !ofPackage(f):
		return out
	case prefix == "CVE" || prefix == "GHSA":
		out.Type = strings.ToLower(prefix)
	default:
		out.Type = "osv"
	}
	out.URL = "https://osv.dev/vulnerability/" + uri(id)
	return out
}

func gitlabSeverity(s fnvet.Severity) string {
	switch s {
	case fnvet.Critical, fnvet.High, fnvet.Medium, fnvet.Low, fnvet.Info:
		return strings.ToUpper(string(s[:1])) + string(s[1:])
	case fnvet.SeverityUnknown:
	}
	return "Unknown"
}

// dependencyFiles lists the packages of each file they were found in.
func dependencyFiles(r *fnvet.Report) []gitlabDependencyFile {
	by := map[[2]string][]gitlabDependency{}
	for i := range r.Packages {
		p := &r.Packages[i]
		d := gitlabDependency{Package: gitlabPackage{clean(p.Name)}, Version: clean(p.Version), Direct: p.Direct}
		seen := map[string]bool{}
		for _, l := range p.Locations {
			if !seen[l.Path] {
				key := [2]string{l.Path, p.Ecosystem}
				by[key] = append(by[key], d)
			}
			seen[l.Path] = true
		}
	}
	paths := map[string][]string{}
	for key := range by {
		paths[key[0]] = append(paths[key[0]], key[1])
	}
	var out []gitlabDependencyFile
	for _, path := range sortedKeys(paths) {
		for _, ecosystem := range sortedStrings(paths[path]) {
			out = append(out, gitlabDependencyFile{
				Path: clean(cmp.Or(path, r.Artifact.Name, "artifact")), Manager: cmp.Or(strings.ToLower(ecosystem), "unknown"),
				Dependencies: by[[2]string{path, ecosystem}],
			})
		}
	}
	return out
}
