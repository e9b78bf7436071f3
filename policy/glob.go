package policy

import (
	"regexp"
	"strings"

	"github.com/fnvet/fnvet"
)

// A glob matches paths and names: * any run of characters but "/", ** any run,
// ? one character but "/". Everything else stands for itself.
type glob struct {
	pattern string
	re      *regexp.Regexp
}

// newGlob compiles a pattern; fold ignores case.
func newGlob(pattern string, fold bool) (glob, error) {
	var b strings.Builder
	b.WriteString("^(?s")
	if fold {
		b.WriteByte('i')
	}
	b.WriteString(":")
	for s := pattern; s != ""; {
		switch {
		case strings.HasPrefix(s, "**/"):
			b.WriteString("(?:.*/)?")
			s = s[3:]
		case strings.HasPrefix(s, "**"):
			b.WriteString(".*")
			s = s[2:]
		case s[0] == '*':
			b.WriteString("[^/]*")
			s = s[1:]
		case s[0] == '?':
			b.WriteString("[^/]")
			s = s[1:]
		default:
			n := strings.IndexAny(s, "*?")
			if n < 0 {
				n = len(s)
			}
			b.WriteString(regexp.QuoteMeta(s[:n]))
			s = s[n:]
		}
	}
	b.WriteString(")$")
	re, err := regexp.Compile(b.String())
	return glob{pattern, re}, err
}

func (g glob) match(s string) bool { return g.re != nil && g.re.MatchString(s) }

// matchPath matches where a finding is: the whole path, or what follows the
// artifact's own name, or, for a pattern without "/", the last element.
func (g glob) matchPath(artifact, path string) bool {
	inner := strings.TrimPrefix(path, artifact+"!/")
	if g.match(path) || g.match(inner) {
		return true
	}
	return !strings.Contains(g.pattern, "/") && g.match(path[strings.LastIndexByte(path, '/')+1:])
}

// anyPath is true when there are no globs or one of them matches.
func anyPath(globs []glob, artifact, path string) bool {
	for _, g := range globs {
		if g.matchPath(artifact, path) {
			return true
		}
	}
	return len(globs) == 0
}

// anyFunction is true when there are no globs or one of them matches the
// logical name of the resource or, for findings without one, the artifact.
func anyFunction(globs []glob, artifact string, f *fnvet.Finding) bool {
	name := f.Resource
	if name == "" {
		name = artifact
	}
	for _, g := range globs {
		if g.match(name) {
			return true
		}
	}
	return len(globs) == 0
}
