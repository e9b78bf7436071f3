package hygiene

import (
	"bytes"
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
)

// systemFolders are those of an image that come with its distribution.
var systemFolders = [...]string{
	"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "media", "mnt", "proc", "run", "sbin", "sys",
	"usr", "var", "busybox", "nix",
}

// ownFolders are those below system folders where functions live.
var ownFolders = [...]string{"usr/src/", "usr/app/", "var/task/", "var/www/", "var/function/", "var/openfaas/"}

// systemFile reports a file of an image's distribution, which is not the
// function's business.
func systemFile(f *fnvet.File) bool {
	if f.Layer == "" || strings.HasPrefix(f.Path, f.Layer) {
		return false
	}
	if outer, _, inside := strings.Cut(f.Path, "!/"); inside && f.Depth == 0 && !strings.Contains(outer, "/") {
		return false // an entry of a Lambda layer's zip
	}
	for _, own := range ownFolders {
		if strings.HasPrefix(f.Path, own) {
			return false
		}
	}
	first, _, _ := strings.Cut(f.Path, "/")
	for _, folder := range systemFolders {
		if first == folder {
			return true
		}
	}
	return false
}

// dependencyFolders hold what others wrote.
var dependencyFolders = [...]string{"node_modules/", "site-packages/", "dist-packages/", "vendor/", "bower_components/", "jspm_packages/"}

// inDependency reports a file of a library: in one of their folders, or in an
// archive in the package.
func inDependency(f *fnvet.File) bool {
	if f.Depth > 0 {
		return true
	}
	for _, folder := range dependencyFolders {
		if strings.HasPrefix(f.Name, folder) || strings.Contains(f.Name, "/"+folder) {
			return true
		}
	}
	return besideMetadata(f.Name)
}

// besideMetadata reports the metadata folders that pip leaves beside libraries.
func besideMetadata(name string) bool {
	first, _, nested := strings.Cut(name, "/")
	return nested && (strings.HasSuffix(first, ".dist-info") || strings.HasSuffix(first, ".egg-info"))
}

// sensitive finds a file that should not be in any package, by its name and a
// look at what it is. In a dependency it matters less: it is public already.
func sensitive(f *fnvet.File, dependency bool) (rule string, severity fnvet.Severity, evidence string) {
	if !f.Mode.IsRegular() || f.Size == 0 {
		return "", "", ""
	}
	base := path.Base(f.Name)
	switch {
	case isEnv(base):
		if n := assignments(f.Data); n > 0 {
			rule, evidence = envFile, counted(n, "variable")
		}
	case strings.EqualFold(base, "local.settings.json"):
		rule, evidence = localSettings, "Azure Functions' settings for the developer's machine"
		if !hasValues(f.Data) {
			severity = fnvet.Low
		}
	case isKey(base, f.Data):
		rule, evidence = privateKey, "a private key, by its "+keyBy(base, f.Data)
	case isCredentials(f.Name, base, f.Data):
		rule, evidence = credentialFile, base
	}
	if rule != "" && (dependency || rule == privateKey && inTests(f.Name)) {
		severity = fnvet.Low
	}
	return rule, severity, evidence
}

// inTests reports a file in a folder of tests, whose keys open nothing.
func inTests(name string) bool {
	for segment := range strings.SplitSeq(path.Dir(name), "/") {
		if testFolders[segment] || segment == "examples" || segment == "testing" {
			return true
		}
	}
	return false
}

// isEnv reports an environment file that is no template for one.
func isEnv(base string) bool {
	rest, found := strings.CutPrefix(strings.ToLower(base), ".env")
	if !found {
		return false
	}
	switch {
	case rest == "":
		return true
	case rest[0] != '.':
		return false
	}
	for _, template := range []string{"example", "sample", "template", "dist", "defaults", "tpl", "schema", "vault", "md", "d.ts", "js", "ts", "py"} {
		if strings.HasSuffix(rest, "."+template) {
			return false
		}
	}
	return true
}

// assignments counts the lines that give a variable a value.
func assignments(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("export "))
		name, value, found := bytes.Cut(line, []byte("="))
		if found && len(name) > 0 && name[0] != '#' && len(bytes.Trim(value, "\"' \t")) > 0 && !bytes.ContainsAny(name, " <>{}()") {
			n++
		}
	}
	return n
}

