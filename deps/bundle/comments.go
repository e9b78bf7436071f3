package bundle

import (
	"bytes"
	"strings"
)

// maxComment bounds the comments that are read for names, in bytes, and
// maxLine what is read of one line.
const (
	maxComment = 4096
	maxLine    = 300
)

// licenseList starts esbuild's list of licence comments, of at most
// maxLicenseList bytes here.
const (
	licenseList    = "! Bundled license information:"
	maxLicenseList = 4 << 20
)

// comments calls found for every package that a comment names: those that
// bundlers keep (/*! … */, /** @license … */, //! …), and the list of such
// comments that esbuild writes at the end, where the path of each file is given.
func comments(code []byte, found func(name, version string, by evidence)) {
	for i := 0; ; {
		j := bytes.IndexByte(code[i:], '/')
		if j < 0 || i+j+3 > len(code) {
			return
		}
		i += j
		switch {
		case code[i+1] == '*':
			i += 2 + blockComment(code[i+2:], found)
		case code[i+1] == '/' && code[i+2] == '!':
			n := lineComment(code[i:], found)
			i += n
		default:
			i++
		}
	}
}

// blockComment reads a comment from after its /* and returns its length, or 0
// when it has no end nearby: more likely a glob in a string than a comment.
func blockComment(body []byte, found func(name, version string, by evidence)) int {
	limit := maxComment
	if bytes.HasPrefix(body, []byte(licenseList)) {
		limit = maxLicenseList
	}
	end := bytes.Index(body[:min(len(body), limit)], []byte("*/"))
	if end < 0 {
		return 0
	}
	comment(body[:end], found)
	return end
}

// comment reads the text between /* and */.
func comment(text []byte, found func(name, version string, by evidence)) {
	if bytes.HasPrefix(text, []byte(licenseList)) {
		bundled(text, found)
		return
	}
	kept := text[:min(len(text), 1)]
	if string(kept) != "!" && !bytes.Contains(text, []byte("@license")) && !bytes.Contains(text, []byte("@preserve")) && !bytes.Contains(text, []byte("@version")) {
		return
	}
	if name, version := banner(text); name != "" {
		found(name, version, licenseComment)
	}
}

// lineComment reads a run of lines that start with //! and returns its length.
func lineComment(code []byte, found func(name, version string, by evidence)) int {
	var text []byte
	n := 0
	for bytes.HasPrefix(code[n:], []byte("//!")) && len(text) < maxComment {
		line, _, _ := bytes.Cut(code[n:], []byte("\n"))
		text = append(append(text, line[3:min(len(line), maxLine)]...), '\n')
		n = min(n+len(line)+1, len(code))
	}
	if name, version := banner(text); name != "" {
		found(name, version, licenseComment)
	}
	return max(n, 3)
}

// bundled reads esbuild's list: lines of "name/file.js:", then the comment.
func bundled(text []byte, found func(name, version string, by evidence)) {
	var names []string
	var body []byte
	flush := func() {
		title, version := titled(body)
		for _, name := range names {
			if version != "" && sameName(title, name) {
				found(name, version, licenseComment)
			} else {
				found(name, "", licenseComment)
			}
		}
		names, body = names[:0], body[:0]
	}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		switch {
		case len(line) > 0 && line[0] != ' ' && line[len(line)-1] == ':' && len(line) < 1024:
			if len(body) > 0 {
				flush()
			}
			path := string(line[:len(line)-1])
			if name := leadingName(path); name != "" && len(name) < len(path) && !ownFolder(name) && hasCodeExt(path) {
				names = append(names, name)
			}
		case len(body) < maxComment:
			body = append(append(body, line[:min(len(line), maxLine)]...), '\n')
		}
	}
	flush()
}

// ownFolder says whether the first part of a path is a folder that projects
// keep their own code in; esbuild leaves out node_modules from the path.
func ownFolder(name string) bool {
	switch name {
	case "src", "lib", "app", "apps", "dist", "build", "packages", "libs", "handlers", "functions", "lambda", "lambdas", "common", "shared", "server", "api", "modules", "services", "test", "tests", "vendor":
		return true
	}
	return false
}

func hasCodeExt(path string) bool {
	for _, ext := range []string{".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx", ".json", ".wasm", ".vue", ".svelte", ".css", ".node"} {
		if strings.HasSuffix(path, ext) {
			return true
		}
	}
	return false
}

// banner reads a licence comment: a title and version, or a first line that is
// only a package's name over a line of copyright, as the authors of express do.
// The name is as npm writes it; "" when the comment does not say.
func banner(text []byte) (name, version string) {
	title, version := titled(text)
	if version != "" {
		if name := repository(text); name != "" && sameName(title, name) {
			return name, version
		}
		if name := fromTitle(title); name != "" {
			return name, version
		}
	}
	first, rest := nextLine(text)
	second, _ := nextLine(rest)
	if len(first) > 1 && npmName(first) && strings.ToLower(first) == first && strings.HasPrefix(strings.ToLower(second), "copyright") {
		return first, ""
	}
	return "", ""
}

