package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet/report"
)

func TestProgressLine(t *testing.T) {
	long := "scanning " + strings.Repeat("n", 300) + ".zip"
	for _, tt := range []struct {
		p     progress
		width int
		want  string // "" where only the width is told
		why   string
	}{
		{progress{"scanning a.zip", 1, 2, "3 files"}, 79, "scanning a.zip  [===============>              ]  50%  3 files, 2 s", "half"},
		{progress{"scanning a.zip", 9, 2, "3 files"}, 79, "scanning a.zip  [=============================>]  99%  3 files, 2 s", "more than was expected: the end is known by the end"},
		{progress{"scanning a.zip", 0, 0, "3 files"}, 79, "scanning a.zip  [   <=>                        ]  3 files, 2 s", "of unknown length"},
		{progress{"scanning a.zip", -5, 7, ""}, 79, "scanning a.zip  [>                             ]   0%  2 s", "nonsense from a child"},
		{progress{"scanning a.zip", 1, 2, "3 files"}, 39, "scanning a.zip  50%  3 files, 2 s", "no room for a bar"},
		{progress{long, 1, 2, "3 files"}, 79, "", "a long name"},
		{progress{long, 1, 2, "3 files"}, 19, "", "a very narrow terminal"},
		{progress{strings.Repeat("日本", 50), 1, 2, "3 files"}, 60, "", "wide letters"},
		{progress{"x", 1 << 62, 1<<63 - 1, "3 files"}, 79, "", "numbers without end"},
	} {
		got := tt.p.line(tt.width, 3, 2*time.Second)
		if tt.want != "" && got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.why, got, tt.want)
		}
		if w := report.Width(got); w > tt.width {
			t.Errorf("%s: %d columns of %d: %q", tt.why, w, tt.width, got)
		}
	}
	for n := range 500 {
		if b := bar(11, -1, n); len(b) != 11 || strings.Count(b, "<=>") != 1 {
			t.Fatalf("picture %d: %q", n, b)
		}
	}
}

// A screen is one line of a terminal: \r goes back, letters overwrite.
func screen(written string) string {
	var line []rune
	at := 0
	for _, r := range written {
		if r == '\r' {
			at = 0
			continue
		}
		line = append(line, make([]rune, max(0, at+1-len(line)))...)
		line[at] = r
		at++
	}
	return strings.TrimRight(string(line), " ")
}

// What a meter leaves on the line is nothing, however its pictures varied in length.
func TestMeterVanishes(t *testing.T) {
	var out strings.Builder
	n, drawn := 0, make(chan struct{})
	m := &meter{w: &out, wide: func() int { return 60 }, done: make(chan struct{}), delay: 1, every: 1}
	m.look = func() progress {
		if n++; n == 20 {
			close(drawn)
		}
		return progress{what: strings.Repeat("x", n*7%40), total: 10, done: int64(n), count: fmt.Sprint(n)}
	}
	m.over.Go(m.draw)
	<-drawn
	m.stop()
	if !strings.Contains(out.String(), "[=") {
		t.Fatalf("no bar in %q", out.String())
	}
	if left := screen(out.String()); left != "" {
		t.Errorf("the line still shows %q", left)
	}
}

// Nothing is drawn where nobody looks: a pipe, a CI job, a dumb terminal.
func TestLively(t *testing.T) {
	for _, tt := range []struct {
		term, ci string
		want     bool
	}{
		{"xterm", "", true}, {"dumb", "", false}, {"xterm", "true", false}, {"xterm", "1", false}, {"xterm", "false", true}, {"xterm", "0", true},
	} {
		t.Setenv("TERM", tt.term)
		t.Setenv("CI", tt.ci)
		if got := lively(); got != tt.want {
			t.Errorf("TERM=%s CI=%s: %v", tt.term, tt.ci, got)
		}
	}
	if m := (&cli{stderr: &strings.Builder{}}).startMeter("x", &tally{}); m.w != nil {
		t.Error("a meter draws on what is no terminal")
	}
}
