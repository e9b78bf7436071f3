// Command generate writes the data files of posture/data from packages that the
// npm and pip clients install by name. It needs those two clients and is run by
// "go generate ./posture/data"; fnvet itself never runs it.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate: error:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run() error {
	tmp, err := os.MkdirTemp("", "fnvet-data-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	g := &generator{dir: tmp, date: time.Now().UTC().Format("2006-01-02")}
	ctx := context.Background()
	for _, step := range []func(context.Context) error{g.actions, g.managed, g.escalations, g.lambdaRuntimes, g.googleRuntimes, g.prices} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// A generator makes the files, from packages unpacked in memory.
type generator struct {
	dir, date string
}

// header is the first line of every file.
func (g *generator) header(p *pkg, what string) string {
	return fmt.Sprintf("# %s; from %s %s (%s), %s; made by go generate, do not edit\n", what, p.name, p.version, p.licence, g.date)
}

func write(name string, text []byte) error {
	if strings.HasSuffix(name, ".zst") {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20))
		if err != nil {
			return err
		}
		text = w.EncodeAll(text, nil)
	}
	return os.WriteFile(filepath.Clean(name), text, 0o600)
}

func (g *generator) escalations(ctx context.Context) error {
	p, err := g.pip(ctx, "cloudsplaining")
	if err != nil {
		return err
	}
	src := string(p.files["cloudsplaining/shared/constants.py"])
	block := between(src, "PRIVILEGE_ESCALATION_METHODS = {", "\n}")
	links := between(src, "PRIVILEGE_ESCALATION_PATHFINDING_PATHS = {", "\n}")
	url := map[string]string{}
	for _, m := range regexp.MustCompile(`"(\w+)": "(https://[^"]+)"`).FindAllStringSubmatch(links, -1) {
		url[m[1]] = m[2]
	}
	var b bytes.Buffer
	b.WriteString(g.header(p, "published ways to more privileges: name, link, actions that it needs together"))
	found := regexp.MustCompile(`"(\w+)":\s*\[([^\]]*)\]`).FindAllStringSubmatch(block, -1)
	if len(found) < 20 {
		return fmt.Errorf("cloudsplaining: %d methods only", len(found))
	}
	for _, m := range found {
		fmt.Fprintf(&b, "%s %s %s\n", m[1], or(url[m[1]], "-"), strings.Join(quoted(m[2]), " "))
	}
	for _, list := range []string{"READ_ONLY_DATA_EXFILTRATION_ACTIONS", "ACTIONS_THAT_RETURN_CREDENTIALS"} {
		actions := quoted(between(src, list+" = [", "\n]"))
		if len(actions) == 0 {
			return fmt.Errorf("cloudsplaining: no %s", list)
		}
		name := map[string]string{"READ_ONLY_DATA_EXFILTRATION_ACTIONS": "!reads", "ACTIONS_THAT_RETURN_CREDENTIALS": "!credentials"}[list]
		fmt.Fprintf(&b, "%s - %s\n", name, strings.Join(actions, " "))
	}
	return write("escalations.txt", b.Bytes())
}

// quoted returns the double-quoted strings of Python source, comments left out.
func quoted(src string) []string {
	var out []string
	for line := range strings.SplitSeq(src, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for _, m := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(line, -1) {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func between(s, from, to string) string {
	_, s, ok := strings.Cut(s, from)
	if !ok {
		return ""
	}
	s, _, _ = strings.Cut(s, to)
	return s
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
