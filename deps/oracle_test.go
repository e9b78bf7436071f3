package deps_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps"
	"github.com/google/go-cmp/cmp"
	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packagesconfig"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packageslockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gomod"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/gradlelockfile"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/pomxml"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/bunlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/pnpmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/yarnlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/php/composerlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pdmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pipfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/poetrylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/requirements"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/uvlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargolock"
	"github.com/google/osv-scalibr/extractor/filesystem/os/apk"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"
	"github.com/google/osv-scalibr/extractor/filesystem/os/rpm"
	rpmmeta "github.com/google/osv-scalibr/extractor/filesystem/os/rpm/metadata"
	scalibrfs "github.com/google/osv-scalibr/fs"
)

type extractor = func(*cpb.PluginConfig) (filesystem.Extractor, error)

// oracles pairs our detectors with osv-scalibr's extractors over osv-scalibr's
// own test files: where they lie, and the name they are offered under.
var oracles = []struct {
	detector, glob, as string
	other              extractor
}{
	{"deps/npm-lock", "language/javascript/packagelockjson/testdata/*.json", "package-lock.json", packagelockjson.New},
	{"deps/pnpm-lock", "language/javascript/pnpmlock/testdata/*.yaml", "pnpm-lock.yaml", pnpmlock.New},
	{"deps/yarn-lock", "language/javascript/yarnlock/testdata/*.lock", "yarn.lock", yarnlock.New},
	{"deps/bun-lock", "language/javascript/bunlock/testdata/*.json5", "bun.lock", bunlock.New},
	{"deps/python-installed", "language/python/wheelegg/testdata/*", "x.dist-info/METADATA", wheelegg.New},
	{"deps/python-requirements", "language/python/requirements/testdata/*.txt", "requirements.txt", requirements.New},
	{"deps/poetry-lock", "language/python/poetrylock/testdata/*", "poetry.lock", poetrylock.New},
	{"deps/uv-lock", "language/python/uvlock/testdata/*", "uv.lock", uvlock.New},
	{"deps/pdm-lock", "language/python/pdmlock/testdata/*", "pdm.lock", pdmlock.New},
	{"deps/pipfile-lock", "language/python/pipfilelock/testdata/*", "Pipfile.lock", pipfilelock.New},
	{"deps/pylock", "language/python/pylock/testdata/*", "pylock.toml", pylock.New},
	{"deps/go-binary", "language/golang/gobinary/testdata/*", "bin/app", gobinary.New},
	{"deps/go-mod", "language/golang/gomod/testdata/*.mod", "go.mod", gomod.New},
	{"deps/rust-binary", "language/rust/cargoauditable/testdata/*/*", "bin/app", cargoauditable.New},
	{"deps/cargo-lock", "language/rust/cargolock/testdata/*", "Cargo.lock", cargolock.New},
	{"deps/dotnet-deps", "language/dotnet/depsjson/testdata/*", "app.deps.json", depsjson.New},
	{"deps/nuget-lock", "language/dotnet/packageslockjson/testdata/*", "packages.lock.json", packageslockjson.New},
	{"deps/nuget-config", "language/dotnet/packagesconfig/testdata/*", "packages.config", packagesconfig.New},
	{"deps/gem-installed", "language/ruby/gemspec/testdata/*.gemspec", "specifications/x.gemspec", gemspec.New},
	{"deps/gem-lock", "language/ruby/gemfilelock/testdata/*", "Gemfile.lock", gemfilelock.New},
	{"deps/composer-lock", "language/php/composerlock/testdata/*", "composer.lock", composerlock.New},
	{"deps/gradle-lock", "language/java/gradlelockfile/testdata/*", "gradle.lockfile", gradlelockfile.New},
	{"deps/pom", "language/java/pomxml/testdata/*.xml", "pom.xml", pomxml.New},
	{"deps/jar", "language/java/archive/testdata/*.jar", "", archive.New},
	{"deps/dpkg", "os/dpkg/testdata/dpkg/*", "var/lib/dpkg/status", dpkg.New},
	{"deps/apk", "os/apk/testdata/*", "lib/apk/db/installed", apk.New},
}

