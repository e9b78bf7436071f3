package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
	"github.com/fnvet/fnvet/internal/testbrowser"
	"github.com/fnvet/fnvet/internal/testdb"
)

const unkind = `<img src=x onerror=alert(1)>\u202e"'&`

// filled is a server with artifacts of each verdict, changes, and a dead letter.
func filled(t *testing.T) *testServer {
	s := start(t, testdb.SQLite(t), "")
	long := strings.Repeat("very-long-name/", 9) + "app"
	s.scanner.also = func(r *fnvet.Report) {
		switch r.Artifact.Name {
		case "fn/clean":
			r.Findings, r.Packages = []fnvet.Finding{}, r.Packages[1:]
		case "fn/gaps":
			r.Findings, r.Packages = []fnvet.Finding{}, r.Packages[1:]
			r.Gaps = []fnvet.Gap{{Path: unkind, Reason: "unreadable", Detail: "not read to its end"}}
		default:
			r.Findings = append(r.Findings, fnvet.Finding{
				ID: "secret/" + strings.Repeat("x", 60), Kind: fnvet.SecretKind, Severity: fnvet.Critical, Title: unkind, Blocks: true,
				Path: strings.Repeat("folder/", 30) + "a.env", Line: 3, Evidence: strings.Repeat("*", 300), Remediation: "take it out",
			}, fnvet.Finding{ID: "hygiene/x", Kind: fnvet.Hygiene, Severity: fnvet.Low, Title: "low", Path: "a"},
				fnvet.Finding{ID: "config/x", Kind: fnvet.ConfigKind, Severity: fnvet.Medium, Title: "medium", Path: "b"})
		}
	}
	push := func(repository string, n int) string {
		digest := fmt.Sprintf("sha256:%064x", n)
		return s.do("POST", "/hooks/distribution", "boss", strings.NewReplacer("fn/app", repository, testDigest, digest, `"e1"`, fmt.Sprintf(`"e%d"`, n)).Replace(pushBody)).id(t)
	}
	for i, repository := range []string{"fn/app", "fn/clean", "fn/gaps", long} {
		s.await(push(repository, i+1), "done")
	}
	s.scanner.mu.Lock()
	s.scanner.database, s.scanner.flaws = "db2", map[string]string{"pkg:npm/lodash@4.17.20": "GHSA-2"}
	s.scanner.mu.Unlock()
	if err := s.Rescan(t.Context(), "db1", []advisory.PackageName{{Ecosystem: "npm", Name: "lodash"}}, false); err != nil {
		t.Fatal(err)
	}
	s.scanner.mu.Lock()
	s.scanner.fail = fmt.Errorf("%w, and more words of it: %s", errFake, strings.Repeat("x", 200))
	s.scanner.mu.Unlock()
	s.await(push(long+"/broken", 9), "dead")
	return s
}

// pages are all that people look at.
var pages = []struct{ name, path string }{
	{"artifacts", "/"},
	{"filtered", "/?q=fn&verdict=fail"},
	{"nothing", "/?q=none"},
	{"artifact", "/artifacts/1"},
	{"clean", "/artifacts/2"},
	{"long", "/artifacts/4"},
	{"search", "/search"},
	{"packages", "/search?package=l"},
	{"affected", "/search?advisory=GHSA-2"},
	{"containing", "/search?package=pkg:npm/left-pad@1.3.0"},
	{"queue", "/queue"},
	{"missing", "/artifacts/999"},
}

// contrast lists text with less than 4.5 to 1 against what is behind it: WCAG 2.2,
// 1.4.3, by the formulas of relative luminance and contrast ratio there.
const contrast = `(() => {
const lin = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
const lum = c => .2126 * lin(c[0]) + .7152 * lin(c[1]) + .0722 * lin(c[2]);
const rgba = s => { const m = s.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3]));
const behind = e => {
  const layers = [];
  for (; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
  return layers.reduceRight((below, l) => over(l, below), [255, 255, 255]);
};
const bad = []; let seen = 0;
const check = (e, style, text) => {
  const back = behind(e), front = over(rgba(style.color), back);
  const [a, b] = [lum(front), lum(back)].sort((x, y) => y - x);
  seen++;
  if ((a + .05) / (b + .05) < 4.5) bad.push(((a + .05) / (b + .05)).toFixed(2) + " " + text.slice(0, 40) + " " + style.color + " on " + back);
};
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let n; (n = walk.nextNode());) {
  const e = n.parentElement;
  if (n.data.trim() && e.checkVisibility()) check(e, getComputedStyle(e), n.data.trim());
}
for (const e of document.body.querySelectorAll("*")) {
  for (const part of ["::before", "::placeholder"]) {
    const style = getComputedStyle(e, part);
    if (e.checkVisibility() && (part === "::before" ? !["none", "normal", '""'].includes(style.content) : e.placeholder)) check(e, style, part + " " + style.content);
  }
}
return JSON.stringify({seen, bad});
})()`

