package vex_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/vex"
)

const digest = "1111111111111111111111111111111111111111111111111111111111111111"

func report() *fnvet.Report {
	finding := func(id, purl, name string, aliases ...string) fnvet.Finding {
		return fnvet.Finding{ID: id, Kind: fnvet.Vulnerability, Severity: fnvet.High, Aliases: aliases, Package: &fnvet.PackageRef{PURL: purl, Name: name}}
	}
	return &fnvet.Report{
		Artifact: fnvet.Artifact{Name: "registry.example/shop/orders:1.2", Type: "image", Digest: "sha256:" + digest},
		Findings: []fnvet.Finding{
			finding("GHSA-q", "pkg:npm/qs@6.5.1", "qs", "CVE-2026-1"),
			finding("GHSA-s", "pkg:npm/%40a/b@1.0.0", "@a/b", "CVE-2026-2"),
			finding("GO-1", "pkg:golang/github.com/Foo/bar@1.2.3", "github.com/Foo/bar", "CVE-2026-3"),
			finding("DEB-1", "pkg:deb/debian/zlib1g@1.3?arch=amd64&distro=debian-12", "zlib1g", "CVE-2026-4"),
			{ID: "MAL-1", Kind: fnvet.Malware, Severity: fnvet.Critical, Package: &fnvet.PackageRef{PURL: "pkg:npm/bad@1", Name: "bad"}},
		},
	}
}

