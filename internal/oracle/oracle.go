// Package oracle is the slow and obvious matcher of OSV records that tests hold
// the real one against: records straight from their JSON, the schema's evaluation
// algorithm word for word, versions ordered by osv-scalibr. It shares no code with
// package advisory and is for tests only. https://ossf.github.io/osv-schema/
package oracle

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// An Oracle holds all records of one ecosystem that are not withdrawn. It is not
// for concurrent use.
type Oracle struct {
	Ecosystem string // base name: "Debian"
	Entries   []Entry
	byName    map[string][]int
	keep      bool
	raw       map[string][]byte
	parsed    map[[2]string]semantic.Version // osv-scalibr takes its time
}

// An Entry is one affected package of one record.
type Entry struct {
	ID        string
	Ecosystem string // as the record writes it: "Debian:12"
	Name      string // as the record writes it
	Ranges    []Range
	Versions  []string
	others    []string // aliases; for distributions also what is upstream or related
}

// A Range is a range of an entry, its events as they stand in the record.
type Range struct {
	Type   string              `json:"type"`
	Events []map[string]string `json:"events"`
}

type record struct {
	ID        string   `json:"id"`
	Withdrawn string   `json:"withdrawn"`
	Aliases   []string `json:"aliases"`
	Upstream  []string `json:"upstream"`
	Related   []string `json:"related"`
	Affected  []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
		Ranges   []Range  `json:"ranges"`
		Versions []string `json:"versions"`
	} `json:"affected"`
}

// Load reads <dir>/<ecosystem>/all.zip.
func Load(dir, ecosystem string) (*Oracle, error) { return load(dir, ecosystem, false) }

// LoadRaw is Load that also keeps the text of the records.
func LoadRaw(dir, ecosystem string) (*Oracle, error) { return load(dir, ecosystem, true) }

// Raw returns the text of a record of an Oracle made by LoadRaw.
func (o *Oracle) Raw(id string) ([]byte, bool) {
	data, ok := o.raw[id]
	return data, ok
}