// outline lists what a reader by ear would miss: names of controls, the heading,
// the main part, identities.
const outline = `(() => {
const bad = [];
if (document.documentElement.lang !== "en") bad.push("no language");
if (document.querySelectorAll("h1").length !== 1) bad.push(document.querySelectorAll("h1").length + " h1");
if (document.querySelectorAll("main").length !== 1) bad.push(document.querySelectorAll("main").length + " main");
for (const c of document.querySelectorAll("input, select")) if (!c.labels.length) bad.push("no label: " + c.outerHTML);
for (const c of document.querySelectorAll("a[href], button")) if (!(c.innerText + (c.ariaLabel || "")).trim() && c.checkVisibility()) bad.push("no name: " + c.outerHTML);
for (const c of document.querySelectorAll("[id]")) if (document.querySelectorAll("#" + CSS.escape(c.id)).length > 1) bad.push("twice: " + c.id);
for (const c of document.querySelectorAll("a[href^='#']")) if (!document.getElementById(c.hash.slice(1))) bad.push("leads nowhere: " + c.hash);
let last = 0;
for (const h of document.querySelectorAll("h1, h2, h3, h4")) { const n = +h.tagName[1]; if (n > last + 1) bad.push("a level is left out: " + h.innerText); last = n; }
return JSON.stringify(bad);
})()`

// TestPageInBrowser looks at every page as people do, with and without scripts, at
// a desk and on a telephone, in daylight and at night.
func TestPageInBrowser(t *testing.T) {
	b := testbrowser.Start(t)
	s := filled(t)
	for i, p := range pages {
		views := []testbrowser.View{{Width: 1280}, {Width: 360, NoScript: true, Dark: true}, {Width: 360}, {Width: 1280, Dark: true}}
		if i > 0 {
			views = views[:2]
		}
		for _, v := range views {
			name := fmt.Sprintf("page-%s-%d-%v", p.name, v.Width, map[bool]string{true: "dark", false: "light"}[v.Dark])
			v.Header = map[string]string{"Authorization": "Bearer boss"}
			tab := b.Open(s.at+p.path, v)
			looksRight(t, b, tab, name)
			if v.NoScript {
				tabsThrough(t, b, tab, name)
			}
		}
	}
	for _, e := range b.Events {
		method, params, _ := strings.Cut(e, " ")
		switch {
		case strings.Contains(params, "/artifacts/999"): // that it is missing is said there
		case method == "Log.entryAdded", method == "Runtime.exceptionThrown", method == "Runtime.consoleAPICalled":
			t.Errorf("console: %s", e)
		case method == "Network.requestWillBeSent" && !strings.Contains(params, `"request":{"url":"`+s.at) && !strings.Contains(params, `"request":{"url":"about:blank`):
			t.Errorf("request: %s", params)
		}
	}
}

// looksRight checks a page for eyes and ears, and keeps a picture.
func looksRight(t *testing.T, b *testbrowser.Browser, tab, name string) {
	t.Helper()
	if got := b.Eval(tab, `document.documentElement.scrollWidth <= innerWidth`); got != "true" {
		t.Errorf("%s is %s wide", name, b.Eval(tab, "document.documentElement.scrollWidth"))
	}
	var light struct {
		Seen int
		Bad  []string
	}
	if err := json.Unmarshal([]byte(b.Eval(tab, contrast)), &light); err != nil || light.Seen < 5 || len(light.Bad) > 0 {
		t.Errorf("%s: %d texts, too little contrast: %q, %v", name, light.Seen, light.Bad, err)
	}
	if got := b.Eval(tab, outline); got != "[]" {
		t.Errorf("%s: %s", name, got)
	}
	if got := b.Eval(tab, `document.querySelectorAll("script, img, iframe").length`); got != "0" {
		t.Errorf("%s: %s elements that load or run", name, got)
	}
	b.Screenshot(tab, name+".png")
}

