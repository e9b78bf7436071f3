package advisory

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/google/go-cmp/cmp"
)

const (
	kevText = `{"title":"catalogue","dateReleased":"2026-05-01T17:04:19.9796Z","count":2,"vulnerabilities":[
	  {"cveID":"CVE-2026-1","vendorProject":"x","dueDate":"2026-06-15"},{"cveID":"CVE-2026-11","dueDate":"soon"}]}`
	epssText = "#model_version:v2026.03.14,score_date:2026-05-02T12:55:00Z\ncve,epss,percentile\nCVE-2026-1,0.94358,0.99\nCVE-2026-2,0.00042,0.1\nCVE-2026-3,0.5,0.9\n"
)

func gzipped(tb testing.TB, text string) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// TestFeeds: findings carry what the feeds say of any of their CVE ids.
func TestFeeds(t *testing.T) {
	files := t.TempDir()
	put(t, filepath.Join(files, "kev.json"), []byte(kevText))
	put(t, filepath.Join(files, "epss.csv.gz"), gzipped(t, epssText))
	dir := t.TempDir()
	o := UpdateOptions{Dir: dir, Source: fixture().write(t), Now: fixtureNow, KEV: filepath.Join(files, "kev.json"), EPSS: filepath.Join(files, "epss.csv.gz")}
	st, err := Update(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := []FeedStatus{
		{"epss", o.EPSS, 3, time.Date(2026, 5, 2, 12, 55, 0, 0, time.UTC), fixtureNow},
		{"kev", o.KEV, 2, time.Date(2026, 5, 1, 17, 4, 19, 0, time.UTC), fixtureNow},
	}
	if d := cmp.Diff(want, st.Feeds); d != "" {
		t.Error(d)
	}
	check := func(want ...string) {
		t.Helper()
		findings, _, err := open(t, dir).Match(t.Context(), []fnvet.Package{
			pkg("npm", "@scope/left", "1.0.0"), pkg("PyPI", "some-thing", "1.4"), pkg("Debian:12", "openssl", "1"), pkg("npm", "limited", "1.4.9"),
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range findings {
			text := f.ID
			if f.KEV {
				text += " kev " + f.KEVDue
			}
			if f.EPSS != nil {
				text += " epss " + strings.TrimRight(time.Duration(*f.EPSS*1e9).String(), "s")
			}
			got = append(got, text)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	check("DEBIAN-CVE-2026-10", "DSA-9000-2 kev ", "GHSA-bbbb-0001 epss 500m", "GHSA-aaaa-0001 kev 2026-06-15 epss 943.58m", "GHSA-aaaa-0003")
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
	// A feed that fails stays; one that is switched off goes.
	o.KEV, o.EPSS = filepath.Join(files, "none.json"), NoFeed
	if st, err = Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if c := st.Changes[len(st.Changes)-1]; c.Name != "kev" || c.How != ChangeFailed || c.Error == "" || len(st.Feeds) != 1 {
		t.Errorf("%+v %+v", c, st.Feeds)
	}
	check("DEBIAN-CVE-2026-10", "DSA-9000-2 kev ", "GHSA-bbbb-0001", "GHSA-aaaa-0001 kev 2026-06-15", "GHSA-aaaa-0003")
}

// TestFeedsFromWeb: the second update asks with the tag of the first.
func TestFeedsFromWeb(t *testing.T) {
	s, url := serve(t, fixture())
	s.files["/feeds/kev.json"], s.files["/feeds/epss.csv"] = []byte(kevText), []byte(epssText)
	base := strings.TrimSuffix(url, "/bucket")
	o := UpdateOptions{Dir: t.TempDir(), Source: url, Now: fixtureNow, KEV: base + "/feeds/kev.json", EPSS: base + "/feeds/epss.csv"}
	for i, how := range []string{ChangeFull, ChangeSame} {
		st, err := Update(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		n := len(st.Changes)
		if st.Changes[n-2].How != how || st.Changes[n-1].How != how || len(st.Feeds) != 2 {
			t.Errorf("%d: %+v", i, st.Changes)
		}
	}
}

// TestRealKEV reads CISA's own file.
func TestRealKEV(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(sharedOSV(t), "..", "feeds", "known_exploited_vulnerabilities.json"))
	if err != nil {
		t.Skip("no folder shared/feeds beside the repository:", err)
	}
	values, released, err := parseKEV(data)
	if err != nil || len(values) < 1000 || released.IsZero() || values["CVE-2021-44228"] != "2021-12-24" {
		t.Errorf("%d entries of %v, log4shell due %q: %v", len(values), released, values["CVE-2021-44228"], err)
	}
}

// FuzzFeeds: any bytes are a feed or an error, and a feed survives the index.
func FuzzFeeds(f *testing.F) {
	f.Add([]byte(kevText))
	f.Add([]byte(epssText))
	f.Add(gzipped(f, epssText))
	f.Add([]byte("CVE-2026-1,1.5\n"))
	f.Add([]byte("CVE-2026-1,NaN,"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) (lookup, time.Time, error){parseKEV, parseEPSS} {
			values, _, err := parse(data)
			if err != nil {
				if values != nil || !errors.Is(err, ErrSource) {
					t.Errorf("%v with %v", values, err)
				}
				continue
			}
			s, err := buildLookup("x", values)
			if err != nil {
				t.Fatal(err)
			}
			reader, err := s.reader(nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := (&lookupReader{sectionReader: reader}).load()
			if d := cmp.Diff(values, got); d != "" || err != nil {
				t.Error(d, err)
			}
		}
		if values, err := decodeLookup(data); err == nil && values == nil {
			t.Error("neither a lookup nor an error")
		}
	})
}

// TestRatings: records without a severity borrow it from those that share a name.
func TestRatings(t *testing.T) {
	const vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
	affects := func(ecosystem, name string) string {
		return `"affected":[{"package":{"ecosystem":"` + ecosystem + `","name":"` + name + `"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"9"}]}]}]}`
	}
	b := bucket{
		"Go": {
			`{"id":"GO-2026-9","aliases":["CVE-2026-9"],` + strings.Replace(affects("Go", "stdlib"), "ECOSYSTEM\"", "SEMVER\"", 1),
			`{"id":"GO-2026-8","aliases":["CVE-2026-8"],` + strings.Replace(affects("Go", "alone"), "ECOSYSTEM\"", "SEMVER\"", 1),
		},
		"npm": {
			`{"id":"GHSA-9","aliases":["CVE-2026-9"],"severity":[{"type":"CVSS_V3","score":"` + vector + `"}],` + affects("npm", "other"),
		},
		"Alpine": {`{"id":"ALPINE-CVE-2026-7","upstream":["CVE-2026-7"],` + affects("Alpine:v3.18", "musl")},
		"AlmaLinux": {
			`{"id":"ALSA-1","summary":"Critical: bulletin of two","related":["CVE-2026-7","CVE-2026-9"],` + affects("AlmaLinux:9", "two"),
			`{"id":"ALSA-2","summary":"Moderate: bulletin of one","related":["CVE-2026-7"],` + affects("AlmaLinux:9", "one"),
		},
	}
	for name, list := range b {
		for i := range list {
			b[name][i] = strings.Replace(list[i], `{"id"`, `{"modified":"2026-01-01T00:00:00Z","id"`, 1)
		}
	}
	db := open(t, b.build(t))
	for _, tt := range []struct {
		why  string
		pkg  fnvet.Package
		want string
	}{
		{"the CVSS vector of an alias in another ecosystem", pkg("Go", "stdlib", "1.0"), "high 7.5 GHSA-9"},
		{"nobody rates it", pkg("Go", "alone", "1.0"), "unknown 0.0 "},
		{"a bulletin of one flaw lends its word, one of several does not", pkg("Alpine:v3.18", "musl", "1"), "medium 0.0 ALSA-2"},
		{"its own word stays", pkg("AlmaLinux:9", "two", "1"), "critical 0.0 "},
	} {
		findings, _, err := db.Match(t.Context(), []fnvet.Package{tt.pkg})
		if err != nil || len(findings) != 1 {
			t.Fatal(tt.why, findings, err)
		}
		f, score := findings[0], "0.0"
		if f.CVSS != nil {
			score = "7.5"
			if f.CVSS.Score != 7.5 || f.CVSS.Vector != vector {
				t.Errorf("%s: %+v", tt.why, f.CVSS)
			}
		}
		if got := string(f.Severity) + " " + score + " " + f.SeverityFrom; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
		}
	}
}

// TestStatus: a record that says of itself that it is withdrawn or disputed.
func TestStatus(t *testing.T) {
	record := func(id, name, rest string) string {
		return `{"id":"` + id + `","modified":"2026-01-01T00:00:00Z","database_specific":{"severity":"HIGH"},` + rest +
			`,"affected":[{"package":{"ecosystem":"npm","name":"` + name + `"},"versions":["1.0.0"]}]}`
	}
	db := open(t, bucket{"npm": {
		record("GHSA-1", "plain", `"summary":"Something disputed by nobody"`),
		record("GHSA-2", "out", `"summary":"Withdrawn Advisory: it was nothing"`),
		record("GHSA-3", "loud", `"details":"** DISPUTED ** the vendor says no"`),
		record("GHSA-4", "both", `"summary":"WITHDRAWN: double","aliases":["CVE-2026-5"]`),
		record("GHSA-5", "both", `"summary":"Real","aliases":["CVE-2026-5"]`),
	}}.build(t))
	for name, want := range map[string]string{"plain": "high", "out": "info withdrawn", "loud": "high disputed", "both": "high"} {
		findings, _, err := db.Match(t.Context(), []fnvet.Package{pkg("npm", name, "1.0.0")})
		if err != nil || len(findings) != 1 {
			t.Fatal(name, findings, err)
		}
		if got := strings.TrimSpace(string(findings[0].Severity) + " " + findings[0].Status); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestBorrowedSeverityOfGo measures what ratings bring to real records.
func TestBorrowedSeverityOfGo(t *testing.T) {
	db := openShared(t)
	l, err := db.lookup(lookupRatings)
	if err != nil || l == nil {
		t.Fatal(err)
	}
	gained, unrated := 0, 0
	for _, e := range []string{"Go", "Debian", "Alpine"} {
		s, err := db.section(e)
		if err != nil {
			t.Fatal(err)
		}
		c := cursor{sectionReader: s}
		own, borrowed := 0, 0
		for i := range s.info.Advisories {
			r, err := c.record(i)
			if err != nil {
				t.Fatal(err)
			}
			if r.rated() {
				continue
			}
			own++
			for _, name := range namesOf(e, r) {
				if _, ok, _ := l.find(name); ok {
					borrowed++
					break
				}
			}
		}
		t.Logf("%s: %d records without a severity, %d borrow one", e, own, borrowed)
		gained, unrated = gained+borrowed, unrated+own
	}
	if gained == 0 || unrated == 0 {
		t.Errorf("%d of %d", gained, unrated)
	}
}

// TestUpdateChecksum: a checksum that does not hold is an error, wherever it stands.
func TestUpdateChecksum(t *testing.T) {
	b := bucket{"npm": fixture()["npm"]}
	for _, tt := range []struct {
		why, header, value string
		side               string
		want               error
	}{
		{"none", "", "", "", nil},
		{"right CRC", "X-Goog-Hash", "crc32c=%CRC%", "", nil},
		{"wrong CRC", "X-Goog-Hash", "crc32c=AAAAAA==", "", errChecksum},
		{"wrong MD5 beside it", "X-Goog-Hash", "crc32c=%CRC%, md5=AAAAAAAAAAAAAAAAAAAAAA==", "", errChecksum},
		{"RFC 9530", "Repr-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:", "", errChecksum},
		{"an algorithm nobody knows", "Repr-Digest", "sha-1024=:AAAA:", "", nil},
		{"a file beside it", "", "", "%SHA%  all.zip\n", nil},
		{"a file that differs", "", "", strings.Repeat("00", 32) + "  all.zip\n", ErrSource},
		{"a file that is none", "", "", "<html>", ErrSource},
	} {
		s, url := serve(t, b)
		data := s.files["/bucket/npm/all.zip"]
		if tt.side != "" {
			s.files["/bucket/npm/all.zip.sha256"] = []byte(strings.ReplaceAll(tt.side, "%SHA%", hexSHA(data)))
		}
		s.broken = func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			if tt.header != "" && strings.HasSuffix(r.URL.Path, ".zip") {
				w.Header().Set(tt.header, strings.ReplaceAll(tt.value, "%CRC%", base64CRC(data)))
			}
			return false
		}
		_, err := Update(t.Context(), UpdateOptions{Dir: t.TempDir(), Source: url, Pause: time.Microsecond})
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
}
