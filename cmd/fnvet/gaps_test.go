package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fnvet/fnvet"
)

const vulnerable = `{"name":"minimist","version":"0.0.8"}`

// judgeJSON scans a target as the gate does and gives its report.
func judgeJSON(t *testing.T, want int, db, target string, flags ...string) fnvet.Report {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report.json")
	args := append([]string{"scan", "--sandbox=false", "--db", db, "--db-source", "../../testdata/osv",
		"--max-db-age", "0", "--format", "json=" + out}, flags...)
	fnvetRun(t, want, append(args, target)...)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var r fnvet.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func zipOf(t *testing.T, files map[string]string, encrypted ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if slices.Contains(encrypted, name) {
			h.Method, h.Flags = zip.Store, 1
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What cannot be read is a gap each, and everything beside it is still reported.
func TestDamageIsAGap(t *testing.T) {
	db := own(t)
	inner := zipOf(t, map[string]string{"a.txt": "a", "node_modules/minimist/package.json": vulnerable})
	copy(inner[len(inner)/3:], "damage in the middle of it")
	target := filepath.Join(t.TempDir(), "fn.zip")
	data := zipOf(t, map[string]string{
		"index.js":                           "exports.handler = async () => ({})",
		"node_modules/minimist/package.json": vulnerable,
		"package-lock.json":                  `{"lockfileVersion":3,"packages":{"node_modules/a":{"ver`,
		"secret.bin":                         "not really encrypted, but it says so",
		"vendor.zip":                         string(inner),
		"python/requests-2.19.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.1\n",
	}, "secret.bin")
	if err := os.WriteFile(target, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r := judgeJSON(t, 1, db, target)
	reasons := map[string]string{}
	for _, g := range r.Gaps {
		reasons[g.Path] = g.Reason
	}
	for path, want := range map[string]string{
		"fn.zip!/package-lock.json": fnvet.GapUnparsable,
		"fn.zip!/secret.bin":        fnvet.GapEncrypted,
	} {
		if reasons[path] != want {
			t.Errorf("gap at %s is %q, want %q", path, reasons[path], want)
		}
	}
	if !slices.ContainsFunc(r.Gaps, func(g fnvet.Gap) bool { return len(g.Path) >= 18 && g.Path[:18] == "fn.zip!/vendor.zip" }) {
		t.Errorf("the damaged nested zip is no gap: %v", r.Gaps)
	}
	found := map[string]bool{}
	for _, p := range r.Packages {
		found[p.Name] = true
	}
	if !found["minimist"] || !found["requests"] {
		t.Errorf("packages beside the damage are lost: %v", found)
	}
	if r.Scan.Complete || r.Verdict.Code != 1 {
		t.Errorf("complete %v, code %d", r.Scan.Complete, r.Verdict.Code)
	}
	judgeJSON(t, 3, db, target, "--fail-on", "never")
	judgeJSON(t, 0, db, target, "--fail-on", "never", "--allow-incomplete")
}

// An image whose layer cannot be read is incomplete; the other layers count.
func TestUnreadableLayerIsAGap(t *testing.T) {
	db := own(t)
	layer := tarOf(t, map[string]string{"app/node_modules/minimist/package.json": vulnerable})
	image := tarOf(t, map[string]string{
		"manifest.json":  `[{"Config":"config.json","Layers":["good/layer.tar","bad/layer.tar","missing/layer.tar"]}]`,
		"config.json":    `{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}`,
		"good/layer.tar": string(layer),
		"bad/layer.tar":  "this is no tar",
	})
	target := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(target, image, 0o600); err != nil {
		t.Fatal(err)
	}
	r := judgeJSON(t, 1, db, target)
	if r.Artifact.Type != "image" || len(r.Gaps) < 2 {
		t.Errorf("type %s, gaps %v; want an image and a gap for each bad layer", r.Artifact.Type, r.Gaps)
	}
	if len(r.Packages) != 1 || r.Packages[0].Locations[0].Path != "app/node_modules/minimist/package.json" {
		t.Errorf("packages %v", r.Packages)
	}
}

func tarOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
