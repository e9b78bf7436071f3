package bundle

import (
	"bytes"
	"strings"
)

// maxHeader is how much of a source is looked at for a comment that names the
// package and its version, in bytes.
const maxHeader = 2048

// constants calls found with the versions that the code of one module states:
// VERSION = "1.2.3" in its usual spellings, and a comment at its head that
// gives the package's name and a version. It reads code once.
func constants(code []byte, name string, found func(version string, by evidence)) {
	for _, word := range []string{"version", "Version", "VERSION"} {
		for i := 0; ; i += len(word) {
			j := bytes.Index(code[i:], []byte(word))
			if j < 0 {
				break
			}
			i += j
			if v := constant(code, i); v != "" {
				found(v, versionConstant)
			}
		}
	}
	if v := header(code[:min(len(code), maxHeader)], name); v != "" {
		found(v, licenseComment)
	}
}

// constant reads the version that is given to the name that holds the word
// "version" at position i.
func constant(code []byte, i int) string {
	start, end := i, i+len("version")
	for start > 0 && (word(code[start-1]) || code[start-1] == '_') && i-start < 32 {
		start--
	}
	if start > 0 && code[start-1] == '-' {
		return ""
	}
	for end < len(code) && (word(code[end]) || code[end] == '_' || code[end] == '$') && end-i < 32 {
		end++
	}
	if !versionName(string(code[start:end])) {
		return ""
	}
	rest := bytes.TrimLeft(code[end:min(len(code), end+160)], " \t\"']")
	given := len(rest) > 2 && (rest[0] == '=' && rest[1] != '=' && rest[1] != '>' || rest[0] == ':' && string(code[start:end]) == "VERSION")
	if !given {
		return ""
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	if len(rest) < 7 || rest[0] != '"' && rest[0] != '\'' && rest[0] != '`' {
		return ""
	}
	n := semver(rest[1:])
	if n == 0 || 1+n >= len(rest) || rest[1+n] != rest[0] || zero(rest[1:1+n]) {
		return ""
	}
	return string(rest[1 : 1+n])
}

// zero says whether a version is the 0.0.0 that stands in for one until release.
func zero(v []byte) bool { return bytes.HasPrefix(v, []byte("0.0.0")) }

// versionName says whether an identifier is one that libraries give their own
// version; bundlers add a number to it when several modules have it.
func versionName(s string) bool {
	s = strings.TrimRight(s, "0123456789")
	s = strings.TrimSuffix(s, "$")
	switch strings.Trim(strings.ToLower(s), "_") {
	case "version", "packageversion", "package_version", "libversion", "lib_version", "libraryversion", "library_version", "pkgversion", "pkg_version", "sdk_version":
		return true
	}
	return false
}

// header reads a first comment such as "/* bluebird build version 3.7.2 */",
// "Handlebars v4.7.7" or "moment.js" with "version : 2.29.1" on the next line.
func header(code []byte, name string) string {
	code = bytes.TrimLeft(code, " \t\r\n")
	var comment []byte
	switch {
	case bytes.HasPrefix(code, []byte("/*")):
		comment, _, _ = bytes.Cut(code[2:], []byte("*/"))
	case bytes.HasPrefix(code, []byte("//")):
		for bytes.HasPrefix(code, []byte("//")) {
			line, rest, _ := bytes.Cut(code, []byte("\n"))
			comment = append(append(comment, line[2:]...), '\n')
			code = bytes.TrimLeft(rest, " \t\r\n")
		}
	default:
		return ""
	}
	n, v := titled(comment)
	if v == "" || !sameName(n, name) {
		return ""
	}
	return v
}

// sameName compares a title such as "Moment.js" with a package's name.
func sameName(title, name string) bool {
	if i := strings.IndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	plain := func(s string) string {
		s = strings.TrimSuffix(strings.ToLower(s), ".min.js")
		s = strings.TrimSuffix(s, ".js")
		return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.TrimSuffix(s, "-js"))
	}
	return plain(title) == plain(name)
}
