package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

// odd are names that are no texts, and texts that look like it.
var odd = []struct{ name, want string }{
	{"nul\x00nul", "nul\uFFFDnul"},
	{"latin \xff\xfe", "latin \uFFFD\uFFFD"},
	{"twin \xff", "twin \uFFFD"},
	{"twin \xfe", "twin \uFFFD"},
	{"cut \xe2\x82", "cut \uFFFD\uFFFD"},
	{"a surrogate \xed\xa0\x80", "a surrogate \uFFFD\uFFFD\uFFFD"},
	{`written \u0000 \\u0000 \ufffd out`, `written \u0000 \\u0000 \ufffd out`},
	{"\uFFFD \uFFFF \U0010FFFF", "\uFFFD \uFFFF \U0010FFFF"},
}

func TestTexts(t *testing.T) {
	for _, o := range odd {
		if got := text(o.name); got != o.want {
			t.Errorf("%q: %q, want %q", o.name, got, o.want)
		}
	}
	plain := reportOf(digest(1), vulnerability("GHSA-1", odd[6].name, odd[7].name))
	if got, err := texts(plain); err != nil || got != plain {
		t.Errorf("a report of texts is another one, error %v", err)
	}
}

// FuzzTexts: what comes out is a text, and what was one is as it was.
func FuzzTexts(f *testing.F) {
	for _, o := range odd {
		f.Add(o.name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r := reportOf(digest(1))
		r.Artifact.Name = name
		got, err := texts(r)
		if err != nil || !isText(got.Artifact.Name) || isText(name) && got.Artifact.Name != name {
			t.Errorf("%q: %q, error %v", name, got.Artifact.Name, err)
		}
		if one := text(name); !isText(one) || isText(name) && one != name {
			t.Errorf("%q: %q", name, one)
		}
	})
}

// TestTextsOfArtifacts: an artifact has its verdict whatever bytes it calls its parts,
// and is found by what is a text of them; so has a scan its error.
func TestTextsOfArtifacts(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url, Attempts: 1})
		ids := accept(t, s, request(1), request(2))
		flaws := map[string]bool{}
		stop := work(t, s, 1, func(_ context.Context, c *Scan) (*Outcome, error) {
			if c.Digest == digest(2) {
				return nil, errors.New("a layer of " + odd[0].name + odd[1].name)
			}
			r := reportOf(c.Digest)
			r.Artifact.Name = odd[0].name + odd[1].name
			for _, o := range odd {
				r.Packages = append(r.Packages, pkg(o.name, "1"))
				r.Findings = append(r.Findings, vulnerability("GHSA-"+o.name, o.name, "1", "CVE-"+o.name), fnvet.Finding{ID: "secret/x", Kind: fnvet.SecretKind, Path: o.name, Blocks: true})
				r.Verdict.Reasons = append(r.Verdict.Reasons, o.name)
			}
			return &Outcome{Report: r, Version: c.Version, Notices: func(a *Artifact, _ []Change) []Notice {
				return []Notice{{To: "chat", Scan: c.ID, Body: []byte(a.Name)}}
			}}, nil
		})
		c := await(t, s, ids[0], Done)
		if dead := await(t, s, ids[1], Dead); !strings.Contains(dead.Error, odd[0].want) {
			t.Errorf("the error is %q", dead.Error)
		}
		stop()
		r, err := s.Report(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range odd {
			flaws[o.want] = true
			list, err := s.Containing(t.Context(), "pkg:npm/"+o.want+"@1", 0, 10)
			if err != nil || len(list) != 1 || list[0].Name != odd[0].want+odd[1].want {
				t.Errorf("%q: %+v, error %v", o.want, list, err)
			}
			if list, err := s.Affected(t.Context(), "CVE-"+o.want, 0, 10); err != nil || len(list) != 1 {
				t.Errorf("affected by %q: %d, error %v", o.want, len(list), err)
			}
		}
		var reasons []string
		for _, o := range odd {
			reasons = append(reasons, o.want)
		}
		if diff := cmp.Diff(reasons, r.Verdict.Reasons); diff != "" {
			t.Error(diff)
		}
		_, err = s.Rematch(t.Context(), &Rematch{
			Version: Version{Database: "db2", Rules: "r1", Policy: "p1"}, From: "db1", All: true, Match: flawed(flaws), Judge: rejudge(flaws),
		})
		if err != nil {
			t.Errorf("compared with new advisories: %v", err)
		}
	})
}
