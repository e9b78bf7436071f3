// Package rules holds what is a source, a sink and a sanitiser, as data: the
// built-in tables (default.yaml and others) and those a user adds in the same form. It
// matches names of calls against them and knows nothing of code.
package rules

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/ir"
)

//go:generate go run ./generate

//go:embed classes.json
var builtinClasses []byte

//go:embed default.json
var builtin []byte

//go:embed java.json
var builtinJava []byte

//go:embed golang.json
var builtinGo []byte

// Limits of a rule file.
const (
	maxFile     = 1 << 20
	maxPatterns = 20_000
	maxClasses  = 60
	maxShapes   = 500
)

// Classes is a set of kinds of sinks, one bit each.
type Classes uint64

// All is every class.
const All Classes = 1<<maxClasses - 1

// A Class is one kind of sink and what is said of its findings.
type Class struct {
	ID          string         `yaml:"id"`
	Severity    fnvet.Severity `yaml:"severity"`
	Title       string         `yaml:"title"`
	Help        string         `yaml:"help"`
	Remediation string         `yaml:"remediation"`
	Fixed       bool           `yaml:"fixed"` // the severity does not depend on triggers and roles
	// CWE is the number in the Common Weakness Enumeration.
	CWE int `yaml:"cwe"`
}

// A Condition is a question about the arguments of a call. All parts must hold.
type Condition struct {
	Truthy []string            `yaml:"truthy"` // any of them is there and not false
	Is     map[string][]string `yaml:"is"`     // may be one of these texts
	Not    map[string][]string `yaml:"not"`    // is none of these texts
	Named  map[string][]string `yaml:"named"`  // is an external name like one of these
	Starts map[string][]string `yaml:"starts"` // begins with one of these, in any case
	Built  []string            `yaml:"built"`  // text made of parts
}

// A Sink is calls that are dangerous with an attacker's data in some argument.
type Sink struct {
	ID   string   `yaml:"id"`
	Lang ir.Lang  `yaml:"lang"`
	Call []string `yaml:"call"`
	// Args say which arguments matter: "0", "0.text" (a field), "0.**" (anything
	// in it), "*" (any), "kw:name", "recv" (the receiver).
	Args   []string   `yaml:"args"`
	When   *Condition `yaml:"when"`
	Unless *Condition `yaml:"unless"`
	Why    string     `yaml:"why"`
	// Severity replaces that of the class.
	Severity fnvet.Severity `yaml:"severity"`
	// URL says that the argument is an address: data after the host is low.
	URL bool `yaml:"url"`
	// Guess says that the receiver is not known: the finding is less sure.
	Guess bool `yaml:"guess"`
	// Objects says that a text does no harm there: operators of a query.
	Objects bool `yaml:"objects"`

	class Classes
	args  []Selector
	index int
}

// Class is the bit of the sink's class.
func (s *Sink) Class() Classes { return s.class }

// Selectors are Args, parsed.
func (s *Sink) Selectors() []Selector { return s.args }

// A Call is a row of calls with a common meaning.
type Call struct {
	Lang ir.Lang  `yaml:"lang"`
	Call []string `yaml:"call"`
	For  []string `yaml:"for"`  // classes that an escape makes harmless
	Arg  string   `yaml:"arg"`  // that a guard or a fetch asks about; default "0"
	When string   `yaml:"when"` // the answer of a guard that means harmless: "true" (default), "false"
	// Params are what the parameters of an entry get: "source:ROOT", "ext:NAME" or "".
	Params []string `yaml:"params"`
	// Handler names the argument or field that holds an entry: "1.handler"; default any function.
	Handler string `yaml:"handler"`
	// Root of the source that a read or fetch gives.
	Root  string `yaml:"root"`
	Title string `yaml:"title"`
	// From limits a fetch to data of these triggers.
	From []string `yaml:"from"`
	// Others says what parameters that are not listed get (path parameters of a route).
	Others string `yaml:"others"`

	classes Classes
	arg     Selector
}

// Classes are the bits of For.
func (c *Call) Classes() Classes { return c.classes }

// Selector is Arg, parsed.
func (c *Call) Selector() Selector { return c.arg }

// A Source is where data of an attacker comes from.
type Source struct {
	Root string `yaml:"root"`
	// Like is a root whose paths hold where none of this one's matches.
	Like  string `yaml:"like"`
	Paths []Path `yaml:"paths"`
}

// A Path grades a part of a source; the first that matches holds.
type Path struct {
	Path    string            `yaml:"path"` // fields with dots; * one of them, ** any
	Title   string            `yaml:"title"`
	Trigger fnvet.TriggerKind `yaml:"trigger"`
	Safe    bool              `yaml:"safe"`
	Text    bool              `yaml:"text"` // always a text until it is parsed

	parts []string
}

