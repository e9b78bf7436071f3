package advisory

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// record is one record of npm or another ecosystem, in OSV's form.
func recordOf(id, ecosystem, name, modified, more string) string {
	return `{"id":"` + id + `","modified":"` + modified + `"` + more + `,"affected":[{"package":{"ecosystem":"` + ecosystem + `","name":"` + name + `"},"ranges":[{"type":"` +
		map[bool]string{true: "SEMVER", false: "ECOSYSTEM"}[ecosystem == "npm"] + `","events":[{"introduced":"0"}]}]}]}`
}

func kevFile(t *testing.T, ids ...string) string {
	t.Helper()
	type entry struct {
		ID  string `json:"cveID"`
		Due string `json:"dueDate"`
	}
	list := []entry{}
	for _, id := range ids {
		id, due, _ := strings.Cut(id, " ")
		list = append(list, entry{id, due})
	}
	data, err := json.Marshal(map[string]any{"dateReleased": "2026-05-01T00:00:00.0000Z", "count": len(list), "vulnerabilities": list})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kev.json")
	put(t, path, data)
	return path
}

// TestChanged: after an update the names of what is new, gone, modified or newly
// exploited are told, and no others.
func TestChanged(t *testing.T) {
	const day1, day2 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
	alias := `,"aliases":["CVE-2026-7"]`
	base := bucket{
		"npm": {
			recordOf("A-1", "npm", "same", day1, ""), recordOf("A-2", "npm", "modified", day1, ""), recordOf("A-3", "npm", "gone", day1, ""),
			recordOf("A-4", "npm", "before", day1, ""), recordOf("A-5", "npm", "exploited", day1, alias), recordOf("A-6", "npm", "first", day1, ""),
			recordOf("A-7", "npm", "first", day1, ""),
		},
		"PyPI":  {recordOf("P-1", "PyPI", "quiet", day1, "")},
		"Maven": {recordOf("M-1", "Maven", "org.a:core", day1, "")},
	}
	for _, r := range []struct {
		reason         string
		change         func(bucket)
		kevOld, kevNew []string
		want           []PackageName
	}{
		{"nothing", func(bucket) {}, nil, nil, []PackageName{}},
		{"a new record", func(b bucket) { b["npm"] = append(b["npm"], recordOf("A-9", "npm", "new", day2, "")) }, nil, nil, []PackageName{{"npm", "new"}}},
		{"a modified one", func(b bucket) { b["npm"][1] = recordOf("A-2", "npm", "modified", day2, "") }, nil, nil, []PackageName{{"npm", "modified"}}},
		{"one of two of a name", func(b bucket) { b["npm"][6] = recordOf("A-7", "npm", "first", day2, "") }, nil, nil, []PackageName{{"npm", "first"}}},
		{"one that is of another package now", func(b bucket) { b["npm"][3] = recordOf("A-4", "npm", "after", day2, "") }, nil, nil, []PackageName{{"npm", "after"}, {"npm", "before"}}},
		{"one that is gone", func(b bucket) { b["npm"] = append(b["npm"][:2:2], b["npm"][3:]...) }, nil, nil, []PackageName{{"npm", "gone"}}},
		{"one that was withdrawn", func(b bucket) { b["npm"][2] = recordOf("A-3", "npm", "gone", day2, `,"withdrawn":"`+day2+`"`) }, nil, nil, []PackageName{{"npm", "gone"}}},
		{"a new ecosystem", func(b bucket) { b["crates.io"] = []string{recordOf("C-1", "crates.io", "c", day1, "")} }, nil, nil, []PackageName{{"crates.io", "c"}}},
		{"an artifact of Maven, with and without its group", func(b bucket) { b["Maven"][0] = recordOf("M-1", "Maven", "org.a:core", day2, "") }, nil, nil, []PackageName{{"Maven", ":core"}, {"Maven", "org.a:core"}}},
		{"newly exploited, by an alias", func(bucket) {}, nil, []string{"CVE-2026-7 2026-06-01"}, []PackageName{{"npm", "exploited"}}},
		{"exploited no more", func(bucket) {}, []string{"CVE-2026-7 2026-06-01"}, []string{"CVE-2026-8 2026-06-01"}, []PackageName{{"npm", "exploited"}}},
		{"due at another time", func(bucket) {}, []string{"CVE-2026-7 2026-06-01"}, []string{"CVE-2026-7 2026-07-01"}, []PackageName{{"npm", "exploited"}}},
		{"exploited before and now", func(bucket) {}, []string{"CVE-2026-7 2026-06-01"}, []string{"CVE-2026-7 2026-06-01", "CVE-2026-8 2026-06-01"}, []PackageName{}},
	} {
		before, after := bucket{}, bucket{}
		for name, records := range base {
			before[name], after[name] = append([]string{}, records...), append([]string{}, records...)
		}
		r.change(after)
		dir := t.TempDir()
		options := UpdateOptions{Dir: dir, Source: before.write(t), Now: fixtureNow, KEV: kevFile(t, r.kevOld...), EPSS: NoFeed}
		if _, err := Update(t.Context(), options); err != nil {
			t.Fatalf("%s: %v", r.reason, err)
		}
		if _, err := OpenPrevious(dir); !errors.Is(err, ErrNoDatabase) {
			t.Errorf("%s: a previous one after the first: %v", r.reason, err)
		}
		old := open(t, dir)
		options.Source, options.KEV, options.Now = after.write(t), kevFile(t, r.kevNew...), fixtureNow.Add(time.Hour)
		if _, err := Update(t.Context(), options); err != nil {
			t.Fatalf("%s: %v", r.reason, err)
		}
		latest := open(t, dir)
		previous, err := OpenPrevious(dir)
		if err != nil || previous.ID() != old.ID() {
			t.Fatalf("%s: the previous one: %v", r.reason, err)
		}
		if same := latest.ID() == old.ID(); same != (r.reason == "nothing") {
			t.Errorf("%s: the same ID: %v", r.reason, same)
		}
		got, err := Changed(previous, latest)
		if err != nil {
			t.Fatalf("%s: %v", r.reason, err)
		}
		if diff := cmp.Diff(r.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.reason, diff)
		}
		if back, err := Changed(latest, previous); err != nil || len(back) != len(got) {
			t.Errorf("%s: the other way round %v, %v", r.reason, back, err)
		}
		_ = previous.Close()
	}
}

