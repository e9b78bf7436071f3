// Package web renders the server's page: artifacts with their verdicts, one
// artifact's report, search, the trend of open blockers, the queue. It is pure:
// values in, HTML out. The pages work without a script, load nothing from
// elsewhere, and everything in them is escaped by html/template.
package web

import (
	"crypto/sha256"
	_ "embed" // templates and style
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/fnvet/fnvet/internal/escape"
	"github.com/fnvet/fnvet/report"
	"github.com/fnvet/fnvet/server/store"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// A View is what a page shows.
type View struct {
	Title   string
	Section string // artifacts, search, queue: what the navigation marks
	Version string

	Query     string
	Verdict   string // the filter, or ""
	Artifacts []store.Artifact
	Next      string // address of the next page of the list, or ""
	Today     store.Day
	Trend     []store.Day

	Artifact *store.Artifact
	Report   template.HTML // report.Fragment
	Changes  []store.Logged

	Components []store.Component
	Asked      string // "purl" or "advisory"

	Depth store.Depth
	Scans []store.Scan

	Problem string
	Notice  string // what every page says, or ""

	Base    string // address of the server
	Guarded bool   // it wants a token
	User    string // who logged in and can log out, or ""
	Replays bool   // dead letters may be tried again
}

// Style is the style sheet of every page.
func Style() string { return report.Style() + pageCSS }

// Policy is the Content-Security-Policy of every page.
func Policy() string {
	sum := sha256.Sum256([]byte(Style()))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// Render writes the page of a name: artifacts, artifact, search, queue, problem.
// What was written before an error is no page.
func Render(w io.Writer, name string, v View, now time.Time) error {
	t, err := template.New("").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(Style()) }, //nolint:gosec // our own files
		"age":   func(at time.Time) string { return age(now.Sub(at)) },
		"iso":   func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"clean": escape.Text,
		"short": short,
		"word":  word,
		"chart": func() chart { return draw(v.Trend) },
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, name, v)
}

// word is a verdict as people read it.
func word(code int) string {
	switch code {
	case 0:
		return "PASS"
	case 1:
		return "FAIL"
	default:
		return "INCOMPLETE"
	}
}

// age is a duration in the largest unit there is one of.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

func short(digest string) string {
	name, hex, ok := strings.Cut(digest, ":")
	if ok && len(hex) > 12 {
		return name + ":" + hex[:12]
	}
	return digest
}

// A chart is the trend as an SVG line in a box of 600 by 100.
type chart struct {
	Points string
	Max    int
	From   string
	To     string
}

func draw(days []store.Day) chart {
	var c chart
	if len(days) == 0 {
		return c
	}
	for _, d := range days {
		c.Max = max(c.Max, d.Blockers)
	}
	c.From, c.To = days[0].Day, days[len(days)-1].Day
	var b strings.Builder
	for i, d := range days {
		x := 600.0
		if len(days) > 1 {
			x = 600 * float64(i) / float64(len(days)-1)
		} else {
			b.WriteString("0," + fmt.Sprintf("%.1f ", height(d.Blockers, c.Max)))
		}
		fmt.Fprintf(&b, "%.1f,%.1f ", x, height(d.Blockers, c.Max))
	}
	c.Points = strings.TrimSpace(b.String())
	return c
}

func height(n, most int) float64 {
	if most == 0 {
		return 95
	}
	return 95 - 90*float64(n)/float64(most)
}

// Title names an artifact's page.
func Title(a *store.Artifact) string {
	name := word(a.Code) + ": " + a.Repository
	if a.Tag != "" {
		name += ":" + a.Tag
	}
	return name
}