// TestPageOfOthers: a server without anything, with advisories that are missing,
// and one where somebody with a long name is logged in.
func TestPageOfOthers(t *testing.T) {
	b := testbrowser.Start(t)
	empty := start(t, testdb.SQLite(t), "")
	empty.scanner.mu.Lock()
	empty.scanner.dated = time.Time{}
	empty.scanner.mu.Unlock()
	users := startLogin(t, newProvider(t))
	w := httptest.NewRecorder()
	users.gate.sessions.set(w, "session", &session{ID: "1", User: strings.Repeat("eve.long-name", 7), Scopes: []string{ScopeRead}, Until: time.Now().Add(time.Hour).Unix()}, time.Hour)
	for _, v := range []testbrowser.View{{Width: 1280}, {Width: 360, Dark: true, NoScript: true}} {
		name := fmt.Sprintf("page-%%s-%d", v.Width)
		v.Header = map[string]string{"Authorization": "Bearer read"}
		tab := b.Open(empty.at, v)
		looksRight(t, b, tab, fmt.Sprintf(name, "empty"))
		if got := b.Eval(tab, `document.querySelector("[role=status]").innerText`); !strings.Contains(got, "no advisory database") {
			t.Errorf("the page says %q", got)
		}
		v.Header = map[string]string{"Cookie": w.Header().Get("Set-Cookie")}
		tab = b.Open(users.at, v)
		looksRight(t, b, tab, fmt.Sprintf(name, "user"))
		tabsThrough(t, b, tab, fmt.Sprintf(name, "user"))
		if got := b.Eval(tab, `document.querySelector(".who").innerText`); !strings.Contains(got, "eve") || !strings.Contains(got, "Log out") {
			t.Errorf("the page says %q", got)
		}
	}
}

// tabsThrough presses the tab key until it was everywhere: every control comes,
// in the order of the page, and shows that it has the focus.
func tabsThrough(t *testing.T, b *testbrowser.Browser, tab, name string) {
	t.Helper()
	const controls = `[...document.querySelectorAll("a[href], button, input, select, summary")].filter(e => e.checkVisibility())`
	var all int
	if _, err := fmt.Sscan(b.Eval(tab, controls+".length"), &all); err != nil || all < 4 {
		t.Fatalf("%s: %d controls, %v", name, all, err)
	}
	var order []int
	for range all {
		for _, kind := range []string{"rawKeyDown", "keyUp"} {
			b.Call(tab, "Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9})
		}
		var at int
		var seen bool
		state := b.Eval(tab, `(() => { const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
return `+controls+`.indexOf(e) + " " + (r.width > 0 && r.left >= 0 && r.right <= innerWidth + 1 && s.outlineStyle !== "none"); })()`)
		if _, err := fmt.Sscan(state, &at, &seen); err != nil || !seen {
			t.Errorf("%s: the focus on control %d is not seen (%v)", name, at, err)
		}
		order = append(order, at)
	}
	want := make([]int, all)
	for i := range want {
		want[i] = i
	}
	if !slices.Equal(order, want) {
		t.Errorf("%s: the tab key goes %v, want %d controls in order", name, order, all)
	}
}

// TestPageForms: what people type comes back, escaped, and buttons do what they say.
func TestPageForms(t *testing.T) {
	b := testbrowser.Start(t)
	s := filled(t)
	tab := b.Open(s.at+"/queue", testbrowser.View{Width: 1280, Header: map[string]string{"Authorization": "Bearer boss"}})
	s.scanner.mu.Lock()
	s.scanner.fail = nil
	s.scanner.mu.Unlock()
	b.Eval(tab, `document.querySelector(".again button").click()`)
	s.await("5", "done")
	g := s.do("GET", "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "boss", "", "Accept", "text/html")
	if g.status != http.StatusOK || strings.Contains(g.body, "<script>") {
		t.Errorf("%d %s", g.status, g.body)
	}
	for _, e := range b.Events {
		if strings.HasPrefix(e, "Log.entryAdded") {
			t.Errorf("console: %s", e)
		}
	}
}
