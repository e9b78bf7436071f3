package vex

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/escape"
)

// Format is the name of what Write writes.
const Format = "openvex"

// Options say what the report does not.
type Options struct {
	Author  string    // who makes the statements; "" is fnvet
	Version string    // of fnvet
	Now     time.Time // of the statements
}

// openVEXJustifications are the labels of the specification.
var openVEXJustifications = []string{
	"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
	"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
}

type outDocument struct {
	Context    string         `json:"@context"`
	ID         string         `json:"@id"`
	Author     string         `json:"author"`
	Timestamp  string         `json:"timestamp"`
	Version    int            `json:"version"`
	Tooling    string         `json:"tooling"`
	Statements []outStatement `json:"statements"`
}

type outStatement struct {
	Vulnerability outName      `json:"vulnerability"`
	Products      []outProduct `json:"products"`
	Status        Status       `json:"status"`
	Justification string       `json:"justification,omitempty"`
	Impact        string       `json:"impact_statement,omitempty"`
	Action        string       `json:"action_statement,omitempty"`
	Notes         string       `json:"status_notes,omitempty"`
}

type outName struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
}

type outProduct struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers,omitempty"`
	Hashes        map[string]string `json:"hashes,omitempty"`
	Subcomponents []outProduct      `json:"subcomponents,omitempty"`
}

// Write writes what the report knows of its vulnerabilities as OpenVEX 0.2.0:
// those that a VEX document or a person suppressed, and those the handler cannot
// reach. A person's reason that begins with a justification of OpenVEX and a
// colon is not_affected; any other is affected, with the reason as what was
// decided. Findings of a baseline are left out: no one said anything of them.
func Write(w io.Writer, r *fnvet.Report, o Options) error {
	doc := outDocument{
		Context: "https://openvex.dev/ns/v0.2.0", Author: cmp.Or(o.Author, "fnvet"), Version: 1,
		Tooling: strings.TrimSpace("fnvet " + o.Version), Statements: statements(r),
	}
	content, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	doc.ID = "urn:fnvet:vex:" + hex.EncodeToString(sum[:16])
	doc.Timestamp = o.Now.UTC().Format(time.RFC3339)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err = w.Write(escape.JSON(b.Bytes()))
	return err
}

// statements joins the packages of which the same is said.
func statements(r *fnvet.Report) []outStatement {
	out := []outStatement{}
	for i := range r.Findings {
		f := &r.Findings[i]
		s, ok := stated(f)
		if !ok {
			continue
		}
		s.Vulnerability = outName{f.ID, f.Aliases}
		part := outProduct{ID: f.Package.PURL, Identifiers: map[string]string{"purl": f.Package.PURL}}
		same := slices.IndexFunc(out, func(o outStatement) bool {
			return o.Vulnerability.Name == f.ID && o.Status == s.Status && o.Justification == s.Justification &&
				o.Impact == s.Impact && o.Action == s.Action && o.Notes == s.Notes
		})
		if same < 0 {
			s.Products = []outProduct{artifact(&r.Artifact)}
			out = append(out, s)
			same = len(out) - 1
		}
		parts := &out[same].Products[0].Subcomponents
		if !slices.ContainsFunc(*parts, func(p outProduct) bool { return p.ID == part.ID }) {
			*parts = append(*parts, part)
		}
	}
	slices.SortStableFunc(out, func(a, b outStatement) int { return cmp.Compare(a.Vulnerability.Name, b.Vulnerability.Name) })
	return out
}

// stated is what can be said of a finding.
func stated(f *fnvet.Finding) (s outStatement, ok bool) {
	if f.Kind != fnvet.Vulnerability || f.Package == nil || f.Package.PURL == "" {
		return s, false
	}
	if f.Suppressed == nil {
		if f.Reachable != fnvet.ReachNo {
			return s, false
		}
		return outStatement{
			Status: NotAffected, Justification: "vulnerable_code_not_in_execute_path",
			Impact: "fnvet found no way from the handler to the package",
		}, true
	}
	reason := f.Suppressed.Reason
	switch f.Suppressed.By {
	case "vex":
		if rest, is := strings.CutPrefix(reason, string(Fixed)); is {
			return outStatement{Status: Fixed, Notes: strings.TrimPrefix(rest, ": ")}, true
		}
		s.Status = NotAffected
		reason = strings.TrimPrefix(strings.TrimPrefix(reason, string(NotAffected)), ": ")
		s.Justification, s.Impact = justified(reason)
		if s.Justification == "" && s.Impact == "" {
			s.Impact = "stated by the VEX document that was given"
		}
		return s, true
	case "policy", "inline":
		label, text := justified(reason)
		if label != "" {
			return outStatement{Status: NotAffected, Justification: label, Impact: text}, true
		}
		action := "accepted: " + reason
		if f.Suppressed.Expires != "" {
			action = "accepted until " + f.Suppressed.Expires + ": " + reason
		}
		return outStatement{Status: Affected, Action: action}, true
	}
	return s, false
}

// justified parts a reason that begins with a justification of OpenVEX.
func justified(reason string) (label, text string) {
	label, text, _ = strings.Cut(reason, ":")
	if label = strings.TrimSpace(label); slices.Contains(openVEXJustifications, label) {
		return label, strings.TrimSpace(text)
	}
	return "", reason
}

// artifact names what was scanned: an image by repository and digest, anything
// else by file name and checksum.
func artifact(a *fnvet.Artifact) outProduct {
	repository, _ := splitReference(strings.ReplaceAll(a.Name, `\`, "/"))
	name := cmp.Or(strings.TrimRight(path.Base(repository), "./"), "unnamed")
	p := packageurl.PackageURL{Type: "generic", Name: name}
	if a.Type == "image" && !strings.HasSuffix(name, ".tar") {
		p.Type, p.Name, p.Version = "oci", strings.ToLower(name), a.Digest
		if strings.Contains(repository, "/") && strings.ContainsAny(strings.SplitN(repository, "/", 2)[0], ".:") {
			p.Qualifiers = packageurl.QualifiersFromMap(map[string]string{"repository_url": repository})
		}
	} else if a.Digest != "" {
		p.Qualifiers = packageurl.QualifiersFromMap(map[string]string{"checksum": a.Digest})
	}
	out := outProduct{ID: p.ToString(), Identifiers: map[string]string{"purl": p.ToString()}}
	if sum, ok := strings.CutPrefix(a.Digest, "sha256:"); ok {
		out.Hashes = map[string]string{"sha-256": sum}
	}
	return out
}
