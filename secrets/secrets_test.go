package secrets

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// newScanner returns a scanner with a fixed key.
func newScanner(t testing.TB) *Scanner {
	t.Helper()
	s, err := New(Options{Key: bytes.Repeat([]byte{7}, KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func file(name, data string) *fnvet.File {
	return &fnvet.File{Path: name, Name: name, Size: int64(len(data)), Mode: fs.FileMode(0o644), Data: []byte(data)}
}

// find returns the findings of one file.
func find(t testing.TB, s *Scanner, f *fnvet.File) []fnvet.Finding {
	t.Helper()
	facts, err := s.Detect(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range facts.Gaps {
		t.Errorf("gap: %+v", g)
	}
	return facts.Findings
}

// ids lists the rules of the findings, in order.
func ids(found []fnvet.Finding) string {
	var out []string
	for _, f := range found {
		out = append(out, strings.TrimPrefix(f.ID, idPrefix))
	}
	return strings.Join(out, " ")
}

func TestSmoke(t *testing.T) {
	s := newScanner(t)
	found := find(t, s, file("a.js", "x\nconst k = 'AKIAQ3EGRZT5PLMN7VWB';\nghp_"+strings.Repeat("aB3dE6", 6)+"\n"))
	for _, f := range found {
		t.Logf("%+v %+v", f, f.Secret)
	}
	t.Log(ids(s.Settings(t.Context(), []fnvet.Setting{{Path: "image-config", Source: "image-config", Name: "DB_PASSWORD", Value: "hunter2hunter"}})))
	t.Log(s.Redact("/bin/sh -c echo PASSWORD=foobarbaz curl https://u:pw@h/ --token abcdefg"))
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newScanner(b)
	}
}