// hasValues reports whether local settings set anything but the runtime.
func hasValues(data []byte) bool {
	var settings struct {
		Values            map[string]any
		ConnectionStrings map[string]any
	}
	if json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &settings) != nil {
		return true // comments are allowed in it
	}
	for name, v := range settings.Values {
		s, text := v.(string)
		if text && s != "" && !strings.HasPrefix(name, "FUNCTIONS_") && s != "UseDevelopmentStorage=true" {
			return true
		}
	}
	return len(settings.ConnectionStrings) > 0
}

// isKey reports a private key: a PEM or PuTTY file that says so, or a key store.
func isKey(base string, data []byte) bool { return keyBy(base, data) != "" }

func keyBy(base string, data []byte) string {
	head := data[:min(len(data), 1<<16)]
	switch base = strings.ToLower(base); path.Ext(base) {
	case ".pem", ".key", ".pk8", ".p8", ".ppk", ".priv", ".private", "":
		if bytes.Contains(head, []byte("PRIVATE KEY-----")) && bytes.Contains(head, []byte("-----BEGIN ")) ||
			bytes.HasPrefix(head, []byte("PuTTY-User-Key-File-")) {
			return "content"
		}
	case ".p12", ".pfx": // a DER sequence
		if len(head) > 2 && head[0] == 0x30 && head[1] >= 0x80 {
			return "type"
		}
	case ".jks", ".keystore":
		trusted := strings.Contains(base, "trust") || strings.Contains(base, "cacerts")
		if !trusted && (bytes.HasPrefix(head, []byte("\xfe\xed\xfe\xed")) || len(head) > 2 && head[0] == 0x30 && head[1] >= 0x80) {
			return "type"
		}
	case ".kdbx":
		if bytes.HasPrefix(head, []byte("\x03\xd9\xa2\x9a")) {
			return "type"
		}
	}
	return ""
}

// isCredentials reports the settings of a developer's tool with credentials in them.
func isCredentials(name, base string, data []byte) bool {
	head := data[:min(len(data), 1<<16)]
	has := func(words ...string) bool {
		for _, w := range words {
			if bytes.Contains(head, []byte(w)) {
				return true
			}
		}
		return false
	}
	switch base {
	case ".npmrc":
		return has("_authToken=", "_auth=", "_password=")
	case ".yarnrc.yml":
		return has("npmAuthToken:", "npmAuthIdent:")
	case ".pypirc", ".netrc", "_netrc":
		return has("password")
	case ".git-credentials":
		return has("://")
	case ".pgpass", ".my.cnf", ".htpasswd":
		return has(":", "password")
	}
	switch {
	case inFolder(name, ".aws/credentials"):
		return has("aws_secret_access_key", "aws_session_token")
	case inFolder(name, ".docker/config.json"):
		return has(`"auth"`, `"identitytoken"`)
	case inFolder(name, ".kube/config"):
		return has("client-key-data", "token:", "password:")
	case inFolder(name, "gcloud/application_default_credentials.json"), inFolder(name, ".azure/accessTokens.json"):
		return true
	case inFolder(name, ".terraform.d/credentials.tfrc.json"):
		return has("token")
	}
	return false
}

func inFolder(name, suffix string) bool { return name == suffix || strings.HasSuffix(name, "/"+suffix) }

// junkFolders are folders that are no part of a package, wherever they are.
var junkFolders = map[string]string{
	".git": versionControl, ".svn": versionControl, ".hg": versionControl, ".bzr": versionControl,
	"__pycache__": cacheFiles, ".pytest_cache": cacheFiles, ".mypy_cache": cacheFiles, ".ruff_cache": cacheFiles,
	".npm": cacheFiles, ".cache": cacheFiles, ".nyc_output": cacheFiles, ".tox": cacheFiles, ".nox": cacheFiles,
	".parcel-cache": cacheFiles, ".turbo": cacheFiles, ".gradle": cacheFiles, ".serverless": cacheFiles, ".aws-sam": cacheFiles,
	".terraform": cacheFiles, ".hypothesis": cacheFiles, ".ipynb_checkpoints": cacheFiles, ".eslintcache": cacheFiles,
	".idea": editorFiles, ".vscode": editorFiles, ".vs": editorFiles, "__MACOSX": editorFiles, ".fleet": editorFiles,
}

