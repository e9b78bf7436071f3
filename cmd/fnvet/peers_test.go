package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/oracle"
)

// peersVariable names a folder with govulncheck and osv-scanner, to compare with:
//
//	GOBIN=/tmp/peers go install golang.org/x/vuln/cmd/govulncheck@v1.3.0
//	GOBIN=/tmp/peers go install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.0
//	FNVET_PEERS=/tmp/peers go test -run Peer ./cmd/fnvet
const peersVariable = "FNVET_PEERS"

func peer(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv(peersVariable)
	if dir == "" {
		t.Skipf("%s is not set", peersVariable)
	}
	path := filepath.Join(dir, name)
	if !exists(path) {
		t.Skipf("there is no %s", path)
	}
	return path
}

// peerDifferences are the answers in which osv-scanner v2.5.0 differs, and why.
// entry is that of the id for the package.
var peerDifferences = map[string]struct {
	differs func(u unit, entry *oracle.Entry) bool
	reason  string
}{
	"a range without end": {func(u unit, e *oracle.Entry) bool {
		return e != nil && u.ecosystem == "PyPI" && len(e.Versions) > 0 && !slices.Contains(e.Versions, u.version) &&
			slices.ContainsFunc(e.Ranges, func(r oracle.Range) bool {
				return r.Type == "ECOSYSTEM" && len(r.Events) == 1 && r.Events[0]["introduced"] == "0"
			})
	}, "the schema says affected by list or by range; osv-scanner goes by the list where a range never ends"},
	"a version of before PEP 440": {func(u unit, _ *oracle.Entry) bool {
		return u.ecosystem == "PyPI" && !pep440.MatchString(u.version)
	}, "2.6.0-NA or a commit comes before all versions, so a range from 0 holds it; osv-scanner leaves it out"},
	"Composer's versions have four numbers": {func(u unit, _ *oracle.Entry) bool {
		return u.ecosystem == "Packagist" && composerShort.MatchString(u.version)
	}, "2.0 is 2.0.0 and 2.7.0-stable is 2.7.0; osv-scanner orders them before"},
	"a listed gem version in another form": {func(u unit, e *oracle.Entry) bool {
		return e != nil && u.ecosystem == "RubyGems" && len(e.Versions) > 0 && !slices.Contains(e.Versions, u.version)
	}, "0.2 and 0.2.0 are one Gem::Version; osv-scanner compares text"},
}

var pep440 = regexp.MustCompile(`(?i)^v?(\d+!)?\d+(\.\d+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?(-\d+|[-_.]?(post|rev|r)[-_.]?\d*)?([-_.]?dev[-_.]?\d*)?(\+.*)?$`)

var composerShort = regexp.MustCompile(`^v?\d+(\.\d+)?$|-stable$`)