// A Handler is a convention for the name of an entry point.
type Handler struct {
	Lang   ir.Lang  `yaml:"lang"`
	Names  []string `yaml:"names"`
	Params []string `yaml:"params"`
}

// A Shape knows a package that a bundler inlined by the names that it exports,
// which survive where its own name does not.
type Shape struct {
	Module string   `yaml:"module"`
	Has    []string `yaml:"has"` // three and more, all of them; the rarest first
}

// file is the form of a rule file.
type file struct {
	Classes  []Class   `yaml:"classes"`
	Sinks    []*Sink   `yaml:"sinks"`
	Clean    []*Call   `yaml:"clean"`
	Escapes  []*Call   `yaml:"escapes"`
	Guards   []*Call   `yaml:"guards"`
	Schemas  []*Call   `yaml:"schemas"`
	Passes   []*Call   `yaml:"passes"`
	Fetches  []*Call   `yaml:"fetches"`
	Entries  []*Call   `yaml:"entries"`
	Reads    []*Call   `yaml:"reads"`
	Aliases  []*Call   `yaml:"aliases"`
	Sources  []*Source `yaml:"sources"`
	Handlers []Handler `yaml:"handlers"`
	Shapes   []Shape   `yaml:"shapes"`
}

// A Set is the tables of one scan, ready to be asked. It is safe for concurrent use.
type Set struct {
	classes  []Class
	sinks    index[*Sink]
	clean    index[*Call]
	escapes  index[*Call]
	guards   index[*Call]
	schemas  index[*Call]
	passes   index[*Call]
	fetches  index[*Call]
	entries  index[*Call]
	reads    index[*Call]
	aliases  index[*Call]
	sources  map[string]*Source
	handlers []Handler
	shapes   []Shape
	patterns int
}

// Load reads the built-in tables and adds those of a user, which come first
// where order matters. user may be nil.
func Load(user []byte) (*Set, error) {
	s := &Set{sources: map[string]*Source{}}
	var mine file
	if len(user) > 0 {
		if len(user) > maxFile {
			return nil, fmt.Errorf("rules: larger than %d bytes", maxFile)
		}
		if err := decode(user, &mine); err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
	}
	var own [3]file
	for i, text := range [][]byte{builtin, builtinJava, builtinGo} {
		if err := json.Unmarshal(text, &own[i]); err != nil {
			return nil, fmt.Errorf("rules: built-in: %w", err)
		}
	}
	classes, err := Classification()
	if err != nil {
		return nil, err
	}
	s.classes = classes
	for _, c := range mine.Classes {
		if i := slices.IndexFunc(s.classes, func(o Class) bool { return o.ID == c.ID }); i >= 0 {
			s.classes[i] = c
		} else {
			s.classes = append(s.classes, c)
		}
	}
	if len(s.classes) > maxClasses {
		return nil, fmt.Errorf("rules: more than %d classes", maxClasses)
	}
	for i := range s.classes {
		if err := s.classes[i].check(); err != nil {
			return nil, err
		}
	}
	for _, f := range []*file{&mine, &own[0], &own[1], &own[2]} {
		if err := s.add(f); err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
	}
	return s, nil
}

// Classification reads the built-in classes alone, which is cheap.
func Classification() ([]Class, error) {
	var f file
	if err := json.Unmarshal(builtinClasses, &f); err != nil {
		return nil, fmt.Errorf("rules: built-in classes: %w", err)
	}
	return f.Classes, nil
}

func decode(data []byte, into *file) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func (c *Class) check() error {
	if !strings.HasPrefix(c.ID, "injection/") {
		return fmt.Errorf("rules: class %q: an id begins with injection/", c.ID)
	}
	if c.Severity.Rank() == 0 {
		return fmt.Errorf("rules: class %s: severity %q is none of critical, high, medium, low, info", c.ID, c.Severity)
	}
	if c.Title == "" {
		return fmt.Errorf("rules: class %s has no title", c.ID)
	}
	return nil
}

