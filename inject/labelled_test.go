package inject

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/rules"
)

// A labelled handler: what is in it was judged by reading, not by running fnvet.
type labelled struct {
	bad    bool
	class  string // the sink, for both halves
	lang   string
	reason string
	files  map[string]string
	states []fnvet.Function
	from   string
}

// readLabelled reads testdata/FOLDER/*.txtar. A file is named "bad CLASS NAME: reason"
// or "safe CLASS NAME: reason", where NAME is the path of the handler; "+ NAME" adds a
// file to the case before, and "+ template" states its function: the handler, then
// the kinds of its triggers.
func readLabelled(t testing.TB, folder string) []labelled {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no labelled handlers: %v", err)
	}
	var out []labelled
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(data).Files {
			if f.Name == "+ template" {
				words := strings.Fields(string(f.Data))
				fn := fnvet.Function{Name: "Fn", Cloud: "aws", Handler: words[0]}
				for _, kind := range words[1:] {
					fn.Triggers = append(fn.Triggers, fnvet.Trigger{Kind: fnvet.TriggerKind(kind)})
				}
				out[len(out)-1].states = append(out[len(out)-1].states, fn)
				continue
			}
			if extra, ok := strings.CutPrefix(f.Name, "+ "); ok {
				out[len(out)-1].files[extra] = string(f.Data)
				continue
			}
			head, reason, ok := strings.Cut(f.Name, ": ")
			words := strings.Fields(head)
			if !ok || len(words) != 3 || words[0] != "bad" && words[0] != "safe" {
				t.Fatalf("%s: %q is not \"bad|safe CLASS NAME: reason\"", name, f.Name)
			}
			out = append(out, labelled{bad: words[0] == "bad", class: "injection/" + words[1], lang: strings.TrimPrefix(path.Ext(words[2]), "."),
				reason: reason, files: map[string]string{words[2]: string(f.Data)}, from: name})
		}
	}
	return out
}

// tables are the built-in ones, read once for all cases.
var tables = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(nil) })

func scanFiles(t testing.TB, o Options, files map[string]string, functions ...fnvet.Function) fnvet.Facts {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Rules) == 0 {
		if d.rules, err = tables(); err != nil {
			t.Fatal(err)
		}
	}
	var early fnvet.Facts
	for name, text := range files {
		f := &fnvet.File{Path: name, Name: name, Size: int64(len(text)), Data: []byte(text)}
		if !d.Want(f) {
			continue
		}
		got, err := d.Detect(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		early.Gaps = append(early.Gaps, got.Gaps...)
	}
	d.Situate(fnvet.Artifact{Type: "zip"}, nil, true)
	d.Inform(functions)
	facts, err := d.Finish(context.Background(), func(string, string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	facts.Gaps = append(early.Gaps, facts.Gaps...)
	return facts
}

func describe(facts fnvet.Facts) string {
	var b strings.Builder
	for _, f := range facts.Findings {
		fmt.Fprintf(&b, "\n\t%s %s %s:%d:%d %s", f.ID, f.Severity, f.Path, f.Line, f.Column, f.Evidence)
		for _, s := range f.Flow {
			fmt.Fprintf(&b, "\n\t\t%s:%d:%d %s", s.Path, s.Line, s.Column, s.Note)
		}
	}
	for _, g := range facts.Gaps {
		fmt.Fprintf(&b, "\n\tgap %s %s: %s", g.Reason, g.Path, g.Detail)
	}
	return b.String()
}

// knownMisses and knownFalse are handlers that are judged wrongly, with why. They
// count in docs/injection.md.
var (
	knownMisses = map[string]string{}
	knownFalse  = map[string]string{}
)

type score struct{ bad, found, safe, wrong int }

// At least as many handlers of each half as these are judged.
const enough = 120

func TestLabelled(t *testing.T) {
	by := map[string]*score{}
	total := &score{}
	for _, c := range readLabelled(t, "labelled") {
		facts := scanFiles(t, Options{}, compiledFiles(t, c.files), c.states...)
		if by[c.class] == nil {
			by[c.class] = &score{}
		}
		hit := false
		noise := 0
		for _, f := range facts.Findings {
			if f.ID == c.class {
				hit = true
			}
			if f.Severity.Rank() >= fnvet.Low.Rank() {
				noise++
			}
		}
		for _, s := range []*score{by[c.class], total} {
			switch {
			case c.bad:
				s.bad++
				if hit {
					s.found++
				}
			default:
				s.safe++
				if noise > 0 {
					s.wrong++
				}
			}
		}
		key := strings.TrimPrefix(c.class, "injection/") + ": " + c.reason
		if c.bad && !hit && knownMisses[key] == "" {
			t.Errorf("%s: missed %q%s", c.from, key, describe(facts))
		}
		if !c.bad && noise > 0 && knownFalse[key] == "" {
			t.Errorf("%s: wrong about %q%s", c.from, key, describe(facts))
		}
		for _, g := range facts.Gaps {
			t.Errorf("%s: %q: gap %s %s", c.from, key, g.Reason, g.Detail)
		}
	}
	if total.bad < enough || total.safe < enough {
		t.Errorf("only %d vulnerable and %d safe handlers", total.bad, total.safe)
	}
	figures(t, by, total)
	t.Logf("%d bad, %d found; %d safe, %d wrong", total.bad, total.found, total.safe, total.wrong)
}

// docs/injection.md holds the figures that this test computes; -update writes them.
var update = flag.Bool("update", false, "write the figures into docs/injection.md")

func figures(t *testing.T, by map[string]*score, total *score) {
	t.Helper()
	const begin, end = "<!-- figures -->\n", "<!-- end of figures -->"
	name := filepath.Join("..", "docs", "injection.md")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for figures", name)
	}
	var b strings.Builder
	b.WriteString("| class | vulnerable | found | safe | wrongly reported | recall | precision |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	row := func(name string, s *score) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %s | %s |\n", name, s.bad, s.found, s.safe, s.wrong, percent(s.found, s.bad), percent(s.found, s.found+s.wrong))
	}
	for _, id := range slices.Sorted(maps.Keys(by)) {
		row(strings.TrimPrefix(id, "injection/"), by[id])
	}
	row("all", total)
	text := head + begin + b.String() + end + tail
	if text == string(data) {
		return
	}
	if !*update {
		t.Errorf("%s does not have the figures of this run; go test ./inject -run Labelled -update", name)
		return
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func percent(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}