// suppressed applies documents and says which findings went, and why.
func suppressed(t *testing.T, r *fnvet.Report, docs ...string) string {
	t.Helper()
	var all []*vex.Document
	for _, text := range docs {
		d, err := vex.Read([]byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		all = append(all, d)
	}
	n := vex.Apply(r, all)
	var out []string
	for _, f := range r.Findings {
		if f.Suppressed != nil {
			if f.Suppressed.By != "vex" {
				t.Errorf("suppressed by %q", f.Suppressed.By)
			}
			out = append(out, f.ID+" "+f.Suppressed.Reason)
		}
	}
	if n != len(out) {
		t.Errorf("Apply says %d, there are %d", n, len(out))
	}
	return strings.Join(out, "; ")
}

func openvex(statements string) string {
	return `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[` + statements + `]}`
}

// said is one OpenVEX statement with a justification.
func said(id, products string) string {
	return `{"vulnerability":{"name":"` + id + `"},"products":[` + products + `],"status":"not_affected","justification":"component_not_present"}`
}

func TestOpenVEX(t *testing.T) {
	const q, why = "GHSA-q not_affected: component_not_present", "component_not_present"
	for _, tt := range []struct{ why, doc, want string }{
		{"a package", openvex(said("GHSA-q", `{"@id":"pkg:npm/qs@6.5.1"}`)), q},
		{"by an alias, in any case", openvex(said("cve-2026-1", `{"@id":"pkg:npm/qs@6.5.1"}`)), q},
		{"any version", openvex(said("GHSA-q", `{"@id":"pkg:npm/qs"}`)), q},
		{"by an identifier", openvex(said("GHSA-q", `{"@id":"https://example.com/qs","identifiers":{"purl":"pkg:npm/qs@6.5.1"}}`)), q},
		{"another version", openvex(said("GHSA-q", `{"@id":"pkg:npm/qs@6.5.2"}`)), ""},
		{"another package", openvex(said("GHSA-q", `{"@id":"pkg:npm/qs2@6.5.1"}`)), ""},
		{"another scope", openvex(said("GHSA-s", `{"@id":"pkg:npm/b@1.0.0"}`)), ""},
		{"a scope", openvex(said("GHSA-s", `{"@id":"pkg:npm/%40a/b@1.0.0"}`)), "GHSA-s not_affected: " + why},
		{"another flaw", openvex(said("GHSA-s", `{"@id":"pkg:npm/qs@6.5.1"}`)), ""},
		{"a module path in lower case", openvex(said("GO-1", `{"@id":"pkg:golang/github.com/foo/bar@v1.2.3"}`)), "GO-1 not_affected: " + why},
		{"qualifiers that are stated", openvex(said("DEB-1", `{"@id":"pkg:deb/debian/zlib1g@1.3?distro=debian-12"}`)), "DEB-1 not_affected: " + why},
		{"another distribution", openvex(said("DEB-1", `{"@id":"pkg:deb/debian/zlib1g@1.3?distro=debian-13"}`)), ""},
		{"the artifact by repository", openvex(said("GHSA-q", `{"@id":"pkg:oci/orders"}`)), q},
		{"by repository and tag", openvex(said("GHSA-q", `{"@id":"pkg:oci/orders?repository_url=registry.example/shop&tag=1.2"}`)), q},
		{"another tag", openvex(said("GHSA-q", `{"@id":"pkg:oci/orders?tag=1.3"}`)), ""},
		{"another registry", openvex(said("GHSA-q", `{"@id":"pkg:oci/orders?repository_url=elsewhere.example/shop/orders"}`)), ""},
		{"by digest", openvex(said("GHSA-q", `{"@id":"pkg:oci/orders@sha256%3A`+digest+`"}`)), q},
		{"by hash", openvex(said("GHSA-q", `{"@id":"orders","hashes":{"sha-256":"`+digest+`"}}`)), q},
		{"another hash", openvex(said("GHSA-q", `{"@id":"pkg:oci/orders","hashes":{"sha-256":"22"}}`)), ""},
		{"a package of the artifact", openvex(said("GHSA-q", `{"@id":"pkg:oci/orders","subcomponents":[{"@id":"pkg:npm/qs"}]}`)), q},
		{"another package of the artifact", openvex(said("GHSA-q", `{"@id":"pkg:oci/orders","subcomponents":[{"@id":"pkg:npm/lodash"}]}`)), ""},
		{"a package of another artifact", openvex(said("GHSA-q", `{"@id":"pkg:oci/invoices","subcomponents":[{"@id":"pkg:npm/qs"}]}`)), ""},
		{"no product", openvex(said("GHSA-q", "")), ""},
		{"an empty product", openvex(said("GHSA-q", "{}")), ""},
		{"malware is not a vulnerability", openvex(said("MAL-1", `{"@id":"pkg:npm/bad@1"}`)), ""},
		{"fixed", openvex(`{"vulnerability":{"name":"GHSA-q"},"products":[{"@id":"pkg:npm/qs@6.5.1"}],"status":"fixed","status_notes":"patched by us"}`), "GHSA-q fixed: patched by us"},
		{"affected", openvex(`{"vulnerability":{"name":"GHSA-q"},"products":[{"@id":"pkg:npm/qs@6.5.1"}],"status":"affected","action_statement":"upgrade"}`), ""},
		{"under investigation", openvex(`{"vulnerability":{"name":"GHSA-q"},"products":[{"@id":"pkg:npm/qs@6.5.1"}],"status":"under_investigation"}`), ""},
		{"the latest statement holds", openvex(said("GHSA-q", `{"@id":"pkg:npm/qs"}`) + `,{"timestamp":"2026-02-01T00:00:00Z","vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:npm/qs"}],"status":"affected"}`), ""},
		{"an earlier one does not", openvex(said("GHSA-q", `{"@id":"pkg:npm/qs"}`) + `,{"timestamp":"2025-02-01T00:00:00Z","vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:npm/qs"}],"status":"affected"}`), q},
		{"of the same time the worse", openvex(`{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:npm/qs"}],"status":"affected"},` + said("GHSA-q", `{"@id":"pkg:npm/qs"}`)), ""},
		{"0.0.1", `{"@context":"https://openvex.dev/ns","timestamp":"2026-01-01T00:00:00Z","statements":[{"vulnerability":"CVE-2026-1","products":["pkg:oci/orders"],"subcomponents":["pkg:npm/qs@6.5.1"],"status":"not_affected","impact_statement":"not  loaded"}]}`, "GHSA-q not_affected: not loaded"},
	} {
		if got := suppressed(t, report(), tt.doc); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.why, got, tt.want)
		}
	}
}

