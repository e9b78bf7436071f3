package report

import (
	"bytes"
	"html/template"

	"github.com/fnvet/fnvet"
)

// Fragment is the HTML report of one target as a part of another page: the same
// <main> that the whole page has, for the style of Style. It holds no script and
// loads nothing.
func Fragment(r *fnvet.Report, o Options) (template.HTML, error) {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "target", toTarget(summarise(r, o), "report", o.Rules)); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil //nolint:gosec // made by html/template
}

// Style is the style sheet of the HTML report.
func Style() string { return pageCSS }

// Stated is Options.Blocking for a report that was judged: what it says itself.
func Stated(f *fnvet.Finding) bool { return f.Blocks }
