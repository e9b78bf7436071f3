package secrets

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A place is what a file's path says about how much a match in it is worth.
type place struct {
	thirdParty bool // installed or vendored by a package manager
	docs       bool // documentation, examples, tests, type declarations
	lock       bool // lockfiles and checksum lists: full of hashes
	code       bool // source code, in which a bare word is an identifier
}

// thirdPartyDirs are directories into which package managers put other people's code.
func thirdPartyDir(dir string) bool {
	switch dir {
	case "node_modules", "bower_components", "jspm_packages", "site-packages", "dist-packages",
		"vendor", "gems", ".bundle", ".pnpm", ".yarn", ".cargo", ".m2", ".gradle", ".nuget", "pkgs":
		return true
	}
	return strings.HasPrefix(dir, "python3.") || strings.HasSuffix(dir, ".dist-info") || strings.HasSuffix(dir, ".egg-info")
}

func docsDir(dir string) bool {
	switch dir {
	case "doc", "docs", "documentation", "man", "example", "examples", "sample", "samples", "demo", "demos",
		"test", "tests", "testing", "testdata", "__tests__", "spec", "specs", "fixture", "fixtures",
		"__fixtures__", "__mocks__", "mock", "mocks", "benchmark", "benchmarks", "e2e", "cassettes",
		"locale", "locales", "_locales", "i18n", "l10n", "nls", "lang", "langs", "translation", "translations":
		return true
	}
	return false
}

func docsFile(name string) bool {
	for _, suffix := range []string{
		".md", ".markdown", ".mdx", ".rst", ".adoc", ".asciidoc", ".html", ".htm", ".d.ts", ".d.mts", ".d.cts", ".pyi",
		".po", ".pot", "_test.go", "_test.py", "_spec.rb", ".test.js", ".test.ts", ".spec.js", ".spec.ts",
		".sample", ".example", ".dist", ".template",
	} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	for _, prefix := range []string{
		"readme", "changelog", "changes", "history", "license", "licence", "notice", "contributing", "news",
		"example", "sample-", "sample_", "sample.", "test_", "pkg-info", "metadata",
	} {
		if strings.HasPrefix(name, prefix) && name != "metadata.json" {
			return true
		}
	}
	return strings.Contains(name, ".example.") || strings.Contains(name, ".examples.") || strings.Contains(name, "-example.") || strings.Contains(name, ".sample.")
}

// codeFile reports whether a file's name is that of source code.
func codeFile(name string) bool {
	switch path.Ext(name) {
	case ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".py", ".pyx", ".rb", ".php", ".go", ".java", ".kt", ".scala",
		".cs", ".fs", ".vb", ".rs", ".c", ".h", ".cc", ".cpp", ".hpp", ".m", ".swift", ".dart", ".lua", ".pl", ".pm", ".ex", ".exs", ".erl",
		".vue", ".svelte", ".groovy", ".clj", ".r", ".map":
		return true
	}
	return false
}

// systemDirs are where distributions keep what they install. What an author adds
// goes to /app, /var/task, /opt, /usr/src, /usr/local, /srv or a home.
func systemDirs() []string {
	return []string{
		"usr/lib/", "usr/lib64/", "usr/libexec/", "usr/share/", "usr/include/", "usr/bin/", "usr/sbin/", "lib64/",
		"lib/x86_64-linux-gnu/", "lib/aarch64-linux-gnu/", "lib/apk/", "var/lib/apt/", "var/lib/dpkg/", "var/lib/rpm/", "var/cache/",
		"etc/ssl/certs/", "usr/local/lib/python", "usr/local/lib/node_modules/", "usr/local/include/", "opt/java/", "var/lang/", "var/runtime/",
	}
}

// installedTop reports whether the first folder of a path is a Python package of
// thirdparty.txt: "pip install --target" puts packages beside the function's own
// modules, and layers put them under python/.
func installedTop(name string, tops map[string]bool) bool {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "var/task/"), "python/")
	top, _, nested := strings.Cut(name, "/")
	return tops[strings.TrimSuffix(top, ".py")] && (nested || strings.HasSuffix(top, ".py"))
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
func (s *Scanner) classify(f *fnvet.File) place {
	var p place
	low := strings.ToLower(f.Name)
	p.thirdParty = libraryArchive(f.Container) || installedTop(low, s.tops) ||
		slices.ContainsFunc(systemDirs(), func(d string) bool { return strings.HasPrefix(low, d) || strings.HasPrefix(f.Container, d) })
	dir, name := path.Split(low)
	around := strings.ReplaceAll(strings.ToLower(f.Container), "!/", "/") // such as x/doc/NEWS.gz
	for d := range strings.SplitSeq(around+"/"+strings.TrimSuffix(dir, "/"), "/") {
		p.thirdParty = p.thirdParty || thirdPartyDir(d)
		p.docs = p.docs || docsDir(d)
	}
	p.docs = p.docs || docsFile(name)
	p.lock = lockFile(name)
	p.code = codeFile(name)
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