func scalibr(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/osv-scalibr").Output()
	if err != nil {
		t.Skipf("osv-scalibr's module is not at hand: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "extractor", "filesystem")
}

// TestAgainstScalibr compares names and versions with osv-scalibr's, file by file.
func TestAgainstScalibr(t *testing.T) {
	root := scalibr(t)
	used := make(map[string]bool)
	for _, o := range oracles {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(o.glob)))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no files match (%v)", o.glob, err)
		}
		for _, file := range found {
			data, err := os.ReadFile(file)
			if err != nil {
				continue // a directory
			}
			short := o.detector + " " + filepath.Base(file)
			t.Run(short, func(t *testing.T) {
				name := o.as
				if name == "" {
					name = filepath.Base(file)
				}
				ours := oursOf(t, o.detector, name, data)
				theirs := sameTerms(theirsOf(t, o.other, name, data))
				diff := cmp.Diff(theirs, ours)
				if want, known := differences[short]; known {
					used[short] = true
					if !strings.Contains(diff, want.shows) || diff == "" {
						t.Errorf("known difference (%s) has gone or changed:\n%s", want.why, diff)
					}
					return
				}
				if diff != "" {
					t.Errorf("-scalibr +fnvet\n%s", diff)
				}
			})
		}
	}
}

func oursOf(t *testing.T, detector, name string, data []byte) []string {
	all := deps.Detectors()
	i := slices.IndexFunc(all, func(d deps.Named) bool { return d.Name == detector })
	d := all[i]
	f := &fnvet.File{Path: name, Name: name, Data: data, Size: int64(len(data))}
	in := []*fnvet.File{f}
	if detector == "deps/jar" {
		f.Archive = true
		if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
			in = append(in, unzip(t, name, name, data)...)
		}
	}
	var pkgs []fnvet.Package
	for _, f := range in {
		f.Size = int64(len(f.Data))
		if d.Want(f) {
			facts, err := d.Detect(context.Background(), f)
			if err != nil {
				t.Logf("ours: %v", err)
			}
			pkgs = append(pkgs, facts.Packages...)
		}
	}
	if fin, ok := d.Detector.(fnvet.Finisher); ok {
		facts, err := fin.Finish(context.Background(), func(string, string) bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, facts.Packages...)
	}
	var out []string
	for _, p := range pkgs {
		out = append(out, p.Name+"@"+p.Version)
	}
	return set(out)
}

func theirsOf(t *testing.T, make extractor, name string, data []byte) []string {
	e, err := make(&cpb.PluginConfig{})
	if err != nil {
		t.Fatal(err)
	}
	mem := fstest.MapFS{name: {Data: data, Mode: 0o755}}
	info, err := mem.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := e.Extract(context.Background(), &filesystem.ScanInput{
		FS: mem, Path: name, Root: "", Info: info, Reader: bytes.NewReader(data),
	})
	if err != nil {
		t.Logf("theirs: %v", err)
	}
	var out []string
	for _, p := range inv.Packages {
		name := p.Name
		if p.PURLType == "pypi" {
			name = strings.ToLower(regexp.MustCompile(`[-_.]+`).ReplaceAllString(name, "-"))
		}
		out = append(out, name+"@"+p.Version)
	}
	return set(out)
}

// sameTerms drops what osv-scalibr lists without a version, and writes names as
// OSV does where osv-scalibr leaves that to its matcher.
func sameTerms(list []string) []string {
	var out []string
	for _, one := range list {
		i := strings.LastIndexByte(one, '@')
		name, version := one[:i], one[i+1:]
		if version == "" || version == "(devel)" || version == "unknown" {
			continue
		}
		if name == "go" {
			name = "stdlib"
		}
		out = append(out, name+"@"+version)
	}
	return set(out)
}

func set(list []string) []string {
	sort.Strings(list)
	return slices.Compact(list)
}