// TestPeerOSVScanner compares with osv-scanner on lockfiles of packages and
// versions drawn from real advisories, and on the lockfiles of the test packages.
func TestPeerOSVScanner(t *testing.T) {
	scanner := peer(t, "osv-scanner")
	source := "../../../shared/osv"
	if !exists(filepath.Join(source, "ecosystems.txt")) {
		source = "../../testdata/osv"
	}
	db := own(t)
	fnvetRun(t, 0, "db", "update", "--db", db, "--db-source", source)
	local := localDatabase(t, source)
	for _, tt := range []struct{ ecosystem, file, start, line, end string }{
		{"npm", "package-lock.json", `{"lockfileVersion":3,"packages":{"":{}`, `,"node_modules/%s":{"version":"%s"}`, "}}"},
		{"PyPI", "requirements.txt", "", "%s==%s\n", ""},
		{"crates.io", "Cargo.lock", "version = 3\n", "[[package]]\nname = \"%s\"\nversion = \"%s\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n", ""},
		{"Packagist", "composer.lock", `{"packages":[{"name":"fnvet/none","version":"1.0.0"}`, `,{"name":"%s","version":"%s"}`, `],"packages-dev":[]}`},
		{"RubyGems", "Gemfile.lock", "GEM\n  remote: https://rubygems.org/\n  specs:\n", "    %s (%s)\n", "\nPLATFORMS\n  ruby\n"},
	} {
		t.Run(tt.ecosystem, func(t *testing.T) {
			if !exists(filepath.Join(source, tt.ecosystem, "all.zip")) {
				t.Skip("the source has no", tt.ecosystem)
			}
			o, err := oracle.Load(source, tt.ecosystem)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			text := tt.start
			for _, u := range drawn(o, 400) {
				text += fmt.Sprintf(tt.line, u.name, u.version)
			}
			if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(text+tt.end), 0o600); err != nil {
				t.Fatal(err)
			}
			c := comparison{scanner, local, db, o}
			c.run(t, dir, tt.file, 300)
			for _, real := range []string{"node-orders/package-lock.json", "nested/Cargo.lock"} {
				if path.Base(real) != tt.file {
					continue
				}
				data, err := os.ReadFile("../../testdata/src/" + real)
				if err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, tt.file), data, 0o600); err != nil {
					t.Fatal(err)
				}
				c.run(t, dir, tt.file, 1)
			}
		})
	}
}

// drawn picks n packages, each once, at the last boundary of one of their advisories.
func drawn(o *oracle.Oracle, n int) []unit {
	rnd := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	var list []unit
	for range 50 * n {
		e := o.Entries[rnd.IntN(len(o.Entries))]
		version := ""
		for _, r := range e.Ranges {
			for _, ev := range r.Events {
				for _, kind := range []string{"introduced", "last_affected", "fixed"} {
					if v := ev[kind]; v != "" && v != "0" && rnd.IntN(2) == 0 {
						version = v
					}
				}
			}
		}
		if len(e.Versions) > 0 && (version == "" || rnd.IntN(2) == 0) {
			version = e.Versions[rnd.IntN(len(e.Versions))]
		}
		if version == "" || seen[e.Name] || strings.ContainsAny(e.Name+version, " \"'\\()*") {
			continue
		}
		seen[e.Name] = true
		list = append(list, unit{o.Ecosystem, e.Name, version})
		if len(list) == n {
			break
		}
	}
	return list
}