// testFolders hold tests, in a function's own files.
var testFolders = map[string]bool{
	"test": true, "tests": true, "__tests__": true, "spec": true, "__mocks__": true, "__snapshots__": true, "__fixtures__": true,
	"fixtures": true, "testdata": true, "e2e": true, "cypress": true,
}

// junk finds a file that is only in the way, and the place it is counted under:
// the outermost folder of its kind. Repositories of packages are told from files
// of that name by what is in them.
func junk(f *fnvet.File, dependency bool) (rule, place string) {
	prefix := strings.TrimSuffix(f.Path, f.Name)
	for at := 0; ; {
		n := strings.IndexByte(f.Name[at:], '/')
		if n < 0 {
			break
		}
		segment := f.Name[at : at+n]
		if rule := junkFolders[segment]; rule != "" {
			if rule == versionControl && !repositoryFile(f.Name[at+n+1:]) {
				return "", ""
			}
			return rule, prefix + f.Name[:at+n]
		}
		if !dependency && testFolders[segment] {
			return testFiles, prefix + f.Name[:at+n]
		}
		at += n + 1
	}
	base := path.Base(f.Name)
	switch {
	case base == ".DS_Store", base == "Thumbs.db", base == "desktop.ini", strings.HasPrefix(base, "._"),
		strings.HasSuffix(base, ".swp"), strings.HasSuffix(base, ".iml") && !dependency:
		return editorFiles, f.Path
	case !dependency && testName(base):
		return testFiles, f.Path
	case base == ".eslintcache", base == ".coverage":
		return cacheFiles, f.Path
	}
	return "", ""
}

// repositoryFile reports the files that make a folder a repository.
func repositoryFile(inside string) bool {
	switch first, _, _ := strings.Cut(inside, "/"); first {
	case "HEAD", "config", "index", "objects", "refs", "packed-refs", "logs", "ORIG_HEAD", "FETCH_HEAD", // git
		"wc.db", "entries", "pristine", "text-base", // Subversion
		"hgrc", "store", "dirstate", "requires", "branch", "repository", "checkout": // Mercurial, Bazaar
		return true
	}
	return false
}

// testName reports a source file that is a test by its name.
func testName(base string) bool {
	stem, ext, found := strings.Cut(base, ".")
	switch {
	case !found:
		return false
	case ext == "py":
		return strings.HasPrefix(stem, "test_") || strings.HasSuffix(stem, "_test") || stem == "conftest"
	case ext == "rb":
		return strings.HasSuffix(stem, "_spec") || strings.HasSuffix(stem, "_test")
	}
	kind, ext, _ := strings.Cut(ext, ".")
	if kind != "test" && kind != "spec" {
		return false
	}
	switch ext {
	case "js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx":
		return true
	}
	return false
}

// tools are packages that only serve to build and check others.
var tools = map[string]bool{
	"typescript": true, "webpack": true, "webpack-cli": true, "rollup": true, "parcel": true, "jest": true, "mocha": true, "jasmine": true,
	"ava": true, "vitest": true, "nyc": true, "c8": true, "eslint": true, "prettier": true, "ts-node": true, "ts-jest": true, "nodemon": true,
	"serverless": true, "serverless-offline": true, "aws-cdk": true, "gulp": true, "grunt": true, "husky": true, "lint-staged": true,
	"karma": true, "cypress": true, "playwright": true, "tslint": true, "standard": true, "babel-cli": true, "node-gyp": true,
	"pytest": true, "_pytest": true, "pylint": true, "flake8": true, "mypy": true, "black": true, "coverage": true, "tox": true, "nox": true,
	"ipython": true, "jupyter": true, "moto": true, "pip": true,
}

// developmentTool returns the folder of a development tool of whose packages name
// is the manifest, or "".
func developmentTool(name string) string {
	folder, base := path.Split(name)
	folder = strings.TrimSuffix(folder, "/")
	switch base {
	case "package.json":
		parent, tool := path.Split(folder)
		if strings.HasSuffix(parent, "node_modules/") && tools[tool] {
			return folder
		}
	case "METADATA":
		tool, _, found := strings.Cut(path.Base(folder), "-")
		if found && strings.HasSuffix(folder, ".dist-info") && tools[strings.ToLower(tool)] {
			return strings.TrimSuffix(folder, path.Base(folder)) + tool
		}
	}
	return ""
}

func filesText(n int) string { return counted(n, "file") }

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
