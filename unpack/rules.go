package unpack

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// The hygiene rules of this package.
const (
	ambiguousArchive = "hygiene/ambiguous-archive"
	unsafePath       = "hygiene/unsafe-path"
	unsafeLink       = "hygiene/unsafe-link"
	specialFile      = "hygiene/special-file"
	hiddenData       = "hygiene/hidden-data"
	nameCollision    = "hygiene/name-collision"
	setuidFile       = "hygiene/setuid"
)

// Rules lists what Walk can report, by id.
func Rules() []fnvet.Rule {
	rules := []fnvet.Rule{
		{
			ID: ambiguousArchive, Kind: fnvet.Hygiene, Severity: fnvet.High,
			Title: "archive that different tools unpack differently",
			Help: "Two entries share one name, or the parts of the archive that list its entries disagree, so what runs " +
				"depends on the tool that unpacks it. Every reading was scanned. Build the package again with one tool, from scratch.",
		},
		{
			ID: unsafePath, Kind: fnvet.Hygiene, Severity: fnvet.High,
			Title: "entry name that points outside the package",
			Help: "An unpacker that trusts the name writes outside its folder (path traversal, \"zip slip\"). The content was " +
				"scanned under a cleaned path and nothing was written. Remove the entry.",
		},
		{
			ID: unsafeLink, Kind: fnvet.Hygiene, Severity: fnvet.Low,
			Title: "link that points outside the package",
			Help: "What the link points at is not in the package, so it could not be scanned, and it differs from machine to " +
				"machine. Ship the file itself.",
		},
		{
			ID: specialFile, Kind: fnvet.Hygiene, Severity: fnvet.Medium,
			Title: "device, pipe or socket in the package",
			Help:  "A function package has no use for special files, and unpacking one can hang or alter the machine. Remove it.",
		},
		{
			ID: setuidFile, Kind: fnvet.Hygiene, Severity: fnvet.Low,
			Title: "file that runs with the rights of its owner",
			Help:  "A function package has no use for the setuid or setgid bit. Clear it before packaging.",
		},
		{
			ID: hiddenData, Kind: fnvet.Hygiene, Severity: fnvet.Low,
			Title: "bytes in the archive that belong to no entry",
			Help: "Data stands before, between or after the entries. It was scanned like a file. Self-extracting and " +
				"executable archives have it on purpose; elsewhere build the package again.",
		},
		{
			ID: nameCollision, Kind: fnvet.Hygiene, Severity: fnvet.Low,
			Title: "entry names that differ only in case or Unicode form",
			Help:  "On a case-insensitive file system one of the files overwrites the other. Rename one of them.",
		},
	}
	slices.SortFunc(rules, func(a, b fnvet.Rule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

// finding notes a hygiene finding at path.
func (w *walker) finding(id string, sc *scope, path, evidence string) {
	for _, rule := range Rules() {
		if rule.ID == id {
			w.findingAs(rule.Severity, id, sc, path, evidence)
		}
	}
}

// findingAs is finding with a severity of its own.
func (w *walker) findingAs(severity fnvet.Severity, id string, sc *scope, path, evidence string) {
	f := fnvet.Finding{
		ID: id, Kind: fnvet.Hygiene, Severity: severity, Path: strings.Clone(path), Layer: sc.layer,
		Evidence: strings.Clone(evidence), Salt: strings.Clone(evidence),
	}
	for _, rule := range Rules() {
		if rule.ID == id {
			f.Title = rule.Title
			f.Remediation = lastSentence(rule.Help)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.findings.add(f)
}

// A tally counts the entries of one archive with an absolute path.
type tally struct {
	sc    *scope
	count int
	first string // in sort order
}

// absolute counts an entry whose name, cleaned, is name.
func (w *walker) absolute(sc *scope, name string) {
	key := [2]string{sc.where(w), sc.layer}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.absolutes == nil {
		w.absolutes = map[[2]string]*tally{}
	}
	t := w.absolutes[key]
	if t == nil {
		if len(w.absolutes) >= maxGaps {
			return
		}
		t = &tally{sc: sc, first: strings.Clone(name)}
		w.absolutes[key] = t
	}
	t.count++
	if name < t.first {
		t.first = strings.Clone(name)
	}
}

// noteAbsolute makes one finding of each tally: of some weight for the artifact
// itself, of little for an archive inside it, which nobody unpacks on deployment.
func (w *walker) noteAbsolute() {
	for key, t := range w.absolutes {
		severity := fnvet.Medium
		if t.sc.depth > 0 {
			severity = fnvet.Low
		}
		w.findingAs(severity, unsafePath, t.sc, key[0],
			"entries stored with "+absolutePath+": "+itoa(t.count)+", the first is "+quoted("/"+t.first))
	}
}

// lastSentence of a rule's help is the one that says what to do.
func lastSentence(help string) string {
	if i := strings.LastIndex(strings.TrimSuffix(help, "."), ". "); i >= 0 {
		return help[i+2:]
	}
	return help
}
