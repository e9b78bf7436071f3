package report

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/websocket"

	"github.com/fnvet/fnvet"
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

// A browser is a headless Chromium spoken to over its debugging protocol.
type browser struct {
	t      *testing.T
	ws     *websocket.Conn
	id     int
	events []string // method and parameters of what happened
}

// openBrowser starts Chromium, or skips where there is none.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	var bin string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			bin = p
			break
		}
	}
	if bin == "" || testing.Short() {
		t.Skip("no Chromium to open the report in, or -short")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	cmd := exec.CommandContext(ctx, bin, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0",
		"--remote-allow-origins=*", "--user-data-dir="+dir, "about:blank")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed on purpose
		for range 50 { // its children still write to the folder for a moment
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	var port string
	for range 300 {
		if b, err := os.ReadFile(filepath.Join(dir, "DevToolsActivePort")); err == nil && bytes.Count(b, []byte("\n")) == 1 {
			port = string(b)
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	host, path, ok := strings.Cut(port, "\n")
	if !ok {
		t.Skip("Chromium does not start here")
	}
	ws, err := websocket.Dial("ws://127.0.0.1:"+host+path, "", "http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, ws: ws}
	t.Cleanup(func() { _ = ws.Close() })
	return b
}

// call sends a command and returns its result; events on the way are kept.
func (b *browser) call(session, method string, params any) json.RawMessage {
	b.t.Helper()
	b.id++
	msg := map[string]any{"id": b.id, "method": method, "params": params}
	if session != "" {
		msg["sessionId"] = session
	}
	if err := websocket.JSON.Send(b.ws, msg); err != nil {
		b.t.Fatal(err)
	}
	for {
		var in struct {
			ID     int
			Method string
			Params json.RawMessage
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := websocket.JSON.Receive(b.ws, &in); err != nil {
			b.t.Fatal(err)
		}
		switch {
		case in.Method != "":
			b.events = append(b.events, in.Method+" "+string(in.Params))
		case in.ID == b.id && in.Error != nil:
			b.t.Fatalf("%s: %s", method, in.Error.Message)
		case in.ID == b.id:
			return in.Result
		}
	}
}

// open loads a file in a new tab and returns its session.
func (b *browser) open(file string, width int, script bool) string {
	b.t.Helper()
	var target struct{ TargetID, SessionID string }
	decode := func(raw json.RawMessage) {
		if err := json.Unmarshal(raw, &target); err != nil {
			b.t.Fatal(err)
		}
	}
	decode(b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}))
	decode(b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}))
	s := target.SessionID
	for _, domain := range []string{"Page", "Network", "Log", "Runtime"} {
		b.call(s, domain+".enable", nil)
	}
	b.call(s, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
	b.call(s, "Emulation.setScriptExecutionDisabled", map[string]any{"value": !script})
	b.call(s, "Page.navigate", map[string]any{"url": (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()})
	for range 100 {
		if b.eval(s, "document.readyState + location.protocol") == "completefile:" {
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatal("the page does not load")
	return ""
}

func (b *browser) eval(session, js string) string {
	b.t.Helper()
	var res struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	if err := json.Unmarshal(b.call(session, "Runtime.evaluate", map[string]any{"expression": js}), &res); err != nil {
		b.t.Fatal(err)
	}
	if res.ExceptionDetails != nil {
		b.t.Fatalf("%s: %v", js, res.ExceptionDetails)
	}
	return fmt.Sprint(res.Result.Value)
}

// TestHTMLInBrowser opens the report as people do: nothing on the console, no
// request leaves the file, the filter works, nothing is wider than a telephone.
func TestHTMLInBrowser(t *testing.T) {
	b := openBrowser(t)
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, write(t, "html", []*fnvet.Report{layered(), incomplete()}, Options{}), 0o600); err != nil {
		t.Fatal(err)
	}
	const rows = `[...document.querySelectorAll("[data-row]")].filter(r => r.checkVisibility()).length`
	s := b.open(file, 1280, true)
	all := b.eval(s, `document.querySelectorAll("[data-row]").length`)
	b.eval(s, `const f = document.querySelector(".tools"); const say = (n, v) => { f[n].value = v; f.dispatchEvent(new Event("input")); };`)
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
		if got := b.eval(s, row.js); got != row.want {
			t.Errorf("%s: got %s, want %s", row.why, got, row.want)
		}
	}
	for _, width := range []int{1280, 390} {
		s := b.open(file, width, true)
		if got := b.eval(s, `document.documentElement.scrollWidth <= innerWidth`); got != "true" {
			t.Errorf("at %d columns the page is %s wide", width, b.eval(s, "document.documentElement.scrollWidth"))
		}
		b.screenshot(s, fmt.Sprintf("report-%d.png", width))
	}
	plain := b.open(file, 1280, false)
	if got := b.eval(plain, `document.querySelector(".tools").hidden && document.querySelector(".card").checkVisibility()`); got != "true" {
		t.Error("without JavaScript the findings are not to be read")
	}
	for _, e := range b.events {
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

// screenshot keeps a picture for eyes where FNVET_SCREENSHOTS names a folder.
func (b *browser) screenshot(session, name string) {
	b.t.Helper()
	dir := os.Getenv("FNVET_SCREENSHOTS")
	if dir == "" {
		return
	}
	var res struct{ Data string }
	if err := json.Unmarshal(b.call(session, "Page.captureScreenshot", map[string]any{"captureBeyondViewport": true, "format": "png"}), &res); err != nil {
		b.t.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(res.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
