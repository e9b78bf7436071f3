package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/testdata/plant"
)

// fnvetRun runs the command in this process, without the sandboxed child.
func fnvetRun(t *testing.T, want int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := (&cli{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}).run(t.Context(), args); code != want {
		t.Fatalf("fnvet %v: exit code %d, want %d\n%s%s", args, code, want, &stdout, &stderr)
	}
	return stdout.String() + stderr.String()
}

// own gives the test a home and a database directory of its own.
func own(t *testing.T) (db string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	return filepath.Join(home, "db")
}

// Secrets never appear whole in any output: not in a format, not on standard
// error, not where a broken file makes an error message quote its text.
func TestSecretsNeverAppearWhole(t *testing.T) {
	db := own(t)
	secrets := plant.All()
	if len(secrets) < 20 {
		t.Fatalf("only %d secrets planted", len(secrets))
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, s := range secrets {
		w, err := z.Create(fmt.Sprintf("config/%02d.env", i))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "%s=%s\n", s.Key, s.Value)
	}
	pat := plant.Named(secrets[0].Name)
	for name, content := range map[string]string{
		"package-lock.json":    `{"lockfileVersion":3,"packages":{"node_modules/x":{"version":"git+https://` + pat + `@git.example/x.git#1"},` + pat,
		"yarn.lock":            "x@" + pat + ":\n  version \"" + pat + "\n",
		"requirements.txt":     "x @ https://user:" + pat + "@host.example/x.zip\n" + pat + "==" + pat + "\n",
		"poetry.lock":          "[[package]]\nname = \"" + pat + "\nversion = " + pat,
		"pom.xml":              "<project><dependencies><" + pat,
		"go.mod":               "module x\nrequire " + pat + " " + pat + "\n",
		"Cargo.lock":           "[[package]]\nname = " + pat,
		"pnpm-lock.yaml":       "packages:\n  " + pat + ": [\n",
		"composer.lock":        `{"packages":[{"name":` + pat,
		"x.dist-info/METADATA": "Name: x\nVersion: 1\nLicense: " + pat + "\n",
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, content)
	}
	if err := z.SetComment("built with " + pat); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "planted.zip")
	if err := os.WriteFile(target, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(format, out string) {
		t.Helper()
		if out == "" {
			t.Errorf("%s: no output to search", format)
		}
		for _, s := range secrets {
			for line := range strings.SplitSeq(strings.TrimSpace(s.Value), "\n") {
				if len(line) >= 12 && !strings.HasPrefix(line, "-----") && strings.Contains(out, line) {
					t.Errorf("%s: %s appears whole", format, s.Name)
				}
			}
		}
	}
	for _, format := range allFormats() {
		out := fnvetRun(t, 1, "scan", "--sandbox=false", "--db", db, "--db-source", "../../testdata/osv", "--max-db-age", "0", "--format", format, target)
		check(format, out)
		if format == "json" {
			checkFound(t, out, secrets)
		}
	}
	check("sbom", fnvetRun(t, 3, "sbom", "--sandbox=false", target))
}

// checkFound makes sure that there was something to hide.
func checkFound(t *testing.T, out string, secrets []plant.Secret) {
	t.Helper()
	var r fnvet.Report
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&r); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range r.Findings {
		if f.Secret != nil {
			found[filepath.Base(f.Path)] = true
		}
	}
	for i, s := range secrets {
		if !found[fmt.Sprintf("%02d.env", i)] {
			t.Errorf("%s was planted and not found", s.Name)
		}
	}
	if len(r.Gaps) < 5 {
		t.Errorf("%d gaps: the broken manifests should give more", len(r.Gaps))
	}
}
