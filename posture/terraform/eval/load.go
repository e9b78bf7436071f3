package eval

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Limits of what is read.
const (
	maxFile  = 2 << 20 // bytes of one file
	maxFiles = 1000    // configuration files of one directory
	maxNest  = 200     // brackets in brackets, and operators in one expression by ten
)

// An attribute of a body, with the place of its name.
type attribute struct {
	name string
	pos  Pos
	expr hclsyntax.Expression
}

// A block of a body, as both syntaxes have it.
type block struct {
	kind   string
	labels []string
	pos    Pos
	body   *body
}

type body struct {
	attrs  map[string]attribute
	blocks []block
}

func (b *body) attr(name string) (attribute, bool) {
	if b == nil {
		return attribute{}, false
	}
	a, ok := b.attrs[name]
	return a, ok
}

// configFiles are the configuration files of a directory, those that override last.
func configFiles(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var plain, over []string
	for _, e := range entries {
		name := e.Name()
		base, ok := strings.CutSuffix(strings.TrimSuffix(name, ".json"), ".tf")
		if !ok || e.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		if base == "override" || strings.HasSuffix(base, "_override") {
			over = append(over, path.Join(dir, name))
		} else {
			plain = append(plain, path.Join(dir, name))
		}
	}
	if len(plain)+len(over) > maxFiles {
		return nil, fmt.Errorf("%s: more than %d configuration files", dir, maxFiles)
	}
	return append(plain, over...), nil
}

// read returns the content of a file of the root, within the limit.
func (r *run) read(name string) ([]byte, error) {
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	}
	if r.bytes += info.Size(); r.bytes > maxBytes {
		return nil, fmt.Errorf("%s: more than %d bytes of configuration", name, maxBytes)
	}
	return fs.ReadFile(r.fsys, name)
}

// parse reads one file in either syntax. What could be read is returned with the error.
func (r *run) parse(name string) (*body, error) {
	data, err := r.read(name)
	if err != nil {
		return nil, err
	}
	r.keep(name, data)
	if strings.HasSuffix(name, ".json") {
		return r.parseJSON(name, data)
	}
	if err := nesting(name, data); err != nil {
		return nil, err
	}
	file, diags := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	if file == nil || file.Body == nil {
		return nil, diagError(name, diags)
	}
	b, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, diagError(name, diags)
	}
	return r.body(b, 0), diagError(name, diags)
}

// A mistake is what does not parse, with its place.
type mistake struct {
	pos  Pos
	what string
}

func (m mistake) Error() string { return fmt.Sprintf("%s:%d: %s", m.pos.File, m.pos.Line, m.what) }

// notParsed notes a file that could not be read, or not whole, at the line of the mistake.
func (r *run) notParsed(file, what string, err error) {
	pos, why := Pos{File: file}, err.Error()
	if m, ok := errors.AsType[mistake](err); ok && m.pos.File == file {
		pos, why = m.pos, m.what
	}
	r.issue(pos, what, why, false)
}

func diagError(name string, diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		at := Pos{File: name}
		if d.Subject != nil {
			at.Line, at.Column = d.Subject.Start.Line, d.Subject.Start.Column
		}
		return mistake{at, d.Summary}
	}
	return nil
}

func (r *run) body(b *hclsyntax.Body, depth int) *body {
	out := &body{attrs: map[string]attribute{}}
	if depth > maxNest {
		return out
	}
	for name, a := range b.Attributes {
		out.attrs[name] = attribute{name, r.pos(a.NameRange), a.Expr}
	}
	for _, c := range b.Blocks {
		out.blocks = append(out.blocks, block{c.Type, c.Labels, r.pos(c.TypeRange), r.body(c.Body, depth+1)})
	}
	return out
}

// errNesting keeps the recursive parser from source that is made to exhaust its stack.
var errNesting = errors.New("nested too deeply")

// nesting looks at the tokens alone, which are found without recursion. Operators
// count too, for each makes the tree one deeper.
func nesting(name string, data []byte) error {
	tokens, _ := hclsyntax.LexConfig(data, name, hcl.InitialPos)
	return tooDeep(name, tokens)
}

func tooDeep(name string, tokens hclsyntax.Tokens) error {
	type level struct {
		open      hclsyntax.TokenType
		operators int
	}
	stack := []level{{open: hclsyntax.TokenOBrace}}
	sum := 0 // of the operators at all levels
	for _, t := range tokens {
		top := &stack[len(stack)-1]
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			top.operators++ // a[0][0] and f()() are deep as well
			sum++
			stack = append(stack, level{open: t.Type})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if len(stack) > 1 {
				sum -= top.operators
				stack = stack[:len(stack)-1]
			}
		case hclsyntax.TokenNewline, hclsyntax.TokenComma:
			// A line ends an expression only where no other bracket than { is open.
			if t.Type == hclsyntax.TokenComma || top.open == hclsyntax.TokenOBrace {
				sum -= top.operators
				top.operators = 0
			}
		case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenStringLit, hclsyntax.TokenDot,
			hclsyntax.TokenEqual, hclsyntax.TokenComment, hclsyntax.TokenQuotedLit:
		default:
			top.operators++
			sum++
		}
		if len(stack) > maxNest || sum > 10*maxNest {
			return fmt.Errorf("%s:%d: %w", name, t.Range.Start.Line, errNesting)
		}
	}
	return nil
}

// keep notes where the lines of a file begin, for columns in bytes.
func (r *run) keep(name string, data []byte) {
	starts := []int{0}
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	r.lines[name] = starts
}

func (r *run) pos(rng hcl.Range) Pos {
	p := Pos{File: rng.Filename, Line: rng.Start.Line, Column: rng.Start.Column}
	starts := r.lines[rng.Filename]
	if i := sort.SearchInts(starts, rng.Start.Byte+1) - 1; i >= 0 {
		p.Line, p.Column = i+1, rng.Start.Byte-starts[i]+1
	}
	return p
}

// varFiles are the files that set variables of a root module, the strongest last.
func varFiles(fsys fs.FS, dir string) []string {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil
	}
	var first, auto []string
	for _, e := range entries {
		switch name := e.Name(); {
		case e.IsDir():
		case name == "terraform.tfvars" || name == "terraform.tfvars.json":
			first = append(first, path.Join(dir, name))
		case strings.HasSuffix(name, ".auto.tfvars"), strings.HasSuffix(name, ".auto.tfvars.json"):
			auto = append(auto, path.Join(dir, name))
		}
	}
	slices.Sort(auto)
	return append(first, auto...)
}