func TestCycloneDX(t *testing.T) {
	doc := func(vulnerability string) string {
		return `{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,
		"metadata":{"timestamp":"2026-01-01T00:00:00Z","component":{"type":"container","bom-ref":"root","name":"orders","hashes":[{"alg":"SHA-256","content":"` + digest + `"}]}},
		"components":[{"type":"library","bom-ref":"q","name":"qs","purl":"pkg:npm/qs@6.5.1"},{"type":"library","bom-ref":"any","name":"qs","purl":"pkg:npm/qs"}],
		"vulnerabilities":[` + vulnerability + `]}`
	}
	const unreachable = `"analysis":{"state":"not_affected","justification":"code_not_reachable","detail":"never called"}`
	for _, tt := range []struct{ why, vulnerability, want string }{
		{"a component", `{"id":"CVE-2026-1",` + unreachable + `,"affects":[{"ref":"q"}]}`, "GHSA-q not_affected: vulnerable_code_not_in_execute_path: never called"},
		{"a BOM link", `{"id":"GHSA-q",` + unreachable + `,"affects":[{"ref":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#q"}]}`, "GHSA-q not_affected: vulnerable_code_not_in_execute_path: never called"},
		{"a package URL", `{"id":"GHSA-q",` + unreachable + `,"affects":[{"ref":"pkg:npm/qs@6.5.1"}]}`, "GHSA-q not_affected: vulnerable_code_not_in_execute_path: never called"},
		{"the artifact", `{"id":"GHSA-q",` + unreachable + `,"affects":[{"ref":"root"}]}`, "GHSA-q not_affected: vulnerable_code_not_in_execute_path: never called"},
		{"by another name", `{"id":"X-1","references":[{"id":"CVE-2026-1","source":{}}],` + unreachable + `,"affects":[{"ref":"q"}]}`, "GHSA-q not_affected: vulnerable_code_not_in_execute_path: never called"},
		{"a justification that OpenVEX has not", `{"id":"GHSA-q","analysis":{"state":"false_positive","justification":"requires_configuration"},"affects":[{"ref":"q"}]}`, "GHSA-q not_affected: requires_configuration"},
		{"resolved", `{"id":"GHSA-q","analysis":{"state":"resolved"},"affects":[{"ref":"q"}]}`, "GHSA-q fixed"},
		{"a version", `{"id":"GHSA-q","analysis":{"state":"resolved"},"affects":[{"ref":"any","versions":[{"version":"6.5.1","status":"affected"}]}]}`, "GHSA-q fixed"},
		{"another version", `{"id":"GHSA-q","analysis":{"state":"resolved"},"affects":[{"ref":"any","versions":[{"version":"6.5.0","status":"affected"}]}]}`, ""},
		{"a range is not read", `{"id":"GHSA-q","analysis":{"state":"resolved"},"affects":[{"ref":"any","versions":[{"range":"vers:npm/<7","status":"affected"}]}]}`, ""},
		{"exploitable", `{"id":"GHSA-q","analysis":{"state":"exploitable"},"affects":[{"ref":"q"}]}`, ""},
		{"no analysis", `{"id":"GHSA-q","affects":[{"ref":"q"}]}`, ""},
		{"an unknown component", `{"id":"GHSA-q",` + unreachable + `,"affects":[{"ref":"z"}]}`, ""},
		{"affects nothing", `{"id":"GHSA-q",` + unreachable + `}`, ""},
	} {
		if got := suppressed(t, report(), doc(tt.vulnerability)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.why, got, tt.want)
		}
	}
}

