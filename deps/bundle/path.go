package bundle

import "strings"

// A place is a package directory as the path of one of its files shows it.
type place struct {
	root    string // the path up to and including the package's directory
	name    string
	version string // where the package manager writes it into the path, else ""
}

const modules = "node_modules/"

// placeOf reads the path of a module as bundlers write it: below node_modules
// (the innermost one), in a store of pnpm, bun, cnpm or Yarn, in a Yarn cache, or at one
// of the addresses that serve npm packages by version.
func placeOf(file string) (place, bool) {
	if len(file) > 4096 {
		return place{}, false
	}
	if i := strings.LastIndexByte(file, '!'); i >= 0 { // webpack loaders stand before the path
		file = file[i+1:]
	}
	if strings.IndexByte(file, '\\') >= 0 {
		file = strings.ReplaceAll(file, `\`, "/")
	}
	i := lastModules(file)
	if i < 0 {
		return served(file)
	}
	rest := file[i:]
	name := leadingName(rest)
	if name == "" || len(rest) == len(name) {
		return store(file, i)
	}
	p := place{root: file[:i+len(name)], name: name}
	p.version = storedVersion(file[:i], name)
	return p, true
}

// lastModules returns the position after the last "node_modules/" that is a
// whole segment, or -1.
func lastModules(file string) int {
	for end := len(file); ; {
		i := strings.LastIndex(file[:end], modules)
		if i < 0 {
			return -1
		}
		if i == 0 || file[i-1] == '/' {
			return i + len(modules)
		}
		end = i
	}
}

// leadingName returns the npm package name that a path starts with, or "".
func leadingName(path string) string {
	n := strings.IndexByte(path, '/')
	if n < 0 {
		n = len(path)
	}
	if strings.HasPrefix(path, "@") && n < len(path) {
		if m := strings.IndexByte(path[n+1:], '/'); m >= 0 {
			n += 1 + m
		} else {
			n = len(path)
		}
	}
	if name := path[:n]; npmName(name) {
		return name
	}
	return ""
}

// npmName says whether s may be a package's name, by npm's rules
// (validate-npm-package-name, with capitals, which old packages have).
func npmName(s string) bool {
	if len(s) == 0 || len(s) > 214 {
		return false
	}
	if s[0] == '@' {
		scope, name, ok := strings.Cut(s[1:], "/")
		return ok && nameWord(scope) && nameWord(name)
	}
	return nameWord(s)
}

func nameWord(s string) bool {
	if s == "" || s[0] == '.' || s[0] == '_' || s == "node_modules" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~':
		default:
			return false
		}
	}
	return true
}

// storedVersion takes the version out of the store directory that a
// node_modules folder lies in.
func storedVersion(dir, name string) string {
	dir = strings.TrimSuffix(dir, modules)
	for _, mark := range []string{"/.pnpm/", "/.bun/", "/.yarn/cache/", "/berry/cache/", "/.yarn/unplugged/", "/__virtual__/"} {
		i := strings.LastIndex("/"+dir, mark)
		if i < 0 {
			continue
		}
		segment, _, _ := strings.Cut(("/" + dir)[i+len(mark):], "/")
		if v := segmentVersion(segment, name); v != "" {
			return v
		}
	}
	return ""
}

// segmentVersion reads "lodash@4.17.21", "@babel+core@7.0.0_peer@1" and
// "@babel+core@7.0.0(peer@1)" (pnpm, bun), "lodash-npm-4.17.21-6382451519-8.zip" and
// "@babel-core-npm-7.0.0-0123456789" (Yarn).
func segmentVersion(segment, name string) string {
	segment = strings.TrimSuffix(segment, ".zip")
	if rest, ok := strings.CutPrefix(segment, strings.ReplaceAll(name, "/", "+")+"@"); ok {
		if i := strings.IndexAny(rest, "_("); i >= 0 {
			rest = rest[:i]
		}
		return exactVersion(rest)
	}
	if rest, ok := strings.CutPrefix(segment, strings.ReplaceAll(name, "/", "-")+"-npm-"); ok {
		for range 2 { // the checksum, and the version of the cache
			if v := exactVersion(rest); v != "" && !hashed(rest) {
				return v
			}
			i := strings.LastIndexByte(rest, '-')
			if i < 0 {
				return ""
			}
			rest = rest[:i]
		}
		return exactVersion(rest)
	}
	return ""
}

// hashed says whether a version ends as Yarn's locators do: in a checksum of
// ten hex digits, with the number of the cache format or without.
func hashed(s string) bool {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return false
	}
	tail := s[i+1:]
	if len(tail) <= 2 && strings.Count(s, "-") >= 2 {
		tail = s[strings.LastIndexByte(s[:i], '-')+1 : i]
	}
	return len(tail) == 10 && strings.Trim(tail, "0123456789abcdef") == ""
}

// store reads cnpm's "node_modules/_name@1.2.3@name/x.js" and Yarn's
// "node_modules/.store/name-npm-1.2.3-checksum/package/x.js"; i is the position
// after node_modules/.
func store(file string, i int) (place, bool) {
	segment, rest, ok := strings.Cut(file[i:], "/")
	if !ok {
		return place{}, false
	}
	if name, inside, found := strings.Cut(strings.TrimPrefix(segment, "_"), "@"); found && segment[0] == '_' {
		version, again, _ := strings.Cut(inside, "@")
		if v := exactVersion(version); v != "" && again == name && npmName(name) {
			return place{root: file[:i+len(segment)], name: name, version: v}, true
		}
	}
	if segment != ".store" {
		return place{}, false
	}
	locator, _, ok := strings.Cut(rest, "/")
	name, _, found := strings.Cut(locator, "-npm-")
	if !ok || !found {
		return place{}, false
	}
	if strings.HasPrefix(name, "@") { // "@babel-core": which dash parts them is not known
		if strings.Count(name, "-") != 1 {
			return place{}, false
		}
	}
	full := name
	if strings.HasPrefix(name, "@") {
		full = strings.Replace(name, "-", "/", 1)
	}
	if !npmName(full) {
		return place{}, false
	}
	return place{root: file[:i] + segment + "/" + locator, name: full, version: segmentVersion(locator, full)}, true
}

// served reads the addresses of module servers: "https://esm.sh/v135/name@1.2.3/x.mjs".
func served(file string) (place, bool) {
	for _, host := range []string{
		"https://esm.sh/", "https://unpkg.com/", "https://cdn.jsdelivr.net/npm/", "https://cdn.skypack.dev/", "https://jspm.dev/npm:", "https://ga.jspm.io/npm:",
	} {
		rest, ok := strings.CutPrefix(file, host)
		if !ok {
			continue
		}
		if first, after, ok := strings.Cut(rest, "/"); ok && len(first) > 1 && first[0] == 'v' && strings.Trim(first[1:], "0123456789") == "" {
			rest = after
		}
		rest = strings.TrimPrefix(rest, "*")
		at := strings.IndexByte(rest[min(1, len(rest)):], '@') + 1
		if at <= 0 || !npmName(rest[:at]) {
			return place{}, false
		}
		version := rest[at+1:]
		if i := strings.IndexAny(version, "/?!&"); i >= 0 {
			version = version[:i]
		}
		return place{root: host + rest[:at] + "@" + version, name: rest[:at], version: exactVersion(version)}, true
	}
	return place{}, false
}

// exactVersion returns s when it is a whole semantic version (semver.org), else "".
func exactVersion(s string) string {
	if len(s) > 128 || semver(s) != len(s) {
		return ""
	}
	return s
}

// semver returns the length of the semantic version that s starts with, or 0.
func semver[T string | []byte](s T) int {
	i := 0
	for part := range 3 {
		start := i
		for i < len(s) && i-start < 9 && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		if i == start {
			return 0
		}
		if part < 2 {
			if i >= len(s) || s[i] != '.' {
				return 0
			}
			i++
		}
	}
	if i < len(s) && s[i] >= '0' && s[i] <= '9' {
		return 0
	}
	for _, mark := range []byte{'-', '+'} {
		if i+1 < len(s) && s[i] == mark && word(s[i+1]) {
			for i++; i < len(s) && (word(s[i]) || s[i] == '.' || s[i] == '-') && i < 128; i++ {
			}
		}
	}
	return i
}

func word(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// builtin says whether a name is a module of Node itself, which bundles refer
// to but do not hold.
func builtin(name string) bool {
	switch name {
	case "assert", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram", "dns", "domain",
		"events", "fs", "http", "http2", "https", "module", "net", "os", "path", "perf_hooks", "process", "punycode",
		"querystring", "readline", "repl", "stream", "string_decoder", "sys", "timers", "tls", "tty", "url", "util",
		"v8", "vm", "worker_threads", "zlib":
		return true
	}
	return false
}