func load(dir, ecosystem string, keep bool) (*Oracle, error) {
	z, err := zip.OpenReader(filepath.Join(dir, ecosystem, "all.zip"))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	o := &Oracle{Ecosystem: ecosystem, keep: keep, byName: map[string][]int{}, raw: map[string][]byte{}, parsed: map[[2]string]semantic.Version{}}
	for _, f := range z.File {
		if err := o.add(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return o, nil
}

func (o *Oracle) add(f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	var rec record
	if err := json.Unmarshal(data, &rec); err != nil {
		return err
	}
	if o.keep {
		o.raw[rec.ID] = data
	}
	if rec.Withdrawn != "" {
		return nil
	}
	others := rec.Aliases
	if strings.Contains("Alpine Debian Ubuntu AlmaLinux Rocky Linux Red Hat Wolfi Chainguard SUSE openSUSE", o.Ecosystem) {
		others = append(others, rec.Upstream...)
		if len(rec.Upstream) == 0 {
			others = append(others, rec.Related...)
		}
	}
	for _, a := range rec.Affected {
		if base, _, _ := strings.Cut(a.Package.Ecosystem, ":"); base != o.Ecosystem {
			continue
		}
		e := Entry{ID: rec.ID, Ecosystem: a.Package.Ecosystem, Name: a.Package.Name, Ranges: a.Ranges, Versions: a.Versions, others: others}
		name := o.name(e.Name)
		o.byName[name] = append(o.byName[name], len(o.Entries))
		o.Entries = append(o.Entries, e)
	}
	return nil
}

var separators = regexp.MustCompile(`[-_.]+`)

// name is the form in which names are compared.
func (o *Oracle) name(name string) string {
	switch o.Ecosystem {
	case "PyPI":
		return strings.ToLower(separators.ReplaceAllString(name, "-"))
	case "NuGet", "Packagist":
		return strings.ToLower(name)
	}
	return name
}

// Match returns the ids of all records that affect a version of a package of an
// ecosystem with its release ("Alpine:v3.18"), sorted.
func (o *Oracle) Match(ecosystem, name, version string) []string {
	var ids []string
	for _, e := range o.Affecting(ecosystem, name, version) {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Names is Match with all other names of the flaws: aliases, and what the records
// of distributions call upstream or related.
func (o *Oracle) Names(ecosystem, name, version string) []string {
	var ids []string
	for _, e := range o.Affecting(ecosystem, name, version) {
		ids = append(append(ids, e.ID), e.others...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Affecting returns the entries that affect a version, in the order of the file.
func (o *Oracle) Affecting(ecosystem, name, version string) []*Entry {
	var list []*Entry
	for _, i := range o.byName[o.name(name)] {
		if e := &o.Entries[i]; e.Ecosystem == ecosystem && o.affects(e, version) {
			list = append(list, e)
		}
	}
	return list
}

func (o *Oracle) affects(e *Entry, version string) bool {
	if slices.ContainsFunc(e.Versions, func(v string) bool { return v == version || o.Compare("ECOSYSTEM", v, version) == 0 }) {
		return true
	}
	return slices.ContainsFunc(e.Ranges, func(r Range) bool { return o.inRange(version, r) })
}

func (o *Oracle) inRange(version string, r Range) bool {
	if r.Type != "SEMVER" && r.Type != "ECOSYSTEM" {
		return false
	}
	type event struct{ what, version string }
	var events []event
	for _, e := range r.Events {
		for _, what := range []string{"introduced", "fixed", "last_affected", "limit"} {
			if v, ok := e[what]; ok {
				events = append(events, event{what, v})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b event) int {
		switch {
		case a.version == "0" && a.what == "introduced":
			return -1
		case b.version == "0" && b.what == "introduced":
			return 1
		}
		return o.Compare(r.Type, a.version, b.version)
	})
	vulnerable, limits, below := false, 0, false
	for _, e := range events {
		switch {
		case e.what == "introduced" && (e.version == "0" || o.Compare(r.Type, version, e.version) >= 0):
			vulnerable = true
		case e.what == "fixed" && o.Compare(r.Type, version, e.version) >= 0:
			vulnerable = false
		case e.what == "last_affected" && o.Compare(r.Type, version, e.version) > 0:
			vulnerable = false
		case e.what == "limit":
			limits++
			below = below || e.version == "*" || o.Compare(r.Type, version, e.version) < 0
		}
	}
	return vulnerable && (limits == 0 || below)
}

var (
	mavenDot     = regexp.MustCompile(`\.([a-zA-Z])`)
	composerForm = regexp.MustCompile(`^v?(\d+(?:\.\d+){0,3})(.*)$`)
)

// Compare orders two versions by the order of a range's type ("SEMVER",
// "ECOSYSTEM"). It asks osv-scalibr, after the steps that osv-scalibr leaves out:
// Composer's four numbers and labels in lower case, "-" as ".pre." in
// Gem::Version, and what Maven changed in 3.8: ".x" is "-x" for any word x. Texts
// that are no versions are equal.
func (o *Oracle) Compare(kind, a, b string) int {
	ecosystem := o.Ecosystem
	if kind == "SEMVER" {
		ecosystem = "npm"
	}
	v, w := o.parse(ecosystem, a), o.parse(ecosystem, b)
	if v == nil || w == nil {
		return 0
	}
	c, err := v.Compare(w)
	if err != nil {
		return 0
	}
	return c
}

func (o *Oracle) parse(ecosystem, text string) semantic.Version {
	at := [2]string{ecosystem, text}
	if v, ok := o.parsed[at]; ok {
		return v
	}
	form := text
	switch ecosystem {
	case "Packagist":
		form = composer(text)
	case "RubyGems":
		form = strings.ReplaceAll(text, "-", ".pre.")
	case "Maven":
		form = mavenDot.ReplaceAllString(text, "-$1")
	}
	v, err := semantic.Parse(form, ecosystem)
	if err != nil {
		v = nil
	}
	o.parsed[at] = v
	return v
}

func composer(v string) string {
	m := composerForm.FindStringSubmatch(strings.TrimSuffix(strings.ToLower(v), "-stable"))
	if m == nil || strings.Count(v, "-") > 1 {
		return v
	}
	return m[1] + strings.Repeat(".0", 3-strings.Count(m[1], ".")) + m[2]
}
