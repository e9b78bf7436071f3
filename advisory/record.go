package advisory

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet/advisory/version"
)

// A record is what the index keeps of one OSV record for one ecosystem.
// https://ossf.github.io/osv-schema/
type record struct {
	id       string
	modified time.Time
	aliases  []string
	upstream []string // what a distribution's record fixes
	summary  string
	severity grade
	refs     []string
	affected []affected
	status   status
}

// A status is what a record says of itself in words.
type status uint8

const (
	stated    status = iota
	disputed         // "** DISPUTED **", as MITRE writes
	withdrawn        // "Withdrawn Advisory: …", as GitHub writes, without the field
	statuses
)

// A grade is a severity as a record states it.
type grade struct {
	vectors []string // CVSS, any version
	word    string   // the database's own word in lower case, or ""
}

// affected is one package of a record.
type affected struct {
	name     string // normal form
	release  string // normal form; "" for all
	ranges   []span
	versions []string // only those that the ranges do not cover
	severity grade    // overrides the record's
	imports  []goImport
}

// A span is a range of versions: its events, in the order of their versions.
type span struct {
	semver bool // ordered by semver.org whatever the ecosystem
	events []event
}

type event struct {
	kind    eventKind
	version string
}

type eventKind uint8

const (
	introduced eventKind = iota
	fixed
	lastAffected
	limit
	eventKinds
)

// goImport is a vulnerable package of a Go module; no symbols means all of it.
type goImport struct {
	path    string
	symbols []string
}

// osvRecord has the fields of the schema that the index keeps.
type osvRecord struct {
	ID               string         `json:"id"`
	Modified         string         `json:"modified"`
	Withdrawn        string         `json:"withdrawn"`
	Aliases          []string       `json:"aliases"`
	Upstream         []string       `json:"upstream"`
	Related          []string       `json:"related"`
	Summary          string         `json:"summary"`
	Details          osvLead        `json:"details"`
	Severity         []osvSeverity  `json:"severity"`
	References       []osvReference `json:"references"`
	DatabaseSpecific osvWord        `json:"database_specific"`
	Affected         []osvAffected  `json:"affected"`
}

type osvSeverity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type osvReference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type osvAffected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Ranges            []osvRange    `json:"ranges"`
	Versions          []string      `json:"versions"`
	Severity          []osvSeverity `json:"severity"`
	EcosystemSpecific osvSpecific   `json:"ecosystem_specific"`
	DatabaseSpecific  osvWord       `json:"database_specific"`
}

type osvRange struct {
	Type   string              `json:"type"`
	Events []map[string]string `json:"events"`
}

// osvSpecific reads the fields of ecosystem_specific that anyone documents, and
// nothing when they have another shape than documented.
type osvSpecific struct {
	Severity string
	Imports  []goImport
}

// osvWord reads the severity word of a free-form object.
type osvWord string

func (w *osvWord) UnmarshalJSON(data []byte) error {
	var fields struct {
		Severity any `json:"severity"`
	}
	if json.Unmarshal(data, &fields) == nil {
		s, _ := fields.Severity.(string)
		*w = osvWord(s)
	}
	return nil // free form: anything goes
}

// osvLead reads the first words of a text.
type osvLead string

func (l *osvLead) UnmarshalJSON(data []byte) error {
	*l = osvLead(strings.Trim(string(data[:min(len(data), 40)]), `"`))
	return nil // only its first words matter
}

func statusOf(summary, details string) status {
	found := stated
	for _, text := range []string{summary, details} {
		text = strings.ToLower(strings.TrimLeft(text, "* "))
		switch {
		case strings.HasPrefix(text, "withdrawn"), strings.HasPrefix(text, "reject"):
			return withdrawn
		case strings.HasPrefix(text, "disputed"):
			found = disputed
		}
	}
	return found
}

