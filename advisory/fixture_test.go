package advisory

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// bucket is a small source in the OSV bucket's layout: ecosystem → records as JSON.
type bucket map[string][]string

// fixture is a bucket with one record for each rule that Match follows. The ids
// and packages are invented; the shapes are those of the schema.
func fixture() bucket {
	return bucket{
		"npm": {
			`{"id":"GHSA-aaaa-0001","modified":"2026-01-02T00:00:00Z","aliases":["CVE-2026-1"],"summary":"Two\n lines",
			  "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
			  "references":[{"type":"WEB","url":"https://web.example/1"},{"type":"FIX","url":"https://fix.example/1"},{"type":"WEB","url":"javascript:alert(1)"},
			    {"type":"ADVISORY","url":"https://advisory.example/1"}],
			  "affected":[{"package":{"ecosystem":"npm","name":"@scope/left"},
			    "ranges":[{"type":"SEMVER","events":[{"fixed":"2.1.0"},{"introduced":"2.0.0"},{"introduced":"0"},{"fixed":"1.4.0"}]}]}]}`,
			`{"id":"CVE-2026-1","modified":"2026-01-03T00:00:00Z","database_specific":{"severity":"LOW"},
			  "affected":[{"package":{"ecosystem":"npm","name":"@scope/left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.4.1"}]}]}]}`,
			`{"id":"MAL-2026-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"evil"},"versions":["6.6.6"]}]}`,
			`{"id":"GHSA-aaaa-0002","modified":"2026-01-01T00:00:00Z","withdrawn":"2026-01-05T00:00:00Z",
			  "affected":[{"package":{"ecosystem":"npm","name":"@scope/left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`,
			`{"id":"GHSA-aaaa-0003","modified":"2999-01-01T00:00:00Z","database_specific":{"severity":"MODERATE"},
			  "affected":[{"package":{"ecosystem":"npm","name":"limited"},"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"},{"limit":"1.5.0"}]}]},
			    {"package":{"ecosystem":"npm","name":"touched"},"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"},{"last_affected":"1.2.0"}]}]},
			    {"package":{"ecosystem":"npm","name":"gitonly"},"ranges":[{"type":"GIT","repo":"https://git.example/x","events":[{"introduced":"0"}]}]},
			    {"package":{"ecosystem":"PyPI","name":"elsewhere"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`,
		},
		"PyPI": {
			`{"id":"PYSEC-2026-1","modified":"2026-02-01T00:00:00Z","aliases":["CVE-2026-2"],
			  "affected":[{"package":{"ecosystem":"PyPI","name":"Some.Thing"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.5"}]}],"versions":["1.0","1.4","1.6.post1"]}]}`,
			`{"id":"GHSA-bbbb-0001","modified":"2026-02-01T00:00:00Z","aliases":["CVE-2026-2","CVE-2026-3"],"database_specific":{"severity":"HIGH"},
			  "affected":[{"package":{"ecosystem":"PyPI","name":"some-thing"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.5.1"}]}]}]}`,
		},
		"Maven": {
			`{"id":"GHSA-cccc-0001","modified":"2026-03-01T00:00:00Z","summary":"Remote code execution",
			  "affected":[{"package":{"ecosystem":"Maven","name":"org.example.log:core"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0-beta9"},{"fixed":"2.15.0"}]}]}]}`,
			`{"id":"GHSA-cccc-0002","modified":"2026-03-01T00:00:00Z",
			  "affected":[{"package":{"ecosystem":"Maven","name":"com.other:core"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`,
		},
		"Go": {
			`{"id":"GO-2026-1","modified":"2026-03-01T00:00:00Z","aliases":["CVE-2026-4"],
			  "affected":[{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.25.9"},{"introduced":"1.26.0-0"},{"fixed":"1.26.2"}]}],
			    "ecosystem_specific":{"imports":[{"path":"net/http","symbols":["Get"]}]}}]}`,
		},
		"Debian": {
			`{"id":"DEBIAN-CVE-2026-10","modified":"2026-04-01T00:00:00Z","upstream":["CVE-2026-10"],
			  "affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.9-1"}]}],"ecosystem_specific":{"urgency":"unimportant"}}]}`,
			`{"id":"DSA-9000-1","modified":"2026-04-01T00:00:00Z","summary":"openssl - security update","upstream":["CVE-2026-10","CVE-2026-11"],
			  "affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.9-1"}]}]}]}`,
			`{"id":"DSA-9000-2","modified":"2026-04-01T00:00:00Z","summary":"openssl - regression update","upstream":["CVE-2026-11"],
			  "affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.9-2"}]}]}]}`,
			`{"id":"DSA-9001-1","modified":"2026-04-01T00:00:00Z","upstream":["CVE-2026-12"],
			  "affected":[{"package":{"ecosystem":"Debian:11","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`,
		},
		"Alpine": {
			`{"id":"ALPINE-CVE-2026-20","modified":"2026-04-01T00:00:00Z","upstream":["CVE-2026-20"],
			  "affected":[{"package":{"ecosystem":"Alpine:v3.18","name":"busybox"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.36.1-r1"}]}]}]}`,
		},
		"AlmaLinux": {
			`{"id":"ALSA-2026:1","modified":"2026-04-01T00:00:00Z","summary":"Important: bash security update","related":["CVE-2026-30"],
			  "affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"bash"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5.1.8-7.el9"}]}]}]}`,
		},
	}
}

// zip packs the records of one ecosystem.
func (b bucket) zip(tb testing.TB, ecosystem string) []byte {
	tb.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, text := range b[ecosystem] {
		var head struct{ ID string }
		if err := json.Unmarshal([]byte(text), &head); err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
		w, err := z.Create(head.ID + ".json")
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// write lays the bucket out in a directory.
func (b bucket) write(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	names := slices.Sorted(maps.Keys(b))
	put(tb, filepath.Join(dir, "ecosystems.txt"), []byte(strings.Join(names, "\n")+"\nGIT\n"+names[0]+":12\n"))
	for _, name := range names {
		put(tb, filepath.Join(dir, name, "all.zip"), b.zip(tb, name))
	}
	return dir
}

func put(tb testing.TB, path string, data []byte) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		tb.Fatal(err)
	}
}

var fixtureNow = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// build compiles the bucket and returns the database directory.
func (b bucket) build(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	if _, err := Update(tb.Context(), UpdateOptions{Dir: dir, Source: b.write(tb), Now: fixtureNow}); err != nil {
		tb.Fatal(err)
	}
	return dir
}

func open(tb testing.TB, dir string) *DB {
	tb.Helper()
	db, err := Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}
