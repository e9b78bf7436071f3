package secrets

import (
	"bytes"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
)

// A place is what a file's path says about how much a match in it is worth.
type place struct {
	thirdParty bool // installed or vendored by a package manager
	docs       bool // documentation, examples, tests, type declarations
	lock       bool // lockfiles and checksum lists: full of hashes
}

// thirdPartyDirs are directories into which package managers put other people's code.
func thirdPartyDir(dir string) bool {
	switch dir {
	case "node_modules", "bower_components", "jspm_packages", "site-packages", "dist-packages",
		"vendor", "gems", ".bundle", ".pnpm", ".yarn", ".cargo", ".m2", ".gradle", ".nuget", "pkgs":
		return true
	}
	return strings.HasSuffix(dir, ".dist-info") || strings.HasSuffix(dir, ".egg-info")
}

func docsDir(dir string) bool {
	switch dir {
	case "doc", "docs", "documentation", "man", "example", "examples", "sample", "samples", "demo", "demos",
		"test", "tests", "testing", "testdata", "__tests__", "spec", "specs", "fixture", "fixtures",
		"__fixtures__", "__mocks__", "mock", "mocks", "benchmark", "benchmarks", "e2e", "cassettes", "locale", "locales", "i18n":
		return true
	}
	return false
}

func docsFile(name string) bool {
	for _, suffix := range []string{
		".md", ".markdown", ".mdx", ".rst", ".adoc", ".asciidoc", ".html", ".htm", ".d.ts", ".d.mts", ".d.cts", ".pyi",
		".po", ".pot", ".1", ".3", "_test.go", "_test.py", "_spec.rb", ".test.js", ".test.ts", ".spec.js", ".spec.ts",
		".sample", ".example", ".dist", ".template",
	} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	for _, prefix := range []string{"readme", "changelog", "changes", "history", "license", "licence", "notice", "contributing"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func lockFile(name string) bool {
	switch name {
	case "package-lock.json", "npm-shrinkwrap.json", ".package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb",
		"deno.lock", "poetry.lock", "pipfile.lock", "pdm.lock", "uv.lock", "pylock.toml", "cargo.lock", "composer.lock",
		"gemfile.lock", "go.sum", "go.work.sum", "go.mod", "gradle.lockfile", "packages.lock.json", "verification-metadata.xml",
		"modules.txt", "mix.lock", "podfile.lock", "flake.lock", "record", "sha256sums", "sha512sums", "md5sums", ".integrity":
		return true
	}
	return false
}

// libraryArchive reports whether an archive in the way to the file is a library:
// the code in it is not the function's own.
func libraryArchive(container string) bool {
	inner := false
	for part := range strings.SplitSeq(strings.ToLower(container), "!/") {
		switch path.Ext(part) {
		case ".whl", ".egg", ".nupkg", ".gem", ".crate", ".tgz":
			return true
		case ".jar":
			if inner {
				return true // a jar inside a package; the outermost one is the function itself
			}
		}
		inner = true
	}
	return false
}

// classify judges a file by its path.
func classify(f *fnvet.File) place {
	var p place
	p.thirdParty = libraryArchive(f.Container)
	dir, name := path.Split(strings.ToLower(f.Name))
	for d := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		p.thirdParty = p.thirdParty || thirdPartyDir(d)
		p.docs = p.docs || docsDir(d)
	}
	p.docs = p.docs || docsFile(name)
	p.lock = lockFile(name)
	return p
}

// skipped reports whether a file is not searched at all: pictures, fonts, sound
// and film that are what their name says, and gitleaks' own configuration.
func skipped(name string, data []byte) bool {
	base := strings.ToLower(path.Base(name))
	switch path.Ext(base) {
	case ".bmp", ".gif", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".ico", ".icns", ".avif",
		".eot", ".otf", ".ttf", ".woff", ".woff2",
		".mp3", ".mp4", ".ogg", ".wav", ".flac", ".webm", ".mov", ".avi":
		return bytes.IndexByte(data[:min(len(data), sniffLen)], 0) >= 0
	}
	return base == "gitleaks.toml" || base == ".gitleaks.toml"
}
