package version

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// differs says whether a line of a fixture is one of the known differences.
func differs(file, left, right string) bool {
	switch file {
	case "maven-versions-generated.txt":
		// Made with Maven 3.6, which told "1.RC1" from "1-RC1". Maven 3.8.8 and
		// 3.9.11 answer as this package does (checked with maven-artifact itself).
		return mavenChanged(left, right)
	case "maven-versions.txt":
		return left == "1-1" && right == "1-ga-1" // Maven 3.6.3, 3.8.8 and 3.9.11 all say newer
	case "packagist-versions-generated.txt", "packagist-versions.txt":
		// The files hold PHP's bare version_compare. Composer fills up to four
		// numbers, ignores the case of labels and drops "stable" first.
		upper := strings.ContainsAny(left+right, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		return upper || strings.Contains(left+right, "#") || strings.Contains(left+right, "stable") ||
			composerDots(left) != composerDots(right)
	case "alpine-versions.txt":
		// Not versions: what stands where apk gave up has no order.
		return strings.Contains(left+right, "-ruff") || strings.HasPrefix(left, "1-r0-") || strings.Contains(left, "..")
	case "redhat-versions.txt":
		return left == "1" && right == "1-" // an empty release is no release
	}
	return false
}

// TestScalibrFixtures runs the comparison files that osv-scalibr generated with
// each ecosystem's own tools. They are read from the module cache and are not
// part of this repository.
func TestScalibrFixtures(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/osv-scalibr").Output()
	if err != nil {
		t.Skipf("osv-scalibr is not in the module cache: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "semantic", "testdata")
	schemes := map[string]Scheme{
		"alpine": Alpine, "cran": CRAN, "debian": Debian, "hackage": Hackage, "maven": Maven, "nuget": NuGet,
		"packagist": Composer, "pub": Pub, "pypi": PyPI, "redhat": RPM, "rubygems": RubyGems, "semver": SemVer,
	}
	for name, scheme := range schemes {
		files, err := filepath.Glob(filepath.Join(dir, name+"-versions*.txt"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no fixtures in %s: %v", name, dir, err)
		}
		for _, file := range files {
			checkFixture(t, scheme, file)
		}
	}
}

func checkFixture(t *testing.T, scheme Scheme, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		f := strings.Fields(line)
		if len(f) != 3 || !strings.Contains("<=>", f[1]) {
			continue
		}
		checked++
		if differs(filepath.Base(file), f[0], f[2]) {
			continue
		}
		want := strings.Index("<=>", f[1]) - 1
		if got := scheme.Compare(f[0], f[2]); got != want {
			t.Errorf("%s: %s: got %d", filepath.Base(file), line, got)
		}
		if got := scheme.Compare(f[2], f[0]); got != -want {
			t.Errorf("%s: %s reversed: got %d", filepath.Base(file), line, got)
		}
	}
	if checked == 0 {
		t.Errorf("%s: nothing to check", file)
	}
}

// mavenChanged lists the pairs of the generated file whose order Maven changed.
func mavenChanged(left, right string) bool {
	switch left + " " + right {
	case "1.0.0-RC16 1.0.0.RC8-beta", "1.0.0-gradle-rework-beta3 1.0.0.RC7-3", "2.9.0-1 2.9.0.RC1",
		"6.1.12.rc5 6.1.12rc1", "1.0.0rc0 1.0.beta8", "1.5.9.RC1 1.5.9-RC0", "1.1.0-01-glassfish 1.1.0.Beta1":
		return true
	}
	return strings.Contains(left, ".sec10") && strings.HasSuffix(right, "_noneautotype")
}

func composerDots(v string) int {
	v, _, _ = strings.Cut(v, "-")
	return strings.Count(v, ".")
}
