package advisory

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A PackageName is a name that advisories speak of, in its normal form, in a base
// ecosystem ("Debian", not "Debian:12").
type PackageName struct{ Ecosystem, Name string }

// NamesOf lists the names under which a package may have advisories: its own,
// that of its source package, one for each Maven group it may be of. It may list
// more names than are asked for.
func NamesOf(p *fnvet.Package) []PackageName {
	base, _ := splitEcosystem(p.Ecosystem)
	names := []PackageName{{base, normalName(base, p.Name)}}
	if p.Source != nil && p.Source.Name != p.Name {
		names = append(names, PackageName{base, normalName(base, p.Source.Name)})
	}
	for _, g := range p.Groups {
		names = append(names, PackageName{base, g + ":" + p.Name})
	}
	if base == "Maven" && !strings.Contains(p.Name, ":") && len(p.Groups) == 0 {
		names = append(names, PackageName{base, ":" + p.Name})
	}
	return names
}

// OpenPrevious opens the database that the last update of a directory replaced.
// The error is as that of Open.
func OpenPrevious(dir string) (*DB, error) {
	path := filepath.Join(dir, previousName)
	db, err := openFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoDatabase, path)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// ID names what the database says: 16 hex digits of a checksum of its records and
// feeds. When and from where they were fetched plays no part, so that an update that
// found nothing new, or another machine's, has the same ID. A file of a version that
// did not note it yet goes by its whole checksum.
func (db *DB) ID() string {
	if len(db.dir.Content) >= idSize {
		return db.dir.Content[:idSize]
	}
	return fmt.Sprintf("%x", db.header.sum[:idSize/2])
}

const idSize = 16 // hex digits

// Changed lists the names whose advisories differ between two databases, sorted:
// records that are new, gone or modified, and those of flaws that came to the
// list of exploited ones or left it. Probabilities (EPSS) are not compared: they
// change daily for every flaw. Sections that are alike are not read.
func Changed(old, latest *DB) ([]PackageName, error) {
	exploited, err := exploitedSince(old, latest)
	if err != nil {
		return nil, err
	}
	names := map[PackageName]bool{}
	for _, base := range bases(old, latest) {
		a, b := old.info(base), latest.info(base)
		same := a.Size == b.Size && a.TableSum == b.TableSum && a.FilterSum == b.FilterSum && a.Advisories == b.Advisories
		if same && len(exploited) == 0 {
			continue
		}
		if err := changedIn(base, old, latest, exploited, names); err != nil {
			return nil, err
		}
	}
	list := make([]PackageName, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b PackageName) int {
		return cmp.Or(cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

func changedIn(base string, old, latest *DB, exploited map[string]bool, names map[PackageName]bool) error {
	before, err := old.records(base)
	if err != nil {
		return err
	}
	after, err := latest.records(base)
	if err != nil {
		return err
	}
	add := func(r *record) {
		for i := range r.affected {
			name := r.affected[i].name
			names[PackageName{base, name}] = true
			if _, artifact, ok := strings.Cut(name, ":"); ok && base == "Maven" {
				names[PackageName{base, ":" + artifact}] = true
			}
		}
	}
	known := make(map[string]*record, len(before))
	for _, r := range before {
		known[r.id] = r
	}
	for _, r := range after {
		was := known[r.id]
		delete(known, r.id)
		switch {
		case was == nil:
			add(r)
		case !was.modified.Equal(r.modified):
			add(was)
			add(r)
		case exploited[r.id] || slices.ContainsFunc(r.aliases, func(id string) bool { return exploited[id] }):
			add(r)
		}
	}
	for _, r := range known {
		add(r)
	}
	return nil
}

// exploitedSince holds the ids that only one of the lists of exploited flaws has.
func exploitedSince(old, latest *DB) (map[string]bool, error) {
	var lists [2]lookup
	for i, db := range []*DB{old, latest} {
		l, err := db.lookup(lookupKEV)
		if err != nil {
			return nil, err
		}
		if l == nil {
			continue
		}
		if lists[i], err = l.load(); err != nil {
			return nil, err
		}
	}
	changed := map[string]bool{}
	for i := range lists {
		for id, due := range lists[i] {
			if other, ok := lists[1-i][id]; !ok || other != due {
				changed[id] = true
			}
		}
	}
	return changed, nil
}

func bases(dbs ...*DB) []string {
	var list []string
	for _, db := range dbs {
		for _, s := range db.dir.Sections {
			list = append(list, s.Ecosystem)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (db *DB) info(base string) sectionInfo {
	for _, s := range db.dir.Sections {
		if s.Ecosystem == base {
			return s
		}
	}
	return sectionInfo{}
}

func (db *DB) records(base string) ([]*record, error) {
	s, err := db.section(base)
	if err != nil || s == nil {
		return nil, err
	}
	return s.load()
}
