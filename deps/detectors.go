package deps

import (
	"context"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/bundle"
	"github.com/fnvet/fnvet/deps/dotnet"
	"github.com/fnvet/fnvet/deps/golang"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/java"
	"github.com/fnvet/fnvet/deps/license"
	"github.com/fnvet/fnvet/deps/linux"
	"github.com/fnvet/fnvet/deps/npm"
	"github.com/fnvet/fnvet/deps/php"
	"github.com/fnvet/fnvet/deps/python"
	"github.com/fnvet/fnvet/deps/rpm"
	"github.com/fnvet/fnvet/deps/ruby"
	"github.com/fnvet/fnvet/deps/rust"
)

// maxBinary is the size in bytes above which an executable is reported as a
// gap and not read.
const maxBinary = 1 << 30

// Detectors returns fresh detectors for one scan. Some hold state until Finish.
func Detectors() []Named {
	return []Named{
		{"deps/os-release", osRelease{}},
		{"deps/dpkg", named(linux.WantDpkg, linux.ParseDpkg)},
		{"deps/apk", named(linux.WantApk, linux.ParseApk)},
		{"deps/rpm", large(rpm.Want, rpm.Parse)},
		{"deps/rpm-journal", journal{}},
		{"deps/npm-installed", npm.NewInstalled()},
		{"deps/npm-lock", manifest(npm.ParseLock, "package-lock.json", "npm-shrinkwrap.json")},
		{"deps/pnpm-lock", manifest(npm.ParsePnpm, "pnpm-lock.yaml")},
		{"deps/yarn-lock", manifest(npm.ParseYarn, "yarn.lock")},
		{"deps/bun-lock", manifest(npm.ParseBun, "bun.lock")},
		{"deps/bundle", bundle.New()},
		{"deps/python-installed", named(python.WantInstalled, python.ParseMetadata)},
		{"deps/python-requirements", named(own(python.WantRequirements), python.ParseRequirements)},
		{"deps/poetry-lock", manifest(python.ParsePoetry, "poetry.lock")},
		{"deps/uv-lock", manifest(python.ParseUv, "uv.lock")},
		{"deps/pdm-lock", manifest(python.ParsePdm, "pdm.lock")},
		{"deps/pipfile-lock", manifest(python.ParsePipfile, "Pipfile.lock")},
		{"deps/pylock", named(own(wantPylock), python.ParsePylock)},
		{"deps/conda", named(python.WantConda, python.ParseConda)},
		{"deps/jar", java.NewJars()},
		{"deps/gradle-lock", manifest(java.ParseGradleLock, "gradle.lockfile", "buildscript-gradle.lockfile")},
		{"deps/pom", named(own(java.WantPom), java.ParsePom)},
		{"deps/go-binary", binary(golang.ParseBinary)},
		{"deps/go-mod", manifest(golang.ParseMod, "go.mod")},
		{"deps/rust-binary", binary(rust.ParseBinary)},
		{"deps/cargo-lock", manifest(rust.ParseLock, "Cargo.lock")},
		{"deps/dotnet-deps", named(suffix(".deps.json"), dotnet.ParseDeps)},
		{"deps/nuget-lock", manifest(dotnet.ParseLock, "packages.lock.json")},
		{"deps/nuget-config", manifest(dotnet.ParseConfig, "packages.config")},
		{"deps/gem-installed", named(ruby.WantSpec, ruby.ParseSpec)},
		{"deps/gem-lock", manifest(ruby.ParseLock, "Gemfile.lock", "gems.locked")},
		{"deps/composer-lock", manifest(php.ParseLock, "composer.lock")},
		{"deps/archives", archives{}},
		{"deps/license", license.New()},
		{"deps/composer-installed", named(php.WantInstalled, php.ParseInstalled)},
	}
}

// named makes a reader of the files whose path in their container is wanted.
func named(want func(name string) bool, parse func(data []byte) ([]fnvet.Package, error)) reader {
	return reader{
		max:   MaxManifest,
		want:  func(_ string, f *fnvet.File) bool { return want(f.Name) },
		parse: func(f *fnvet.File) ([]fnvet.Package, error) { return parse(f.Data) },
	}
}

// own narrows want to a project's own files.
func own(want func(name string) bool) func(name string) bool {
	return func(name string) bool { return want(name) && !entry.ThirdParty(name) }
}

// large is named for databases, which may be as large as binaries.
func large(want func(name string) bool, parse func(data []byte) ([]fnvet.Package, error)) reader {
	r := named(want, parse)
	r.max = maxBinary
	return r
}

// binary makes a reader of executables and shared objects, known by their first bytes.
func binary(parse func(data []byte) ([]fnvet.Package, error)) reader {
	return reader{
		max:   maxBinary,
		want:  func(_ string, f *fnvet.File) bool { return golang.Executable(f.Data) },
		parse: func(f *fnvet.File) ([]fnvet.Package, error) { return parse(f.Data) },
	}
}

func suffix(end string) func(name string) bool {
	return func(name string) bool { return strings.HasSuffix(name, end) }
}

// wantPylock takes pylock.toml and pylock.NAME.toml (PEP 751).
func wantPylock(name string) bool {
	base := path.Base(name)
	return base == "pylock.toml" || strings.HasPrefix(base, "pylock.") && strings.HasSuffix(base, ".toml")
}

// osRelease says which distribution an image is of.
type osRelease struct{}

func (osRelease) Want(f *fnvet.File) bool { return f.Link == "" && linux.WantOSRelease(f.Name) }

func (osRelease) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	if f.Size > MaxManifest {
		return tooLarge(f, MaxManifest), nil
	}
	return fnvet.Facts{Distro: linux.ParseOSRelease(f.Data)}, nil
}

// journal reports changes of an RPM database that were never written into it:
// SQLite keeps them in a write-ahead log, which is not read.
type journal struct{}

func (journal) Want(f *fnvet.File) bool {
	base, ok := strings.CutSuffix(f.Name, "-wal")
	return ok && f.Link == "" && f.Size > 32 && rpm.Want(base)
}

func (journal) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	return fnvet.Facts{Gaps: []fnvet.Gap{{
		Path:   f.Path,
		Reason: fnvet.GapUnsupported,
		Detail: "packages in the write-ahead log of an RPM database are not listed",
	}}}, nil
}