func TestCSAF(t *testing.T) {
	doc := func(status, rest string) string {
		return `{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"t","tracking":{"id":"E-1","current_release_date":"2026-01-01T00:00:00Z"}},
		"product_tree":{
		  "branches":[{"category":"vendor","name":"v","branches":[
		    {"category":"product_version","name":"q","product":{"product_id":"Q","name":"qs 6.5.1","product_identification_helper":{"purl":"pkg:npm/qs@6.5.1"}}},
		    {"category":"product_name","name":"any","product":{"product_id":"ANY","name":"qs","product_identification_helper":{"purl":"pkg:npm/qs"}}},
		    {"category":"product_version","name":"o","product":{"product_id":"O","name":"orders","product_identification_helper":{"purl":"pkg:oci/orders"}}},
		    {"category":"product_name","name":"e","product":{"product_id":"E","name":"Enterprise 9"}}]}],
		  "relationships":[
		    {"category":"default_component_of","product_reference":"ANY","relates_to_product_reference":"O","full_product_name":{"product_id":"O:ANY","name":"x"}},
		    {"category":"default_component_of","product_reference":"ANY","relates_to_product_reference":"E","full_product_name":{"product_id":"E:ANY","name":"x"}},
		    {"category":"default_component_of","product_reference":"Q","relates_to_product_reference":"E","full_product_name":{"product_id":"E:Q","name":"x"}}],
		  "product_groups":[{"group_id":"G","product_ids":["Q"]}]},
		"vulnerabilities":[{"cve":"CVE-2026-1","product_status":{` + status + `}` + rest + `}]}`
	}
	flags := `,"flags":[{"label":"component_not_present","product_ids":["Z"]},{"label":"vulnerable_code_not_present","group_ids":["G"]}],"threats":[{"category":"impact","details":"no such code","product_ids":["Q"]}]`
	for _, tt := range []struct{ why, doc, want string }{
		{"a package, why by group", doc(`"known_not_affected":["Q"]`, flags), "GHSA-q not_affected: vulnerable_code_not_present: no such code"},
		{"fixed", doc(`"fixed":["Q"]`, ""), "GHSA-q fixed"},
		{"affected", doc(`"known_affected":["Q"]`, ""), ""},
		{"both", doc(`"known_affected":["Q"],"known_not_affected":["Q"]`, ""), ""},
		{"a component of the artifact", doc(`"known_not_affected":["O:ANY"]`, ""), "GHSA-q not_affected"},
		{"a component of a platform that is only a name", doc(`"known_not_affected":["E:ANY"]`, ""), ""},
		{"an exact version of one", doc(`"known_not_affected":["E:Q"]`, ""), "GHSA-q not_affected"},
		{"a platform that is only a name", doc(`"known_not_affected":["E"]`, ""), ""},
		{"a product that is not in the tree", doc(`"known_not_affected":["Z"]`, ""), ""},
	} {
		if got := suppressed(t, report(), tt.doc); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.why, got, tt.want)
		}
	}
}

func TestReadMistakes(t *testing.T) {
	for _, tt := range []struct{ why, doc, msg string }{
		{"nothing", "", "unexpected end"},
		{"cut off", `{"@context":"https://openvex.dev/ns",`, "unexpected end"},
		{"another document", `{"a":1}`, vex.ErrUnknown.Error()},
		{"an array", `[]`, vex.ErrUnknown.Error()},
		{"status", openvex(`{"vulnerability":{"name":"x"},"status":"fine"}`), `statement 1: unknown status "fine"`},
		{"no justification", openvex(`{"vulnerability":{"name":"x"},"status":"not_affected"}`), "wants a justification"},
		{"no vulnerability", openvex(`{"status":"fixed"}`), "no vulnerability"},
		{"time", openvex(`{"vulnerability":{"name":"x"},"status":"fixed","timestamp":"now"}`), "timestamp"},
		{"CSAF 1", `{"document":{"csaf_version":"1.2"}}`, `"1.2" is not 2.0`},
	} {
		d, err := vex.Read([]byte(tt.doc))
		if err == nil || d != nil || !strings.Contains(err.Error(), tt.msg) {
			t.Errorf("%s: got %v, %v", tt.why, d, err)
		}
	}
	if _, err := vex.Read([]byte(`{"a":1}`)); !errors.Is(err, vex.ErrUnknown) {
		t.Error(err)
	}
}

