// Package testbrowser looks at pages with a headless Chromium, where there is one.
// It is for tests only.
package testbrowser

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// A Browser is a headless Chromium spoken to over its debugging protocol.
type Browser struct {
	// Events are what happened: a method and its parameters, with a space between.
	Events  []string
	t       *testing.T
	ws      *websocket.Conn
	id      int
	session string
}

// Start starts Chromium, or skips where there is none.
func Start(t *testing.T) *Browser {
	t.Helper()
	var bin string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			bin = p
			break
		}
	}
	if bin == "" || testing.Short() {
		t.Skip("no Chromium to open the page in (Debian package chromium), or -short")
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
	b := &Browser{t: t, ws: ws}
	t.Cleanup(func() { _ = ws.Close() })
	return b
}

// Call sends a command and returns its result; events on the way are kept.
func (b *Browser) Call(session, method string, params any) json.RawMessage {
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
			b.Events = append(b.Events, in.Method+" "+string(in.Params))
		case in.ID == b.id && in.Error != nil:
			b.t.Fatalf("%s: %s", method, in.Error.Message)
		case in.ID == b.id:
			return in.Result
		}
	}
}

// A View is how a page is looked at.
type View struct {
	Width    int // columns; below 600 it is a telephone
	NoScript bool
	Dark     bool
	Header   map[string]string // sent with every request
}

// Open loads an address, in the same tab as before, and returns its session.
func (b *Browser) Open(address string, v View) string {
	b.t.Helper()
	if b.session == "" {
		b.session = b.tab()
	}
	s := b.session
	scheme := map[bool]string{false: "light", true: "dark"}[v.Dark]
	b.Call(s, "Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]string{"name": "prefers-color-scheme", "value": scheme}}})
	b.Call(s, "Emulation.setDeviceMetricsOverride", map[string]any{"width": v.Width, "height": 900, "deviceScaleFactor": 1, "mobile": v.Width < 600})
	b.Call(s, "Emulation.setScriptExecutionDisabled", map[string]any{"value": v.NoScript})
	if v.Header == nil {
		v.Header = map[string]string{}
	}
	b.Call(s, "Network.setExtraHTTPHeaders", map[string]any{"headers": v.Header})
	b.Eval(s, "window.before = true")
	b.Call(s, "Page.navigate", map[string]any{"url": address})
	for range 500 {
		if b.Eval(s, "document.readyState + !window.before") == "completetrue" {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatalf("%s does not load", address)
	return ""
}

// tab opens one and listens to what happens there.
func (b *Browser) tab() string {
	b.t.Helper()
	var target struct{ TargetID, SessionID string }
	decode := func(raw json.RawMessage) {
		if err := json.Unmarshal(raw, &target); err != nil {
			b.t.Fatal(err)
		}
	}
	decode(b.Call("", "Target.createTarget", map[string]any{"url": "about:blank"}))
	decode(b.Call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}))
	for _, domain := range []string{"Page", "Network", "Log", "Runtime"} {
		b.Call(target.SessionID, domain+".enable", nil)
	}
	return target.SessionID
}

// Eval is the value of an expression in the page, also where scripts are switched off.
func (b *Browser) Eval(session, js string) string {
	b.t.Helper()
	var res struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	if err := json.Unmarshal(b.Call(session, "Runtime.evaluate", map[string]any{"expression": js}), &res); err != nil {
		b.t.Fatal(err)
	}
	if res.ExceptionDetails != nil {
		b.t.Fatalf("%s: %v", js, res.ExceptionDetails)
	}
	return fmt.Sprint(res.Result.Value)
}

// Screenshot keeps a picture for eyes where FNVET_SCREENSHOTS names a folder.
func (b *Browser) Screenshot(session, name string) {
	b.t.Helper()
	dir := os.Getenv("FNVET_SCREENSHOTS")
	if dir == "" {
		return
	}
	var res struct{ Data string }
	if err := json.Unmarshal(b.Call(session, "Page.captureScreenshot", map[string]any{"captureBeyondViewport": true, "format": "png"}), &res); err != nil {
		b.t.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(res.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil { // #nosec G703 -- the developer names the folder
		b.t.Fatal(err)
	}
}
