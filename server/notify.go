package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/server/store"
	"github.com/fnvet/fnvet/unpack/remote"
)

// dockerHub is the name of notices that answer Docker Hub's callbacks.
const dockerHub = "\x00dockerhub"

// maxNamed is how many findings a message names.
const maxNamed = 20

// notices are the messages about what changed in an artifact: of findings that
// newly block, and for those who want all, of every change.
func (s *Server) notices(a *store.Artifact, changes []store.Change) []store.Notice {
	var list []store.Notice
	for _, n := range s.File.Notifications {
		told := changes
		if !n.All {
			told = slices.DeleteFunc(slices.Clone(changes), func(c store.Change) bool { return c.What != "new" || !c.Blocks })
		}
		if len(told) == 0 {
			continue
		}
		body, err := s.message(n.Format, a, told)
		if err != nil {
			s.Logger.Error("a message could not be written", "to", n.Name, "error", err.Error())
			continue
		}
		list = append(list, store.Notice{To: n.Name, Scan: a.Scan, Body: body})
	}
	return list
}

type changeJSON struct {
	What     string         `json:"what"`
	ID       string         `json:"id"`
	Subject  string         `json:"subject"`
	Severity fnvet.Severity `json:"severity"`
	Blocks   bool           `json:"blocks"`
}

// message is the body for one receiver.
func (s *Server) message(format string, a *store.Artifact, changes []store.Change) ([]byte, error) {
	name := a.Registry + "/" + a.Repository
	if a.Tag != "" {
		name += ":" + a.Tag
	}
	title := fmt.Sprintf("%s: %d blocking", name, a.Blocking)
	if a.Code == 0 {
		title = name + " passes"
	}
	var lines []string
	for i, c := range changes {
		if i == maxNamed {
			lines = append(lines, fmt.Sprintf("and %d more", len(changes)-maxNamed))
			break
		}
		lines = append(lines, fmt.Sprintf("%s %s (%s) %s", c.What, c.Advisory, c.Severity, c.Subject))
	}
	link := ""
	if s.File.URL != "" {
		link = strings.TrimSuffix(s.File.URL, "/") + fmt.Sprintf("/artifacts/%d", a.ID)
	}
	switch format {
	case "slack":
		text := "*" + slackText(title) + "*\n" + slackText(strings.Join(lines, "\n"))
		if link != "" {
			text += "\n<" + link + "|Report>"
		}
		return json.Marshal(map[string]any{"text": title, "blocks": []any{
			map[string]any{"type": "section", "text": map[string]string{"type": "mrkdwn", "text": text}},
		}})
	case "teams":
		return teams(title, lines, link)
	}
	list := []changeJSON{}
	for _, c := range changes {
		list = append(list, changeJSON{c.What, c.Advisory, c.Subject, c.Severity, c.Blocks})
	}
	return json.Marshal(map[string]any{
		"schema": "fnvet/event/1", "artifact": map[string]string{"registry": a.Registry, "repository": a.Repository, "tag": a.Tag, "digest": a.Digest},
		"scan": a.Scan, "verdict": outcome{a.Code == 0, a.Code, a.Blocking}, "changes": list, "url": link,
	})
}

// slackText escapes what Slack's markup would read.
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// teams is an Adaptive Card, as workflows of Microsoft Teams take it.
func teams(title string, lines []string, link string) ([]byte, error) {
	body := []any{map[string]any{"type": "TextBlock", "text": title, "weight": "Bolder", "wrap": true}}
	for _, l := range lines {
		body = append(body, map[string]any{"type": "TextBlock", "text": l, "wrap": true, "spacing": "None"})
	}
	card := map[string]any{"type": "AdaptiveCard", "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "version": "1.4", "body": body}
	if link != "" {
		card["actions"] = []any{map[string]string{"type": "Action.OpenUrl", "title": "Report", "url": link}}
	}
	return json.Marshal(map[string]any{"type": "message", "attachments": []any{
		map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "content": card},
	}})
}

// callback answers Docker Hub. https://docs.docker.com/docker-hub/repos/manage/webhooks/
func callback(c *store.Scan, r *fnvet.Report) store.Notice {
	state := map[bool]string{true: "success", false: "failure"}[r.Verdict.Pass]
	description := strings.Join(r.Verdict.Reasons, "; ")
	body, _ := json.Marshal(map[string]string{ // of strings: does not fail
		"state": state, "context": "fnvet", "description": description[:min(len(description), 255)],
	})
	return store.Notice{To: dockerHub + c.Callback, Scan: c.ID, Body: body}
}

// notify delivers a message.
func (s *Server) notify(ctx context.Context, n *store.Notice) error {
	return s.span(ctx, "notify", func(ctx context.Context) error { return s.deliver(ctx, n) }, attribute.Int64("fnvet.scan", n.Scan))
}

// deliver sends a message. Its signature is that of the time and the body, so
// that a receiver can refuse old ones: HMAC-SHA256 of "TIME.BODY".
func (s *Server) deliver(ctx context.Context, n *store.Notice) error {
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"fnvet/" + s.Version}}
	if address, ok := strings.CutPrefix(n.To, dockerHub); ok {
		if !dockerHubCallback(address) {
			return store.Permanent(errors.New("not a callback of Docker Hub"))
		}
		return send(ctx, fenced(address, false), address, n.Body, header)
	}
	i := slices.IndexFunc(s.File.Notifications, func(c Notification) bool { return c.Name == n.To })
	if i < 0 {
		return store.Permanent(fmt.Errorf("no notification of the configuration is named %q", n.To))
	}
	to := &s.File.Notifications[i]
	at := strconv.FormatInt(time.Now().Unix(), 10)
	header.Set("X-Fnvet-Scan", strconv.FormatInt(n.Scan, 10))
	if secret := to.Secret.Reveal(); secret != "" {
		header.Set("X-Fnvet-Timestamp", at)
		header.Set("X-Fnvet-Signature-256", "sha256="+signature(secret, at, n.Body))
	}
	if err := send(ctx, fenced(to.URL.Reveal(), to.Private), to.URL.Reveal(), n.Body, header); err != nil {
		return fmt.Errorf("%s: %w", to.Name, err)
	}
	return nil
}

func signature(secret, at string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(at + "."))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// fenced is a client for one address: it follows no redirect and connects to
// public addresses only, unless private ones are allowed.
func fenced(address string, private bool) *http.Client {
	host := ""
	if u, err := url.Parse(address); err == nil {
		host = u.Host
	}
	f := &remote.Fence{Hosts: []string{host}, Private: private}
	return &http.Client{
		Transport: f.Transport(), Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// reason is an error of a connection without the address, which may hold a secret.
func reason(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}