func (s *Set) add(f *file) error {
	for _, k := range f.Sinks {
		if err := s.addSink(k); err != nil {
			return err
		}
	}
	for _, t := range []struct {
		name string
		rows []*Call
		into *index[*Call]
	}{
		{"clean", f.Clean, &s.clean}, {"escapes", f.Escapes, &s.escapes}, {"guards", f.Guards, &s.guards},
		{"schemas", f.Schemas, &s.schemas}, {"passes", f.Passes, &s.passes}, {"fetches", f.Fetches, &s.fetches},
		{"entries", f.Entries, &s.entries}, {"reads", f.Reads, &s.reads}, {"aliases", f.Aliases, &s.aliases},
	} {
		for _, c := range t.rows {
			if err := s.addCall(c, t.into); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	for _, src := range f.Sources {
		for i := range src.Paths {
			src.Paths[i].parts = strings.Split(src.Paths[i].Path, ".")
		}
		if old := s.sources[src.Root]; old != nil {
			old.Paths = append(old.Paths, src.Paths...)
			if old.Like == "" {
				old.Like = src.Like
			}
			continue
		}
		s.sources[src.Root] = src
	}
	s.handlers = append(s.handlers, f.Handlers...)
	for _, k := range f.Shapes {
		if k.Module == "" || len(k.Has) < 3 || len(k.Has) > 20 {
			return fmt.Errorf("shapes: %q wants a module and three to twenty names", k.Module)
		}
	}
	if s.shapes = append(s.shapes, f.Shapes...); len(s.shapes) > maxShapes {
		return fmt.Errorf("shapes: more than %d", maxShapes)
	}
	return nil
}

func (s *Set) addSink(k *Sink) error {
	i := slices.IndexFunc(s.classes, func(c Class) bool { return c.ID == k.ID })
	if i < 0 {
		return fmt.Errorf("sinks: %v: there is no class %q", k.Call, k.ID)
	}
	if k.Severity != "" && k.Severity.Rank() == 0 {
		return fmt.Errorf("sinks: %v: severity %q is none of critical, high, medium, low, info", k.Call, k.Severity)
	}
	k.index, k.class = i, 1<<i
	if len(k.Call) == 0 || len(k.Args) == 0 {
		return fmt.Errorf("sinks: %s: a sink wants call and args", k.ID)
	}
	for _, a := range k.Args {
		sel, err := ParseSelector(a)
		if err != nil {
			return fmt.Errorf("sinks: %s: %w", k.ID, err)
		}
		k.args = append(k.args, sel)
	}
	for _, c := range []*Condition{k.When, k.Unless} {
		if err := c.check(); err != nil {
			return fmt.Errorf("sinks: %s: %w", k.ID, err)
		}
	}
	return s.index(k.Call, func(glob string) { s.sinks.add(glob, k.Lang, k) })
}

func (c *Condition) check() error {
	if c == nil {
		return nil
	}
	var all []string
	all = append(append(all, c.Truthy...), c.Built...)
	for _, m := range []map[string][]string{c.Is, c.Not, c.Named, c.Starts} {
		for k := range m {
			all = append(all, k)
		}
	}
	for _, a := range all {
		if _, err := ParseSelector(a); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) addCall(c *Call, into *index[*Call]) error {
	if len(c.Call) == 0 {
		return errors.New("a row wants call")
	}
	for _, id := range c.For {
		i := slices.IndexFunc(s.classes, func(k Class) bool { return k.ID == id })
		if i < 0 {
			return fmt.Errorf("%v: there is no class %q", c.Call, id)
		}
		c.classes |= 1 << i
	}
	if c.Arg == "" {
		c.Arg = "0"
	}
	var err error
	if c.arg, err = ParseSelector(c.Arg); err != nil {
		return err
	}
	return s.index(c.Call, func(glob string) { into.add(glob, c.Lang, c) })
}

func (s *Set) index(calls []string, add func(glob string)) error {
	for _, p := range calls {
		globs, err := expand(p)
		if err != nil {
			return err
		}
		if s.patterns += len(globs); s.patterns > maxPatterns {
			return fmt.Errorf("more than %d patterns", maxPatterns)
		}
		for _, g := range globs {
			add(g)
		}
	}
	return nil
}

// A Selector names a part of the arguments of a call.
type Selector struct {
	Keyword string
	Index   int // -1 for all, -2 for the receiver
	Path    []string
	Deep    bool
}

// The special indices of a Selector.
const (
	AnyArg   = -1
	Receiver = -2
	ByName   = -3
)

// ParseSelector reads "0", "0.text", "0.**", "*", "kw:name" and "recv".
func ParseSelector(s string) (Selector, error) {
	parts := strings.Split(s, ".")
	sel := Selector{Path: parts[1:]}
	if n := len(sel.Path); n > 0 && sel.Path[n-1] == "**" {
		sel.Path, sel.Deep = sel.Path[:n-1], true
	}
	switch {
	case parts[0] == "*":
		sel.Index = AnyArg
	case parts[0] == "recv":
		sel.Index = Receiver
	case strings.HasPrefix(parts[0], "kw:") && len(parts[0]) > 3:
		sel.Index, sel.Keyword = ByName, parts[0][3:]
	default:
		n, err := strconv.Atoi(parts[0])
		if err != nil || n < 0 || n > 99 {
			return Selector{}, fmt.Errorf("argument %q is none of N, N.field, N.**, *, kw:NAME, recv", s)
		}
		sel.Index = n
	}
	return sel, nil
}