// TestID: a database has the ID of what it says, whenever and from wherever it was
// fetched; what says nothing changes no ID.
func TestID(t *testing.T) {
	const day1, day2 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
	b := bucket{
		"npm":  {recordOf("A-1", "npm", "a", day1, ""), recordOf("A-2", "npm", "b", day1, `,"withdrawn":"`+day1+`"`)},
		"PyPI": {recordOf("P-1", "PyPI", "c", day1, "")},
	}
	id := func(b bucket, o UpdateOptions) string {
		t.Helper()
		if o.Dir == "" {
			o.Dir = t.TempDir()
		}
		o.Source, o.KEV, o.EPSS = b.write(t), kevFile(t, "CVE-2026-7 2026-06-01"), NoFeed
		if o.Now.IsZero() {
			o.Now = fixtureNow
		}
		if _, err := Update(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if err := Verify(o.Dir); err != nil {
			t.Error(err)
		}
		return open(t, o.Dir).ID()
	}
	dir := t.TempDir()
	want := id(b, UpdateOptions{Dir: dir})
	if len(want) != 16 {
		t.Errorf("ID %q", want)
	}
	withdrawn := bucket{"npm": {b["npm"][0], recordOf("A-2", "npm", "b", day2, `,"withdrawn":"`+day2+`"`)}, "PyPI": b["PyPI"]}
	for _, r := range []struct {
		why  string
		b    bucket
		o    UpdateOptions
		same bool
	}{
		{"again", b, UpdateOptions{Dir: dir, Now: fixtureNow.Add(time.Hour)}, true},
		{"fetched whole, again", b, UpdateOptions{Dir: dir, Full: true, Now: fixtureNow.Add(2 * time.Hour)}, true},
		{"another machine, another day", b, UpdateOptions{Now: fixtureNow.AddDate(0, 0, 3)}, true},
		{"a record that is withdrawn still, on another day", withdrawn, UpdateOptions{}, true},
		{"fewer ecosystems", b, UpdateOptions{Ecosystems: []string{"npm"}}, false},
		{"one ecosystem after the other", b, UpdateOptions{Dir: dir, Ecosystems: []string{"npm"}}, true},
		{"another record", bucket{"npm": {recordOf("A-1", "npm", "a", day2, "")}, "PyPI": b["PyPI"]}, UpdateOptions{}, false},
	} {
		if got := id(r.b, r.o); (got == want) != r.same {
			t.Errorf("%s: %s, at first %s", r.why, got, want)
		}
	}
	// A file of before has the ID of its whole checksum.
	db := open(t, dir)
	db.dir.Content = ""
	if old := db.ID(); len(old) != 16 || old == want {
		t.Errorf("without a checksum of the content: %q", old)
	}
	db.dir.Content = strings.Repeat("0", 64)
	if err := db.verifyContent(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another checksum of the content: %v", err)
	}
}