// localDatabase lays a source out as osv-scanner wants it offline.
func localDatabase(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	entries, err := os.ReadDir(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(source, e.Name(), "all.zip"))
		if err != nil {
			continue
		}
		to := filepath.Join(dir, "osv-scalibr", e.Name())
		if err := errors.Join(os.MkdirAll(to, 0o755), os.WriteFile(filepath.Join(to, "all.zip"), data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A comparison of both on lockfiles of one ecosystem.
type comparison struct {
	scanner, local, db string
	oracle             *oracle.Oracle
}

// run scans one lockfile with both. Every id that osv-scanner gives a package must
// be named by a finding of ours, and every id of ours by it.
func (c *comparison) run(t *testing.T, dir, file string, atLeast int) {
	t.Helper()
	theirs := peerIDs(t, c.scanner, c.local, filepath.Join(dir, file))
	r := scanJSON(t, "--db", c.db, "--max-db-age", "0", "--only", "vulnerability,malware", dir)
	ids, names := map[unit][]string{}, map[unit][]string{}
	for _, f := range r.Findings {
		u := unit{f.Package.Ecosystem, f.Package.Name, f.Package.Version}
		ids[u] = append(ids[u], f.ID)
		names[u] = append(append(names[u], f.ID), f.Aliases...)
	}
	count := 0
	report := func(u unit, id, text string) {
		entry := c.entry(u, id)
		for why, d := range peerDifferences {
			if d.differs(u, entry) {
				t.Logf("%s: %v %s: %s", why, u, id, d.reason)
				return
			}
		}
		t.Errorf("%v: %s %s", u, id, text)
	}
	for u, list := range theirs {
		for _, id := range list {
			count++
			if !slices.Contains(names[u], id) {
				report(u, id, "is osv-scanner's only")
			}
		}
	}
	for u, list := range ids {
		for _, id := range list {
			if !slices.Contains(theirs[u], id) {
				report(u, id, "is ours only")
			}
		}
	}
	if count < atLeast {
		t.Errorf("%s: only %d ids to compare", file, count)
	}
	t.Logf("%s: %d ids, %d packages with advisories", file, count, len(theirs))
}

// entry finds what affects a package in the record of an id, or nil.
func (c *comparison) entry(u unit, id string) *oracle.Entry {
	for _, e := range c.oracle.Affecting(u.ecosystem, u.name, u.version) {
		if e.ID == id {
			return e
		}
	}
	return nil
}

func peerIDs(t *testing.T, scanner, local, file string) map[unit][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), scanner, "scan", "source", "--offline", "--local-db-path", local, "--all-vulns", "--format", "json", "-L", file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) {
		t.Fatalf("osv-scanner: %v\n%s", err, &stderr)
	}
	var result struct {
		Results []struct {
			Packages []struct {
				Package         struct{ Name, Version, Ecosystem string }
				Vulnerabilities []struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("osv-scanner: %v\n%s", err, &stderr)
	}
	ids := map[unit][]string{}
	for _, r := range result.Results {
		for _, p := range r.Packages {
			u := unit{p.Package.Ecosystem, p.Package.Name, p.Package.Version}
			for _, v := range p.Vulnerabilities {
				ids[u] = append(ids[u], v.ID)
			}
		}
	}
	return ids
}

// sbomDifferences are the packages of which osv-scanner v2.5.0 finds less in an SBOM.
var sbomDifferences = []struct {
	is     func(format string, u unit) bool
	reason string
}{
	{func(_ string, u unit) bool {
		return strings.HasPrefix(u.ecosystem, "Debian") || strings.HasPrefix(u.ecosystem, "Alpine")
	},
		"advisories name source packages; osv-scanner does not read the upstream qualifier of package URLs"},
	{func(format string, u unit) bool { return format == "spdx-json" && strings.ContainsAny(u.name, "/:") },
		"of a package URL in SPDX it takes the name without the namespace"},
}

// TestPeerReadsOurSBOMs has osv-scanner match our SBOMs of the test packages: what
// identifies a package (Maven groups, npm scopes, Go modules) must survive, so that
// another tool finds the same.
func TestPeerReadsOurSBOMs(t *testing.T) {
	scanner := peer(t, "osv-scanner")
	source := "../../testdata/osv"
	db := own(t)
	fnvetRun(t, 0, "db", "update", "--db", db, "--db-source", source)
	local := localDatabase(t, source)
	for format, least := range map[string]int{"cyclonedx-json": 50, "spdx-json": 30} {
		compared := 0
		for _, target := range append(testPackages(t), goFunction(t)) {
			file := filepath.Join(t.TempDir(), map[string]string{"cyclonedx-json": "bom.cdx.json", "spdx-json": "bom.spdx.json"}[format])
			fnvetRun(t, 0, "sbom", "--sandbox=false", "--format", format+"="+file, target)
			compared += compareSBOM(t, format+" of "+filepath.Base(target), format, peerIDs(t, scanner, local, file),
				scanJSON(t, "--db", db, "--max-db-age", "0", "--only", "vulnerability,malware", target).Findings)
		}
		if compared < least {
			t.Errorf("%s: only %d ids agree", format, compared)
		}
		t.Logf("%s: %d ids agree", format, compared)
	}
}

// compareSBOM counts the ids that osv-scanner finds in an SBOM and we in the package.
func compareSBOM(t *testing.T, what, format string, found map[unit][]string, findings []fnvet.Finding) (agree int) {
	t.Helper()
	base := func(u unit) unit {
		if u.ecosystem, _, _ = strings.Cut(u.ecosystem, ":"); u.ecosystem == "Go" {
			u.version = strings.TrimPrefix(u.version, "v")
		}
		return u
	}
	theirs, names := map[unit][]string{}, map[unit][]string{}
	for u, ids := range found {
		theirs[base(u)] = append(theirs[base(u)], ids...)
	}
	for _, f := range findings {
		u := base(unit{f.Package.Ecosystem, f.Package.Name, f.Package.Version})
		names[u] = append(append(names[u], f.ID), f.Aliases...)
		if slices.Contains(theirs[u], f.ID) {
			agree++
			continue
		}
		known := false
		for _, d := range sbomDifferences {
			known = known || d.is(format, u)
		}
		if !known {
			t.Errorf("%s: %v: %s is ours only", what, u, f.ID)
		}
	}
	for u, ids := range theirs {
		for _, id := range ids {
			if !slices.Contains(names[u], id) {
				t.Errorf("%s: %v: %s is osv-scanner's only", what, u, id)
			}
		}
	}
	return agree
}

// goFunction builds the Go function of the test data.
func goFunction(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, ".")
	build.Dir = "../../testdata/gofn"
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("go build: %v\n%s", err, out)
	}
	return binary
}

// TestPeerGovulncheck compares with govulncheck on a Go binary with symbols, module
// by module: what is linked of them is another question.
func TestPeerGovulncheck(t *testing.T) {
	checker := peer(t, "govulncheck")
	dir := t.TempDir()
	binary := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = "../../testdata/gofn"
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("go build: %v\n%s", err, out)
	}
	source := "../../testdata/osv"
	db := own(t)
	fnvetRun(t, 0, "db", "update", "--db", db, "--db-source", source)
	r := scanJSON(t, "--db", db, "--max-db-age", "0", "--only", "vulnerability", binary)
	var ours []string
	for _, f := range r.Findings {
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			if strings.HasPrefix(id, "GO-") {
				ours = append(ours, id)
			}
		}
	}
	slices.Sort(ours)
	theirs := govulncheckIDs(t, checker, vulnDatabase(t, source), binary)
	if len(theirs) == 0 || !slices.Equal(theirs, slices.Compact(ours)) {
		t.Errorf("govulncheck: %v\nfnvet: %v", theirs, ours)
	}
	t.Logf("%d ids", len(theirs))
}