func (s *osvSpecific) UnmarshalJSON(data []byte) error {
	if len(data) <= 2 {
		return nil
	}
	var fields struct {
		Severity any `json:"severity"`
		Urgency  any `json:"urgency"`
		Imports  any `json:"imports"`
	}
	if json.Unmarshal(data, &fields) != nil {
		return nil
	}
	s.Severity, _ = fields.Severity.(string)
	if urgency, ok := fields.Urgency.(string); ok && s.Severity == "" {
		s.Severity = urgency
	}
	list, _ := fields.Imports.([]any)
	for _, item := range list {
		object, _ := item.(map[string]any)
		path, _ := object["path"].(string)
		if path == "" {
			continue
		}
		symbols, _ := object["symbols"].([]any)
		s.Imports = append(s.Imports, goImport{path: path, symbols: stringsOf(symbols)})
	}
	return nil
}

func stringsOf(list []any) []string {
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Limits on one record. The largest of 2026 has 4 MB and 6,000 affected packages.
const (
	maxRecord     = 64 << 20
	maxText       = 300 // bytes of a summary
	maxReferences = 6
)

var errRecord = errors.New("not an OSV record")

// parseRecord reads one OSV record and keeps what concerns base. It returns nil
// without an error for records that are withdrawn or affect nothing of base.
func parseRecord(data []byte, base string) (*record, error) {
	osv, err := parseOSV(data)
	if err != nil {
		return nil, err
	}
	return osv.record(base), nil
}

func parseOSV(data []byte) (*osvRecord, error) {
	var osv osvRecord
	if err := json.Unmarshal(data, &osv); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	if osv.ID == "" || len(osv.ID) > maxText {
		return nil, fmt.Errorf("%w: no id", errRecord)
	}
	return &osv, nil
}

// record keeps what concerns base, or returns nil.
func (osv *osvRecord) record(base string) *record {
	if osv.Withdrawn != "" {
		return nil
	}
	r := &record{id: osv.ID, aliases: ids(osv.Aliases), summary: oneLine(osv.Summary), refs: bestReferences(osv.References)}
	r.modified, r.status = parseTime(osv.Modified), statusOf(osv.Summary, string(osv.Details))
	r.severity = gradeOf(osv.Severity, string(osv.DatabaseSpecific))
	if distribution(base) {
		r.upstream = ids(osv.Upstream)
		if len(r.upstream) == 0 {
			r.upstream = ids(osv.Related)
		}
		if r.severity.word == "" {
			r.severity.word = summaryWord(osv.Summary)
		}
	}
	for i := range osv.Affected {
		if a, ok := convertAffected(&osv.Affected[i], base); ok {
			r.affected = append(r.affected, a)
		}
	}
	if len(r.affected) == 0 {
		return nil
	}
	r.arrange()
	return r
}

// parseTime reads a time in whole seconds; one before 1970 or none is 1970.
func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Unix() < 0 {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC().Truncate(time.Second)
}

// arrange brings the affected packages into the order the index returns them in,
// with all imports of a name at its first entry.
func (r *record) arrange() {
	slices.SortStableFunc(r.affected, func(a, b affected) int { return strings.Compare(a.name, b.name) })
	first := 0
	for i := 1; i < len(r.affected); i++ {
		if r.affected[i].name != r.affected[first].name {
			first = i
			continue
		}
		r.affected[first].imports = append(r.affected[first].imports, r.affected[i].imports...)
		r.affected[i].imports = nil
	}
}

// ids drops what cannot be an advisory id and sorts the rest.
func ids(list []string) []string {
	var out []string
	for _, id := range list {
		if id != "" && len(id) <= maxText && !strings.ContainsAny(id, " \t\r\n") {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// oneLine joins the words of text with single spaces and cuts it at maxText.
func oneLine(text string) string {
	if len(text) > 4*maxText {
		text = text[:4*maxText]
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if len(text) <= maxText {
		return text
	}
	cut := strings.LastIndexByte(text[:maxText], ' ')
	if cut < maxText/2 {
		cut = maxText
	}
	return strings.ToValidUTF8(text[:cut], "") + " …"
}

// bestReferences keeps a few http and https URLs: advisories, fixes, pages.
func bestReferences(list []osvReference) []string {
	rank := func(kind string) int {
		i := slices.Index([]string{"ADVISORY", "FIX", "WEB", "REPORT", "ARTICLE"}, kind)
		if i < 0 {
			return 9
		}
		return i
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b osvReference) int { return rank(a.Type) - rank(b.Type) })
	var out []string
	for _, ref := range list {
		if len(out) == maxReferences {
			break
		}
		u, err := url.Parse(ref.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(ref.URL) > 500 {
			continue
		}
		if !slices.Contains(out, ref.URL) {
			out = append(out, ref.URL)
		}
	}
	return out
}

// gradeOf keeps CVSS vectors as they are; Ubuntu states a word as a score.
func gradeOf(list []osvSeverity, word string) grade {
	g := grade{word: strings.ToLower(word)}
	for _, s := range list {
		switch {
		case len(s.Score) > 400:
		case strings.HasPrefix(s.Type, "CVSS"):
			g.vectors = append(g.vectors, s.Score)
		case g.word == "":
			g.word = strings.ToLower(s.Score)
		}
	}
	if len(g.word) > 40 {
		g.word = ""
	}
	return g
}

// summaryWord is the rating that Red Hat and those who rebuild it put first:
// "Important: openssl security update".
func summaryWord(summary string) string {
	word, _, ok := strings.Cut(summary, ":")
	if !ok {
		return ""
	}
	switch word = strings.ToLower(word); word {
	case "critical", "important", "moderate", "low":
		return word
	}
	return ""
}

// convertAffected keeps the ranges an order exists for and the versions they do
// not cover. An entry that names no version at all affects none.
func convertAffected(osv *osvAffected, base string) (affected, bool) {
	b, release := splitEcosystem(osv.Package.Ecosystem)
	if b != base || osv.Package.Name == "" || len(osv.Package.Name) > 1000 {
		return affected{}, false
	}
	word := osv.EcosystemSpecific.Severity
	if word == "" {
		word = string(osv.DatabaseSpecific)
	}
	a := affected{
		name: normalName(base, osv.Package.Name), release: release,
		severity: gradeOf(osv.Severity, word), imports: osv.EcosystemSpecific.Imports,
	}
	scheme, ordered := order(base)
	for _, r := range osv.Ranges {
		if r.Type != "SEMVER" && (r.Type != "ECOSYSTEM" || !ordered) {
			continue
		}
		if s, ok := convertRange(r, scheme); ok {
			a.ranges = append(a.ranges, s)
		}
	}
	a.versions = uncovered(&a, osv.Versions, scheme)
	return a, len(a.ranges) > 0 || len(a.versions) > 0
}

func convertRange(r osvRange, scheme version.Scheme) (span, bool) {
	s := span{semver: r.Type == "SEMVER"}
	for _, e := range r.Events {
		for kind, name := range [...]string{"introduced", "fixed", "last_affected", "limit"} {
			if v, ok := e[name]; ok && v != "" && len(v) <= maxText {
				s.events = append(s.events, event{eventKind(kind), v})
			}
		}
	}
	by := s.order(scheme)
	slices.SortStableFunc(s.events, func(a, b event) int {
		if az, bz := a.zero(), b.zero(); az || bz {
			return btoi(bz) - btoi(az)
		}
		return by.Compare(a.version, b.version)
	})
	return s, len(s.events) > 0
}

// zero is the event "introduced": "0", which comes before every version.
func (e event) zero() bool { return e.kind == introduced && e.version == "0" }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// order is the scheme that orders the span in an ecosystem of scheme.
func (s span) order(scheme version.Scheme) version.Scheme {
	if s.semver && scheme != version.Pub {
		return version.SemVer
	}
	return scheme
}

// uncovered returns the listed versions that the ranges do not already affect,
// sorted; the answer for every version stays the same.
func uncovered(a *affected, versions []string, scheme version.Scheme) []string {
	var out []string
	for _, v := range versions {
		if v != "" && len(v) <= maxText && !newEvaluator(scheme, v).inRanges(a.ranges) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
