package sbom

import (
	"bytes"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	packageurl "github.com/package-url/packageurl-go"

	"github.com/fnvet/fnvet"

	"github.com/fnvet/fnvet/internal/escape"
)

var update = flag.Bool("update", false, "write the golden files")

func write(t *testing.T, format string, r *fnvet.Report, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	o := Options{Supplier: "Orders Inc", Author: "Ann Author <ann@example.com>", Licence: "MIT"}
	for _, format := range Formats() {
		got := write(t, format, rich(), o)
		path := filepath.Join("testdata", format)
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs from %s (run with -update if right):\n%s", format, path, diff)
		}
	}
}

// readAs is what Read calls the documents that Write writes as a format; what
// it does not read is not there.
func readAs(format string) (name, spec string) {
	switch format {
	case "cyclonedx-json", "cyclonedx-xml":
		return format, "1.6"
	case "cyclonedx-1.7-json":
		return "cyclonedx-json", "1.7"
	case "cyclonedx-1.7-xml":
		return "cyclonedx-xml", "1.7"
	case "spdx-json":
		return format, "2.3"
	case "spdx3-json":
		return format, "3.0.1"
	}
	return "", ""
}

func TestRoundTrip(t *testing.T) {
	read := 0
	for _, format := range Formats() {
		name, spec := readAs(format)
		if name == "" {
			continue
		}
		read++
		want := rich()
		if name == "cyclonedx-xml" { // XML cannot say control characters at all
			want.Packages = slices.DeleteFunc(want.Packages, func(p fnvet.Package) bool { return p.Name == hostile })
		}
		doc, err := Read(write(t, format, want, Options{}))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if diff := cmp.Diff(want.Packages, doc.Packages); diff != "" {
			t.Errorf("%s: packages differ after reading back (-written +read):\n%s", format, diff)
		}
		if doc.Format != name || doc.Spec != spec || doc.Name != "orders.zip" || doc.Digest != want.Artifact.Digest {
			t.Errorf("%s: read %q %q %q %q", format, doc.Format, doc.Spec, doc.Name, doc.Digest)
		}
		if len(doc.Gaps) != 0 {
			t.Errorf("%s: gaps in our own document: %v", format, doc.Gaps)
		}
	}
	if read != 6 {
		t.Errorf("%d formats read back", read)
	}
}

func TestSameBytes(t *testing.T) {
	for _, format := range Formats() {
		a, b := write(t, format, rich(), Options{}), write(t, format, rich(), Options{})
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two runs differ", format)
		}
		later := write(t, format, rich(), Options{Now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)})
		stamp := func(s string) string { return strings.ReplaceAll(s, "2027-01-01T00:00:00Z", "2026-05-04T03:02:01Z") }
		if stamp(string(later)) != string(a) {
			t.Errorf("%s: more than the timestamp changes with the time", format)
		}
		other := rich()
		other.Packages[5].Version = "0.0.9"
		if id := func(b []byte) string { return string(b[bytes.Index(b, []byte("urn:uuid:"))+1:][:45]) }; format == "cyclonedx-json" &&
			id(a) == id(write(t, format, other, Options{})) {
			t.Errorf("%s: other packages, same serial number", format)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	err := Write(&bytes.Buffer{}, "csv", rich(), Options{})
	if err == nil || !strings.Contains(err.Error(), `"csv"`) || !strings.Contains(err.Error(), "cyclonedx-json") {
		t.Errorf("got %v", err)
	}
}

func TestNothingHidden(t *testing.T) {
	for _, format := range Formats() {
		for _, c := range string(write(t, format, rich(), Options{})) {
			if c != '\n' && !escape.Visible(c) {
				t.Errorf("%s holds %U", format, c)
			}
		}
	}
}

func TestRootPURL(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		a         fnvet.Artifact
		edition   string
		want, why string
	}{
		{fnvet.Artifact{Name: "dir/orders.zip", Type: "zip"}, "", "pkg:generic/orders.zip?checksum=sha256:" + sum, "a file, by its bytes"},
		{fnvet.Artifact{Name: "orders.zip", Type: "zip"}, "1.2", "pkg:generic/orders.zip@1.2?checksum=sha256:" + sum, "with a version that its owner states"},
		{fnvet.Artifact{Name: "app.tar", Type: "image"}, "", "pkg:generic/app.tar?checksum=sha256:" + sum, "docker save: the digest is of the file"},
		{fnvet.Artifact{Name: "registry.example:5000/shop/App:1.2", Type: "image", Manifest: true}, "", "pkg:oci/app@sha256:" + sum + "?repository_url=registry.example:5000/shop/app&tag=1.2", "an image in a registry"},
		{fnvet.Artifact{Name: "registry.example/app@sha256:" + sum, Type: "image", Manifest: true}, "", "pkg:oci/app@sha256:" + sum + "?repository_url=registry.example/app", "by digest"},
		{fnvet.Artifact{Name: "layout", Type: "image", Manifest: true}, "", "", "a layout names no repository"},
		{fnvet.Artifact{Name: "src", Type: "directory"}, "", "", "a directory has no bytes"},
		{fnvet.Artifact{Name: "bom.json", Type: "sbom"}, "", "", "an SBOM is not what it speaks of"},
	} {
		tt.a.Digest = "sha256:" + sum
		inv := newInventory(&fnvet.Report{Artifact: tt.a}, Options{Edition: tt.edition})
		got := inv.rootPURL()
		if p, err := url.QueryUnescape(got); err != nil || p != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, p, tt.want)
		}
		if _, err := packageurl.FromString(got); got != "" && err != nil {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
}
