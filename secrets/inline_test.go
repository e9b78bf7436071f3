package secrets

import (
	"strings"
	"testing"
)

func TestInline(t *testing.T) {
	s := newScanner(t)
	k := "k = '" + awsKey + "' "
	for _, tt := range []struct {
		name, data string
		want       string // reason, or "" when it counts
		why        string
	}{
		{"a.js", k, "", "no comment"},
		{"a.js", k + "// fnvet:ignore aws-access-token revoked in 2019", "revoked in 2019", "rule and reason"},
		{"a.js", k + "/* fnvet:ignore secret/aws-access-token revoked */", "revoked", "the id as reports write it"},
		{"a.js", k + "// fnvet:ignore github-pat revoked", "", "another rule"},
		{"a.js", k + "// fnvet:ignore", "", "no rule"},
		{"a.js", k + "// gitleaks:allow", "gitleaks:allow", "gitleaks' comment"},
		{"a.js", "// fnvet:ignore aws-access-token test account\n" + k, "test account", "the line above, a comment"},
		{"a.js", "x() // fnvet:ignore aws-access-token test account\n" + k, "", "the line above, code"},
		{"a.js", k + "\n// fnvet:ignore aws-access-token test account", "", "the line below"},
		{"node_modules/x/a.js", k + "// fnvet:ignore aws-access-token trust me", "", "other people's code"},
		{"node_modules/x/a.js", k + "// gitleaks:allow", "", "other people's code"},
		{".env", "# fnvet:ignore plain-setting a fake\nDB_PASSWORD=hunter2hunter\n", "a fake", "a setting"},
	} {
		got := find(t, s, file(tt.name, tt.data))
		if len(got) != 1 {
			t.Errorf("%s: %s", tt.why, ids(got))
			continue
		}
		reason := ""
		if x := got[0].Suppressed; x != nil {
			if reason = x.Reason; x.By != "inline" {
				t.Errorf("%s: by %q", tt.why, x.By)
			}
		}
		if reason != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, reason, tt.want)
		}
	}
}

// TestRequired: rules that need others nearby, as gitleaks means them.
func TestRequired(t *testing.T) {
	s, err := New(Options{Key: make([]byte, KeySize), Rules: `
[[rules]]
id = "acme-id"
regex = '''acme-id-[0-9]{6}'''
keywords = ["acme-id"]
skipReport = true
[[rules]]
id = "acme-key"
regex = '''acme-key-[0-9a-z]{12}'''
keywords = ["acme-key"]
[[rules.required]]
id = "acme-id"
withinLines = 1
`})
	if err != nil {
		t.Fatal(err)
	}
	id, key := "acme-id-123456", "acme-key-12ab34cd56ef"
	for _, tt := range []struct{ data, want, why string }{
		{id + "\n" + key, "acme-key", "on the next line"},
		{key + " " + id, "acme-key", "on the same line"},
		{id + "\n\n\n" + key, "", "too far"},
		{key, "", "alone"},
		{id, "", "the other alone"},
	} {
		if got := ids(find(t, s, file("a.txt", tt.data))); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
		}
	}
}

// TestSeen: a copy of a clean file is not searched again, a copy of a file with
// a secret is reported, and the place and name matter.
func TestSeen(t *testing.T) {
	s := newScanner(t)
	filler := strings.Repeat("nothing to see\n", 60)
	if got := find(t, s, file("p/a/x.js", filler)); len(got) != 0 || len(s.seen.hashes) != 1 {
		t.Errorf("%d findings, %d hashes", len(got), len(s.seen.hashes))
	}
	if got := find(t, s, file("q/a/x.js", filler)); len(got) != 0 || len(s.seen.hashes) != 1 {
		t.Errorf("the copy: %d findings, %d hashes", len(got), len(s.seen.hashes))
	}
	secret := filler + "k = '" + awsKey + "'\n"
	for _, name := range []string{"a/x.js", "b/x.js"} {
		if got := find(t, s, file(name, secret)); len(got) != 1 || got[0].Path != name {
			t.Errorf("%s: %+v", name, got)
		}
	}
	tf := filler + "admin_password = \"Hq7xP2mZ9w\"\n"
	if got := find(t, s, file("a.js", tf)); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if got := find(t, s, file("a.tf", tf)); len(got) != 1 {
		t.Errorf("the same content under a name that a rule wants: %+v", got)
	}
}