func govulncheckIDs(t *testing.T, checker, db, binary string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), checker, "-mode", "binary", "-db", "file://"+db, "-json", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Finding *struct{ OSV string } }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if m.Finding != nil {
			ids = append(ids, m.Finding.OSV)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// vulnDatabase lays the GO- records of a source out as vuln.go.dev does.
// https://go.dev/doc/security/vuln/database
func vulnDatabase(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	z, err := zip.OpenReader(filepath.Join(source, "Go", "all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	type vuln struct {
		ID       string `json:"id"`
		Modified string `json:"modified"`
	}
	type module struct {
		Path  string `json:"path"`
		Vulns []vuln `json:"vulns"`
	}
	modules := map[string]*module{}
	put := func(name string, v any) {
		data, ok := v.([]byte)
		if !ok {
			if data, err = json.Marshal(v); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var rec struct {
			ID, Modified string
			Affected     []struct{ Package fnvet.Package }
		}
		if err := json.Unmarshal(data, &rec); err != nil || !strings.HasPrefix(rec.ID, "GO-") {
			continue
		}
		put("ID/"+rec.ID+".json", data)
		for _, a := range rec.Affected {
			m := modules[a.Package.Name]
			if m == nil {
				m = &module{Path: a.Package.Name}
				modules[a.Package.Name] = m
			}
			m.Vulns = append(m.Vulns, vuln{rec.ID, rec.Modified})
		}
	}
	var list []*module
	for _, m := range modules {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *module) int { return strings.Compare(a.Path, b.Path) })
	put("index/modules.json", list)
	put("index/db.json", map[string]string{"modified": "2026-01-01T00:00:00Z"})
	put("index/vulns.json", []any{})
	return dir
}
