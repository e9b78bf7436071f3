package unpack

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fnvet/fnvet"
	"golang.org/x/text/unicode/norm"
)

func itoa(n int) string { return strconv.Itoa(n) }

// absolutePath is what cleanName says of a name with a leading slash. Tools strip
// the slash as it does, so there is no gap, and one finding for all of an archive.
const (
	absolutePath = "an absolute path"
	climbingPath = "which leads outside the archive"
)

// clean turns an entry's name into the one it is offered under, and notes a gap
// and a finding when the name points outside the archive.
func (w *walker) clean(sc *scope, raw string) string {
	name, why := cleanName(raw, sc.windows, sc.image)
	if why == absolutePath {
		w.absolute(sc, name)
	} else if why != "" {
		w.gap(sc.path(name), fnvet.GapUnsafePath, "stored as "+quoted(raw)+", "+why+"; read as the path above")
		w.finding(unsafePath, sc, sc.path(name), "stored as "+quoted(raw)+": "+why)
	}
	return name
}

// cleanName makes of raw a relative, slash-separated path without "." and "..".
// why says in what way raw was unsafe, or is "". In an image a leading slash is
// common and harmless.
func cleanName(raw string, windows, image bool) (name, why string) {
	if plain(raw) {
		return raw, ""
	}
	name = raw
	if i := strings.IndexByte(name, 0); i >= 0 {
		name, why = name[:i], "with a NUL byte"
	}
	if !utf8.ValidString(name) {
		if escapes(overlong(name)) {
			why = "which leads outside in overlong UTF-8"
			name = overlong(name)
		}
		name = strings.ToValidUTF8(name, "\uFFFD")
	}
	if n := norm.NFKC.String(name); n != name && escapes(slashes(n)) && !escapes(slashes(name)) {
		why = "which leads outside once Unicode is normalised"
	}
	if s := slashes(name); s != name && (windows || escapes(s)) {
		name = s
	}
	if !image || strings.Contains(name, "..") {
		reason := unsafeReason(name, windows)
		if reason == absolutePath && climbs(name) {
			reason = climbingPath
		}
		if reason != "" {
			why = reason
		}
	}
	if len(name) >= 2 && name[1] == ':' && drive(name, windows) {
		name = name[2:]
	}
	return relative(name), why
}

// plain is the quick answer for nearly every name: nothing to clean.
func plain(name string) bool {
	if name == "" || name[0] == '/' || len(name) > 1 && name[1] == ':' {
		return false
	}
	segment := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c == 0 || c == '\\' || c >= utf8.RuneSelf:
			return false
		case c == '/':
			if i == segment {
				return false
			}
			segment = i + 1
		case c == '.' && i == segment && dots(name[i:]):
			return false
		}
	}
	return segment < len(name)
}

// dots reports whether the first segment of rest is "." or "..".
func dots(rest string) bool {
	rest = strings.TrimPrefix(rest[1:], ".")
	return rest == "" || rest[0] == '/'
}

func slashes(name string) string { return strings.ReplaceAll(name, `\`, "/") }

// unsafeReason says how name leads outside the folder it is extracted into.
func unsafeReason(name string, windows bool) string {
	switch {
	case strings.HasPrefix(name, "//"):
		return "a network path"
	case strings.HasPrefix(name, "/"):
		return absolutePath
	case drive(name, windows):
		return "a path with a drive"
	case climbs(name):
		return climbingPath
	}
	return ""
}

func escapes(name string) bool { return unsafeReason(name, false) != "" }

// drive reports a Windows drive letter. Where backslashes are not separators
// "c:x" is an ordinary name, so a slash has to follow.
func drive(name string, windows bool) bool {
	if len(name) < 2 || name[1] != ':' || (name[0]|0x20) < 'a' || (name[0]|0x20) > 'z' {
		return false
	}
	return windows || len(name) > 2 && (name[2] == '/' || name[2] == '\\')
}

// climbs reports a ".." that goes above the start.
func climbs(name string) bool {
	depth := 0
	for segment := range strings.SplitSeq(name, "/") {
		switch segment {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// relative resolves "." and ".." as if the archive were the root of everything.
func relative(name string) string {
	var kept []string
	for segment := range strings.SplitSeq(name, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	if len(kept) == 0 {
		return "(unnamed)"
	}
	return strings.Join(kept, "/")
}

// overlong decodes the two-byte forms of ASCII that UTF-8 forbids, such as
// C0 AE for a dot and C0 AF for a slash.
func overlong(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if c := name[i]; (c == 0xC0 || c == 0xC1) && i+1 < len(name) && name[i+1]&0xC0 == 0x80 {
			b.WriteByte(c<<6 | name[i+1]&0x3F)
			i++
			continue
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// quoted writes an untrusted name so that it can be printed, shortened.
func quoted(raw string) string {
	if len(raw) > 200 {
		raw = raw[:200]
	}
	return strconv.QuoteToASCII(raw)
}