// differences are the files where we mean to differ, and what the difference shows.
var differences = map[string]struct{ shows, why string }{
	"deps/npm-lock files.v2.json":                  {`"etag@1.8.0"`, "a directory of the project itself"},
	"deps/npm-lock workspaces-object.v3.json":      {`"@my-monorepo/pkg-b@2.0.0"`, "a workspace of the project itself"},
	"deps/npm-lock workspaces.v3.json":             {`"@my-monorepo/client@1.0.0"`, "a workspace of the project itself"},
	"deps/yarn-lock exclude-root.v2.lock":          {`"@ws/ansi-regex@0.0.0-use.local"`, "a workspace of the project itself"},
	"deps/python-requirements example.txt":         {`"keyring@4.1.1"`, "the bound of a range is no version"},
	"deps/python-requirements per_req_options.txt": {`unexpected_text`, "not a requirement"},
	"deps/python-requirements with_versions.txt":   {`"pkg@1.2.3"`, "the bound of a range is no version"},
	"deps/go-mod indirect-1.16.mod":                {`"stdlib@1.16"`, "the go line is the least version, not the one that builds"},
	"deps/go-mod indirect-1.23.mod":                {`"stdlib@1.23"`, "the go line is the least version, not the one that builds"},
	"deps/go-mod indirect-packages.mod":            {`"stdlib@1.17"`, "the go line is the least version, not the one that builds"},
	"deps/go-mod two-packages.mod":                 {`"stdlib@1.17"`, "the go line is the least version, not the one that builds"},
	"deps/go-mod toolchain.mod":                    {`"stdlib@1.23.6"`, "the toolchain line is the least version, not the one that builds"},
	"deps/go-mod toolchain-with-suffix.mod":        {`"stdlib@1.23.6"`, "the toolchain line is the least version, not the one that builds"},
	"deps/go-mod replace-local.mod":                {`"golang.org/x/net@1.2.3"`, "a directory has no version; what it replaces is the best known"},
	"deps/rust-binary no_deps":                     {`"no_deps@0.1.0"`, "the program itself"},
	"deps/rust-binary uses_serde_json":             {`"uses_json@0.1.0"`, "the program itself"},
	"deps/cargo-lock two-packages-with-local.lock": {`"local-rust-pkg@0.1.0"`, "a package of the project itself"},
	"deps/dotnet-deps valid":                       {`"TestLibrary@1.0.0"`, "a project, not a package"},
	"deps/dotnet-deps nopackagename":               {`"TestLibrary@1.0.0"`, "a project, not a package"},
	"deps/nuget-config valid":                      {`"Microsoft.Net.Compilers@1.0.0"`, "a development dependency, which is not deployed"},
	"deps/gem-installed badspec.gemspec":           {`"foo@1.2.3"`, "a specification that names the gem, whatever else is wrong with it"},
	"deps/gem-installed version_inline.gemspec":    {`"example_inline@3.0.0"`, "a source specification; RubyGems never installs one of this form"},
	"deps/gem-lock has-local-gem.lock":             {`"backbone-on-rails@1.2.0.0"`, "a directory of the project itself"},
	"deps/pom interpolation.xml":                   {`"org.mine:ranged-package@9.4.35.v20201120"`, "the bound of a range is no version"},
	"deps/pom multi-version.xml":                   {`"abc:example.com@1.1.1"`, "declared twice, listed twice"},
	"deps/pom profiles.xml":                        {`"org.profile:profile-dep@1.2.3"`, "which profile is active is not known"},
	"deps/pom with-scope.xml":                      {`"junit:junit@4.12"`, "tests are not deployed"},
	"deps/jar nested_at_100.jar":                   {`"com.some.package:package-name@1.2.3"`, "the depth limit is that of unpack"},
	"deps/jar no_pom_properties-2.4.0.jar":         {`"no_pom_properties:no_pom_properties@2.4.0"`, "a zip without classes and manifest is no package"},
	"deps/jar pom_missing_group_id-2.4.0.jar":      {`"pom_missing_group_id:pom_missing_group_id@2.4.0"`, "a zip without classes and manifest is no package"},
	"deps/jar org.eclipse.sisu.inject-0.3.5.jar":   {`"org.eclipse.sisu:org.eclipse.sisu.inject@0.3.5"`, "a zip without classes and manifest is no package"},
	"deps/dpkg statusfield":                        {`"wantnostatus@1.0"`, "stanzas of status.d have no Status; the format is one"},
}

// TestRPMAgainstScalibr compares RPM databases of all three formats.
func TestRPMAgainstScalibr(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("osv-scalibr reads RPM databases on Linux only")
	}
	root := filepath.Join(scalibr(t), "os", "rpm", "testdata")
	for file, as := range map[string]string{
		"Packages":       "var/lib/rpm/Packages",
		"Packages_epoch": "var/lib/rpm/Packages",
		"Packages.db":    "usr/lib/sysimage/rpm/Packages.db",
		"rpmdb.sqlite":   "var/lib/rpm/rpmdb.sqlite",
	} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			at := filepath.Join(dir, filepath.FromSlash(as))
			if err := os.MkdirAll(path.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, data, 0o644); err != nil {
				t.Fatal(err)
			}
			e, err := rpm.New(&cpb.PluginConfig{})
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(at)
			if err != nil {
				t.Fatal(err)
			}
			inv, err := e.Extract(context.Background(), &filesystem.ScanInput{
				FS: scalibrfs.DirFS(dir), Path: as, Root: dir, Info: info, Reader: bytes.NewReader(data),
			})
			if err != nil {
				t.Fatal(err)
			}
			var theirs []string
			for _, p := range inv.Packages {
				version := p.Version
				if m, ok := p.Metadata.(*rpmmeta.Metadata); ok && m.Epoch > 0 {
					version = strconv.Itoa(m.Epoch) + ":" + version // as OSV writes it
				}
				if p.Name != "gpg-pubkey" { // a key, not software
					theirs = append(theirs, p.Name+"@"+version)
				}
			}
			ours := oursOf(t, "deps/rpm", as, data)
			if diff := cmp.Diff(set(theirs), ours); diff != "" {
				t.Errorf("-scalibr +fnvet\n%s", diff)
			}
		})
	}
}