// repository returns the name of the GitHub repository that a comment links to,
// which is how npm writes most names; "" when there is none.
func repository(text []byte) string {
	_, after, ok := bytes.Cut(text[:min(len(text), maxComment)], []byte("github.com/"))
	if !ok {
		return ""
	}
	_, after, ok = bytes.Cut(after[:min(len(after), 200)], []byte("/"))
	if !ok {
		return ""
	}
	n := 0
	for n < len(after) && (word(after[n]) || bytes.IndexByte([]byte("-_."), after[n]) >= 0) {
		n++
	}
	name := strings.TrimSuffix(strings.TrimRight(strings.ToLower(string(after[:n])), "."), ".git")
	if !npmName(name) {
		return ""
	}
	return name
}

// nextLine returns the next line with a word in it, without the stars before it.
func nextLine(text []byte) (line string, rest []byte) {
	for len(text) > 0 {
		var raw []byte
		raw, text, _ = bytes.Cut(text, []byte("\n"))
		raw = bytes.Trim(raw[:min(len(raw), maxLine)], " \t\r*!/()")
		if l := string(bytes.TrimSpace(raw)); l != "" && l != "@license" && l != "@preserve" {
			return l, text
		}
	}
	return "", nil
}

// titled finds a title and version in the first lines of a comment:
// "lodash v4.17.15", "name@1.2.3", "jQuery JavaScript Library v3.6.0",
// "name - v1.2.3", "moment.js" over "version : 2.29.1", "@version 1.2.3".
// The title is one word, as the comment writes it.
func titled(text []byte) (title, version string) {
	var first string
	for n := 0; n < 8 && len(text) > 0; n++ {
		var line string
		if line, text = nextLine(text); line == "" {
			return "", ""
		}
		line = strings.TrimPrefix(strings.TrimPrefix(line, "@license "), "@preserve ")
		at, v := versionIn(line)
		before := strings.TrimRight(line[:at], " \t:=-–—,|(@")
		switch {
		case v == "" && first == "":
			first = titleWord(line, true)
		case v == "":
			if name, ok := strings.CutPrefix(line, "@name "); ok {
				first = strings.TrimSpace(name)
			}
		case strings.EqualFold(strings.TrimLeft(before, "@* "), "version"):
			if first != "" {
				return first, v
			}
		case n == 0 || first == "":
			if t := titleWord(before, false); t != "" {
				return t, v
			}
			return "", ""
		default:
			if t := titleWord(before, false); t != "" && strings.EqualFold(t, first) {
				return t, v
			}
			return "", ""
		}
	}
	return "", ""
}

// versionIn finds the first semantic version of a line that stands alone, and
// where its "v" or first digit is.
func versionIn(line string) (at int, version string) {
	for i := 0; i < len(line); i++ {
		if line[i] < '0' || line[i] > '9' {
			continue
		}
		n := semver(line[i:])
		if n == 0 {
			for i+1 < len(line) && (line[i+1] >= '0' && line[i+1] <= '9' || line[i+1] == '.') {
				i++
			}
			continue
		}
		start := i
		if start > 0 && (line[start-1] == 'v' || line[start-1] == 'V') {
			start--
		}
		if start > 0 && line[start-1] != ' ' && line[start-1] != '@' && line[start-1] != '(' && line[start-1] != '\t' && line[start-1] != ':' {
			i += n - 1
			continue
		}
		return start, line[i : i+n]
	}
	return 0, ""
}

// titleWord takes the name out of what stands before a version: one word, or
// one word followed by words that only describe. With alone it must be the whole line.
func titleWord(s string, alone bool) string {
	words := strings.Fields(s)
	if len(words) == 0 || alone && len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		return ""
	}
	for _, w := range words[1:] {
		switch strings.ToLower(strings.Trim(w, ",:-")) {
		case "", "version", "release", "build", "javascript", "js", "library", "by", "custom", "npm", "package", "module", "umd", "esm", "cjs":
		default:
			return ""
		}
	}
	w := strings.Trim(words[0], ",:;\"'`[]")
	if !npmName(w) {
		return ""
	}
	return w
}

// fromTitle writes a title as npm does: "Moment.js" is "moment". The names on
// npm that do end in .js are many; those of packages that advisories or
// licences often name stand here.
func fromTitle(title string) string {
	name := strings.TrimSuffix(strings.ToLower(title), ".min.js")
	switch name {
	case "bignumber.js", "decimal.js", "chart.js", "highlight.js", "fuse.js", "tether.js", "pdf.js", "popper.js", "three.js", "ipaddr.js",
		"is.js", "bn.js", "hash.js", "hmac.js", "aes.js", "asn1.js", "sql.js", "url.js", "intro.js", "video.js", "plotly.js", "clipboard.js", "uglify.js":
		if name == "three.js" || name == "clipboard.js" {
			return strings.TrimSuffix(name, ".js")
		}
		return name
	}
	name = strings.TrimSuffix(name, ".js")
	if len(name) < 2 || !npmName(name) {
		return ""
	}
	switch name {
	case "version", "license", "licence", "copyright", "mit", "apache", "build", "release", "date", "bootstrap-sass", "the", "a", "node", "npm", "es6", "ecmascript":
		return ""
	}
	return name
}
