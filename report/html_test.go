package report

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/testbrowser"
)

// layered is rich with what images have.
func layered() *fnvet.Report {
	r := rich()
	r.Artifact.Layers = []fnvet.Layer{
		{Digest: "sha256:aaaaaaaaaaaaaaaa", Size: 30_000_000, Command: "FROM base"},
		{Digest: "sha256:bbbbbbbbbbbbbbbb", Size: 9_000_000, Command: hostile},
	}
	r.Packages = append(r.Packages, fnvet.Package{
		PURL: "pkg:npm/mkdirp@0.5.1", Name: "mkdirp", Version: "0.5.1", Ecosystem: "npm", Kind: fnvet.Installed, Direct: true,
		DependsOn: []string{"pkg:npm/minimist@0.0.8"},
	})
	r.Packages[1].Direct = false
	return r
}

func TestHTMLGolden(t *testing.T) {
	golden(t, "html", write(t, "html", []*fnvet.Report{layered()}, Options{}))
}

// TestHTMLIsInert holds that the page has no elements or attributes but our own,
// whatever the artifact says: nothing that loads, runs or styles by itself.
func TestHTMLIsInert(t *testing.T) {
	doc, err := html.Parse(bytes.NewReader(write(t, "html", []*fnvet.Report{layered(), incomplete()}, Options{})))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcset", a.Key == "background":
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			case a.Key == "href" && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "https://osv.dev/vulnerability/"):
				t.Errorf("link to %q", a.Val)
			}
		}
	}
	for _, tag := range []string{"img", "iframe", "object", "embed", "link", "base", "video", "audio"} {
		if count[tag] > 0 {
			t.Errorf("%d <%s>", count[tag], tag)
		}
	}
	if count["script"] != 1 || count["style"] != 1 {
		t.Errorf("%d scripts, %d styles", count["script"], count["style"])
	}
}

func TestChain(t *testing.T) {
	p := func(name string, direct bool, deps ...string) fnvet.Package {
		return fnvet.Package{PURL: name, Name: name, Version: "1", Direct: direct, DependsOn: deps}
	}
	g := newGraph([]fnvet.Package{p("a", true, "b"), p("b", false, "c", "a"), p("c", false, "c"), p("d", false, "b", "gone"), p("x", false, "y"), p("y", false, "x")})
	for _, row := range [][2]string{{"a", ""}, {"b", "a 1"}, {"c", "a 1,b 1"}, {"d", ""}, {"x", ""}, {"gone", ""}} {
		if got := strings.Join(g.chain(row[0]), ","); got != row[1] {
			t.Errorf("chain(%s) = %q, want %q", row[0], got, row[1])
		}
	}
}

// TestHTMLInBrowser opens the report as people do: nothing on the console, no
// request leaves the file, the filter works, nothing is wider than a telephone.
func TestHTMLInBrowser(t *testing.T) {
	b := testbrowser.Start(t)
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, write(t, "html", []*fnvet.Report{layered(), incomplete()}, Options{}), 0o600); err != nil {
		t.Fatal(err)
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	const rows = `[...document.querySelectorAll("[data-row]")].filter(r => r.checkVisibility()).length`
	s := b.Open(address, testbrowser.View{Width: 1280})
	all := b.Eval(s, `document.querySelectorAll("[data-row]").length`)
	b.Eval(s, `const f = document.querySelector(".tools"); const say = (n, v) => { f[n].value = v; f.dispatchEvent(new Event("input")); };`)
	for _, row := range []struct{ js, want, why string }{
		{`f.hidden`, "false", "the tools show"},
		{`say("q", "MINIMIST 1.2.6"); ` + rows, "1", "search is in any case, all words"},
		{`say("q", "minimist"); ` + rows, "6", "rows of a matching card, of both package lists and of the sizes"},
		{`say("q", "no such thing"); ` + rows, "0", "nothing matches"},
		{`document.querySelector(".nothing").hidden`, "false", "and the page says so"},
		{`[...document.querySelectorAll("[data-group]")].some(g => g.checkVisibility())`, "false", "empty groups go"},
		{`say("q", ""); say("kind", "secret"); ` + rows, "1", "by kind"},
		{`say("kind", ""); say("sev", "5"); ` + rows + ` < ` + all, "true", "by severity"},
		{`say("sev", ""); document.querySelectorAll("[data-row][hidden]").length`, "0", "all back"},
		{`document.querySelectorAll("script, style").length`, "2", "nothing of the artifact became code"},
	} {
		if got := b.Eval(s, row.js); got != row.want {
			t.Errorf("%s: got %s, want %s", row.why, got, row.want)
		}
	}
	for _, width := range []int{1280, 390} {
		s := b.Open(address, testbrowser.View{Width: width})
		if got := b.Eval(s, `document.documentElement.scrollWidth <= innerWidth`); got != "true" {
			t.Errorf("at %d columns the page is %s wide", width, b.Eval(s, "document.documentElement.scrollWidth"))
		}
		b.Screenshot(s, fmt.Sprintf("report-%d.png", width))
	}
	plain := b.Open(address, testbrowser.View{Width: 1280, NoScript: true})
	if got := b.Eval(plain, `document.querySelector(".tools").hidden && document.querySelector(".card").checkVisibility()`); got != "true" {
		t.Error("without JavaScript the findings are not to be read")
	}
	for _, e := range b.Events {
		method, params, _ := strings.Cut(e, " ")
		switch method {
		case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled":
			t.Errorf("console: %s", e)
		case "Network.requestWillBeSent":
			if !regexp.MustCompile(`"request":\{"url":"(file:|about:blank)`).MatchString(params) {
				t.Errorf("request: %s", params)
			}
		}
	}
}