func TestWrite(t *testing.T) {
	r := report()
	r.Findings[0].Suppressed = &fnvet.Suppressed{By: "policy", Reason: "vulnerable_code_not_present: the parser is not shipped", Expires: "2026-06-30"}
	r.Findings[1].Suppressed = &fnvet.Suppressed{By: "policy", Reason: "no time", Expires: "2026-06-30"}
	r.Findings[2].Reachable = fnvet.ReachNo
	r.Findings[3].Suppressed = &fnvet.Suppressed{By: "baseline"}
	var b bytes.Buffer
	if err := vex.Write(&b, r, vex.Options{Author: "Ann", Version: "1", Now: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Statements []struct {
			Vulnerability struct{ Name string }
			Status        string
			Justification string
			Action        string `json:"action_statement"`
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range doc.Statements {
		got = append(got, strings.TrimSpace(s.Vulnerability.Name+" "+s.Status+" "+s.Justification+s.Action))
	}
	want := []string{
		"GHSA-q not_affected vulnerable_code_not_present",
		"GHSA-s affected accepted until 2026-06-30: no time",
		"GO-1 not_affected vulnerable_code_not_in_execute_path",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// What was written suppresses the same in a scan of the same artifact, and in no other.
	const back = "GHSA-q not_affected: vulnerable_code_not_present: the parser is not shipped; GO-1 not_affected: vulnerable_code_not_in_execute_path: fnvet found no way from the handler to the package"
	if got := suppressed(t, report(), b.String()); got != back {
		t.Errorf("read back: %s", got)
	}
	other := report()
	other.Artifact.Digest = "sha256:22"
	if got := suppressed(t, other, b.String()); got != "" {
		t.Errorf("another artifact: %s", got)
	}
	// And what a document said is passed on as it was.
	again := report()
	suppressed(t, again, b.String())
	var c bytes.Buffer
	if err := vex.Write(&c, again, vex.Options{Now: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	if got := suppressed(t, report(), c.String()); got != back {
		t.Errorf("passed on: %s", got)
	}
}

// Read gives a document or an error, and applying it never touches what is no
// vulnerability.
func FuzzRead(f *testing.F) {
	f.Add([]byte(openvex(said("GHSA-q", `{"@id":"pkg:npm/qs@6.5.1","hashes":{"sha-256":"x"},"subcomponents":[{"@id":"pkg:npm/qs"}]}`))))
	f.Add([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.5","vulnerabilities":[{"id":"GHSA-q","analysis":{"state":"resolved"},"affects":[{"ref":"pkg:npm/qs","versions":[{"version":"1"}]}]}]}`))
	f.Add([]byte(`{"document":{"csaf_version":"2.0"},"product_tree":{"full_product_names":[{"product_id":"Q","product_identification_helper":{"purl":"pkg:npm/qs"}}]},"vulnerabilities":[{"cve":"CVE-2026-1","product_status":{"fixed":["Q"]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := vex.Read(data)
		if (d == nil) == (err == nil) {
			t.Fatalf("document %v, error %v", d, err)
		}
		if err != nil {
			return
		}
		r := report()
		vex.Apply(r, []*vex.Document{d})
		if r.Findings[4].Suppressed != nil {
			t.Fatal("malware is suppressed")
		}
		if err := vex.Write(&bytes.Buffer{}, r, vex.Options{}); err != nil {
			t.Fatal(err)
		}
	})
}
