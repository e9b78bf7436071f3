package serverless

import (
	"fmt"
	"strings"

	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// Limits of variables.
const (
	maxSteps = 60_000
	maxText  = 64 << 10 // bytes of one text with variables
	maxSize  = 1000     // nodes of one text with variables
	maxDepth = 48
	maxFile  = 4 << 20
	maxFiles = 200
	maxWays  = 12 // alternatives of one value
	maxNodes = 500_000
)

// A resolver replaces the variables of a serverless.yml:
// https://www.serverless.com/framework/docs/providers/aws/guide/variables
// Nothing is taken from the environment or the command line of this process.
type resolver struct {
	src    *model.Source
	root   *doc.Node
	files  map[string]*doc.Node
	steps  int
	nodes  int
	listed []model.Unresolved
	seen   map[string]bool
	known  map[string]answer // by address in the file
	failed map[string]error  // by file
	// keyless is the last variable whose file has no such key.
	keyless string
	value   bool // what is resolved is a mere value
}

// values are the keys under which nothing states resources or permissions, nor holds
// secrets.
var values = map[string]bool{"tags": true, "stackTags": true, "description": true, "Outputs": true, "deploymentBucket": true, "plugins": true}

// A way is one value of a variable. given is true when it depends on what is given
// on deployment, so that it is a default.
type way struct {
	node  *doc.Node
	given bool
}

// tree resolves all variables in a tree. A variable without a value becomes a
// reference; one with several, a choice between them.
func (v *resolver) tree(n *doc.Node, depth int) *doc.Node {
	if n == nil {
		return nil
	}
	if v.nodes++; v.nodes > maxNodes || depth > doc.MaxDepth {
		return v.opaque(n, model.RefOther, "limit")
	}
	switch {
	case n.Is(doc.String):
		if strings.Contains(n.Text, "${") {
			return tagged(n, v.choice(n, v.text(n, n.Text, 0)))
		}
	case n.Is(doc.List):
		out := *n
		out.Items = nil
		for _, item := range n.Items {
			out.Items = append(out.Items, v.tree(item, depth+1))
		}
		return &out
	case n.Is(doc.Map):
		out := *n
		out.Members = nil
		for _, m := range n.All() {
			m.Key = v.key(n, m.Key)
			was := v.value
			v.value = was || values[m.Key]
			m.Value = v.tree(m.Value, depth+1)
			v.value = was
			out.Members = append(out.Members, m)
		}
		return &out
	}
	return n
}

// tagged gives the tag of a node to what its variables came to.
func tagged(n, value *doc.Node) *doc.Node {
	if n.Tag == "" {
		return value
	}
	out := *value
	if out.Kind == doc.Map && out.Tag == "" && n.Tag != "Ref" && n.Tag != "Condition" {
		return doc.NewMap(n, doc.Pair("Fn::"+n.Tag, value))
	}
	out.Tag = n.Tag
	return &out
}

// key resolves variables in a key, as far as they are plain.
func (v *resolver) key(at *doc.Node, key string) string {
	if !strings.Contains(key, "${") {
		return key
	}
	for _, w := range v.text(at, key, 0) {
		if s, ok := w.node.Scalar(); ok {
			return s
		}
	}
	return key
}

// choice makes one node of several ways, as conditions that may go any way do.
func (v *resolver) choice(at *doc.Node, ways []way) *doc.Node {
	if len(ways) == 0 {
		return v.opaque(at, model.RefOther, "unknown")
	}
	n := ways[len(ways)-1].node
	for i := len(ways) - 2; i >= 0; i-- {
		n = doc.NewMap(at, doc.Pair("Fn::If", doc.NewList(at, doc.New(at, ""), ways[i].node, n)))
	}
	return n
}

func (v *resolver) opaque(at *doc.Node, kind model.RefKind, id string) *doc.Node {
	return cloudformation.Reference(at, kind, id)
}

// text resolves the variables of one string.
func (v *resolver) text(at *doc.Node, s string, depth int) []way {
	if v.steps++; v.steps > maxSteps || depth > maxDepth {
		return []way{{node: v.opaque(at, model.RefOther, "limit")}}
	}
	segments := split(s)
	if len(segments) == 1 && segments[0].variable {
		return v.variable(at, segments[0].text, depth+1)
	}
	var parts []*doc.Node
	given := false
	plain := true
	for _, seg := range segments {
		if !seg.variable {
			parts = append(parts, doc.New(at, seg.text))
			continue
		}
		ways := v.variable(at, seg.text, depth+1)
		if len(ways) == 0 {
			parts, plain = append(parts, v.opaque(at, model.RefOther, "unknown")), false
			continue
		}
		n := ways[0].node // of several the first: the default
		given = given || ways[0].given || len(ways) > 1
		if _, ok := n.Scalar(); !ok {
			plain = false
		}
		parts = append(parts, n)
	}
	if plain {
		var b strings.Builder
		for _, p := range parts {
			if b.Len()+len(p.Text) > maxText {
				return []way{{node: v.opaque(at, model.RefOther, "limit")}}
			}
			b.WriteString(p.Text)
		}
		return []way{{node: doc.New(at, b.String()), given: given}}
	}
	total := 0
	for _, p := range parts {
		if total += size(p, maxSize); total > maxSize {
			return []way{{node: v.opaque(at, model.RefOther, "limit")}}
		}
	}
	join := doc.NewMap(at, doc.Pair("Fn::Join", doc.NewList(at, doc.New(at, ""), doc.NewList(at, parts...))))
	return []way{{node: join, given: given}}
}

// A segment is a piece of a string: a variable without its brackets, or text.
type segment struct {
	text     string
	variable bool
}

// variable resolves "source:address, fallback, …".
func (v *resolver) variable(at *doc.Node, inner string, depth int) []way {
	ways, _ := v.sources(at, inner, depth)
	return ways
}

func (v *resolver) sources(at *doc.Node, inner string, depth int) (ways []way, found bool) {
	var none []way
	missing := ""
	for i, option := range options(inner) {
		option = strings.TrimSpace(option)
		v.keyless = ""
		ways, found := v.option(at, option, i, depth)
		if v.keyless != "" {
			missing, v.keyless = v.keyless, ""
		}
		if found {
			for j := range ways {
				ways[j].given = ways[j].given || i > 0
			}
			return ways, true
		}
		if none == nil {
			none = ways
		}
	}
	if missing != "" {
		v.list(at, missing, "the file has no such key", false)
	}
	return none, false
}

// option resolves one source. found is false when a fallback is wanted; then ways
// are what stands for it without one.
func (v *resolver) option(at *doc.Node, option string, nth, depth int) (ways []way, found bool) {
	if depth > maxDepth {
		return []way{{node: v.opaque(at, model.RefOther, "limit")}}, true
	}
	if nth > 0 { // a fallback may be a literal
		if n := literal(at, option); n != nil {
			return []way{{node: n}}, true
		}
	}
	if strings.HasPrefix(option, "${") && closing(option) == len(option)-1 {
		return v.sources(at, strings.TrimSuffix(option[2:], "}"), depth+1)
	}
	source, address, _ := strings.Cut(option, ":")
	argument := ""
	if i := strings.IndexByte(option, '('); i >= 0 && i < len(source) {
		if j := strings.IndexByte(option[i:], ')'); j > 0 {
			source, argument = option[:i], option[i+1:i+j]
			address = strings.TrimPrefix(option[i+j+1:], ":")
		}
	}
	source = strings.TrimSpace(source)
	if source == "self" {
		return v.self(at, strings.TrimSpace(address), depth)
	}
	address, given, known := v.plain(at, address, depth)
	if !known {
		return []way{{node: v.opaque(at, model.RefOther, option)}}, false
	}
	switch source {
	case "file":
		return v.file(at, argument, address, depth)
	case "opt", "sls", "param", "aws":
		ways, found := v.builtin(at, source, address, depth)
		for i := range ways {
			ways[i].given = true
		}
		return ways, found
	case "strToBool":
		s, depends, _ := v.plain(at, argument, depth)
		return []way{{node: &doc.Node{Kind: doc.Bool, Text: s, File: at.File, Line: at.Line, Column: at.Column}, given: given || depends}}, true
	}
	return v.elsewhere(at, source, address), false
}

// plain resolves the variables inside an address to a text.
func (v *resolver) plain(at *doc.Node, s string, depth int) (text string, given, known bool) {
	if !strings.Contains(s, "${") {
		return strings.TrimSpace(s), false, true
	}
	ways := v.text(at, s, depth+1)
	if len(ways) == 0 {
		return s, false, false
	}
	text, known = ways[0].node.Scalar()
	if !known {
		text = s
	}
	return strings.TrimSpace(text), ways[0].given || len(ways) > 1, known
}

// elsewhere is a reference to what this process must not and need not look up.
func (v *resolver) elsewhere(at *doc.Node, source, address string) []way {
	kind := model.RefSetting
	base, _, _ := strings.Cut(source, ".")
	switch base {
	case "cf", "output", "terraform", "cross-region":
		kind = model.RefImport
	case "ssm":
		if strings.Contains(address, "/aws/reference/secretsmanager/") || strings.HasSuffix(address, "~true") {
			kind = model.RefDynamic
		}
	case "vault", "doppler", "secretsmanager":
		kind = model.RefDynamic
	case "env", "s3", "git":
	default:
		kind = model.RefOther
		v.list(at, "${"+source+":"+address+"}", "a variable of a plugin", false)
	}
	if kind == model.RefImport {
		v.list(at, "${"+source+":"+address+"}", "it is an output of another stack", false)
	}
	return []way{{node: v.opaque(at, kind, source+":"+address)}}
}

// builtin resolves options, parameters and what the framework knows of itself.
func (v *resolver) builtin(at *doc.Node, source, address string, depth int) ([]way, bool) {
	switch {
	case source == "aws", address == "instanceId", address == "accountId":
		return []way{{node: v.opaque(at, model.RefPseudo, source+":"+address)}}, true
	case source == "param":
		if n := v.parameter(address, depth); n != nil {
			return v.deeper(n, depth), true
		}
	case address == "stage":
		if n := v.root.At("provider", "stage"); n != nil && depth < maxDepth/2 && !strings.Contains(n.Str(), "opt:stage}") {
			return v.deeper(n, depth), source == "sls"
		}
		return []way{{node: doc.New(at, "dev")}}, source == "sls"
	case address == "region" && source == "opt":
		if n := v.root.At("provider", "region"); n != nil && depth < maxDepth/2 && !strings.Contains(n.Str(), "opt:region}") {
			return v.deeper(n, depth), false
		}
	}
	return []way{{node: v.opaque(at, model.RefSetting, source+":"+address)}}, false
}

// parameter finds a value of params or stages, of the default stage first.
func (v *resolver) parameter(name string, depth int) *doc.Node {
	stages, _ := v.builtin(v.root, "sls", "stage", depth+1)
	for _, stage := range []string{stages[0].node.Str(), "default"} {
		if n := v.root.At("params", stage, name); n != nil {
			return n
		}
		if n := v.root.At("stages", stage, "params", name); n != nil {
			return n
		}
	}
	return nil
}

// deeper resolves what a variable came to.
func (v *resolver) deeper(n *doc.Node, depth int) []way {
	if n.Is(doc.String) && strings.Contains(n.Text, "${") {
		return v.text(n, n.Text, depth+1)
	}
	return []way{{node: v.bounded(n, depth+1)}}
}

// bounded is tree, for structures inside variables: what refers to itself ends.
func (v *resolver) bounded(n *doc.Node, depth int) *doc.Node {
	if v.steps++; v.steps > maxSteps || depth > maxDepth {
		return v.opaque(n, model.RefOther, "limit")
	}
	switch {
	case n == nil:
		return nil
	case n.Is(doc.String) && strings.Contains(n.Text, "${"):
		return tagged(n, v.choice(n, v.text(n, n.Text, depth+1)))
	case n.Is(doc.List), n.Is(doc.Map):
		out := *n
		out.Items, out.Members = nil, nil
		for _, item := range n.Items {
			out.Items = append(out.Items, v.bounded(item, depth+1))
		}
		for _, m := range n.All() {
			m.Key, m.Value = v.key(n, m.Key), v.bounded(m.Value, depth+1)
			out.Members = append(out.Members, m)
		}
		return &out
	}
	return n
}

// list notes what could not be resolved, once.
func (v *resolver) list(at *doc.Node, what, why string, refused bool) {
	key := fmt.Sprint(at.File, at.Line, what)
	if v.seen[key] || len(v.listed) > 500 {
		return
	}
	v.seen[key] = true
	if len(what) > 120 {
		what = what[:117] + "..."
	}
	v.listed = append(v.listed, model.Unresolved{Pos: model.Pos{File: at.File, Line: at.Line, Column: at.Column}, What: what, Why: why, Refused: refused,
		Partial: !refused && !v.value && strings.HasPrefix(what, "${file(")})
}
