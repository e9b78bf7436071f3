// Package secrets finds credentials in the bytes of a function package: in its
// files, and in what an image config states beside them (environment variables,
// labels, history).
//
// The rules are the default rules of gitleaks v8, read as data from its module,
// with corrections named in corrections(), plus rules of our own in the same
// TOML form. The engine is ours: one pass of an automaton over all keywords,
// regular expressions only near what it hits, then entropy, allowlists and stop
// words as gitleaks means them.
//
// The package reads bytes and decides nothing about the gate. It never keeps,
// prints or logs a secret: findings carry a keyed hash and a redacted excerpt.
// It does not ask any service whether a credential still works.
package secrets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fnvet/fnvet"
)

// Limits of one file. What is beyond them is a gap, never silence.
const (
	maxFindings = 2000    // findings kept for one file
	maxMatches  = 20000   // of one text that the filters leave
	maxCuts     = 1 << 21 // places of one text where rules may match
)

// KeySize is the length of Options.Key in bytes.
const KeySize = 32

// Options configure a Scanner.
type Options struct {
	// Key is the installation's key for the hashes of secrets, KeySize bytes.
	Key []byte
	// Rules is a gitleaks configuration (TOML) whose rules are added to the
	// built-in ones; a rule with the id of a built-in one changes it, and
	// extend.disabledRules removes built-in ones.
	Rules string
	// Now is the time to judge expiries by; zero: nothing has expired.
	Now time.Time
}

// A Scanner is a fnvet.Detector for secrets. It is safe for concurrent use.
type Scanner struct {
	key     []byte
	set     *ruleSet
	auto    *automaton
	known   *automaton      // example credentials that everyone knows
	hooks   []hook          // per keyword
	tops    map[string]bool // names of thirdparty.txt
	keys    map[string]bool // hashes of knownkeys.txt
	encoded *[256]bool
	telling *[256]uint16
	generic *genericMatcher
	now     time.Time
	// probes counts the programs of all plans made so far.
	probes atomic.Int32

	seen seen

	mu   sync.Mutex
	idle []*worker // scratch memory, one for each concurrent call so far
}

// A hook holds what a keyword may mean, once that was asked.
type hook struct {
	once  sync.Once
	lures []lure
}

// New returns a Scanner. It fails on a key of the wrong size and on rules that
// do not parse.
func New(o Options) (*Scanner, error) {
	return newFrom(ownRules, o)
}

func newFrom(ours string, o Options) (*Scanner, error) {
	if len(o.Key) != KeySize {
		return nil, fmt.Errorf("secrets: key has %d bytes, want %d", len(o.Key), KeySize)
	}
	set, err := loadRules(ours, o.Rules)
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	return &Scanner{
		key:     slices.Clone(o.Key),
		set:     set,
		auto:    newAutomaton(slices.Concat(set.keywords, marks())),
		known:   newAutomaton(knownExamples()),
		tops:    thirdPartyTops(),
		keys:    knownKeys(),
		encoded: encodedBytes(),
		telling: telling(),
		generic: newGeneric(),
		now:     o.Now,
		hooks:   make([]hook, len(set.keywords)),
		seen:    newSeen(),
	}, nil
}

// Rules describes every built-in rule, sorted by ID.
func Rules() ([]fnvet.Rule, error) {
	set, err := loadRules(ownRules, "")
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	out := make([]fnvet.Rule, 0, len(set.rules)+1)
	for _, r := range set.rules {
		out = append(out, fnvet.Rule{
			ID: idPrefix + r.id, Kind: fnvet.SecretKind, Severity: r.severity,
			Title: r.title, Help: r.help(),
		})
	}
	out = append(out, settingRule(), keystoreRule(), firefoxRule(), serviceAccountRule())
	slices.SortFunc(out, func(a, b fnvet.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Want reports whether the file is worth searching: a regular file that is not
// an archive (those are offered entry by entry), an image or a font.
func (s *Scanner) Want(f *fnvet.File) bool {
	if !f.Mode.IsRegular() || f.Archive {
		return false
	}
	return f.Size > 0 && !skipped(f.Name, f.Data)
}

// Detect searches one file. Findings are sorted by offset, then rule.
func (s *Scanner) Detect(ctx context.Context, f *fnvet.File) (fnvet.Facts, error) {
	if err := ctx.Err(); err != nil {
		return fnvet.Facts{}, err
	}
	w := s.worker()
	defer s.release(w)
	w.reset(ctx, f)
	for _, r := range s.set.pathOnly {
		w.pathFinding(r)
	}
	w.barred = false
	var key seenKey
	if len(f.Data) >= minSeen {
		if key = s.seen.key(f, w.place); s.seen.has(key) {
			return fnvet.Facts{Findings: w.report()}, nil
		}
	}
	err := eachText(f.Name, f.Data, &w.buf, w.scan)
	if err == nil {
		if !w.stores() {
			w.settingsOf(f.Data)
		}
		err = w.insides(f)
	}
	if w.marked {
		w.excuseAll()
	}
	facts := fnvet.Facts{Findings: w.report()}
	if err == nil && len(facts.Findings) == 0 && !w.capped && !w.barred && len(f.Data) >= minSeen {
		s.seen.add(key)
	}
	if w.capped {
		facts.Gaps = append(facts.Gaps, fnvet.Gap{
			Path: f.Path, Reason: fnvet.GapLimit,
			Detail: "more candidate secrets than are looked at in one file",
		})
	}
	if err != nil && !errors.Is(err, errEnough) {
		return facts, fmt.Errorf("secrets: %w", err)
	}
	return facts, nil
}

// insides searches what formats keep in a form of their own.
func (w *worker) insides(f *fnvet.File) error {
	if err := gitTexts(f.Name, f.Data, w.object); err != nil {
		return err
	}
	if err := sqliteOverflow(f.Data, w.object); err != nil {
		return err
	}
	return documentTexts(f.Container, f.Name, f.Data, w.object)
}

func (s *Scanner) worker() *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		w := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return w
	}
	return newWorker(s)
}

func (s *Scanner) release(w *worker) {
	w.wipe()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, w)
}
