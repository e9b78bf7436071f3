package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// A manifest is what resolution needs of a package.json.
type manifest struct {
	name    string
	main    string
	exports *branch // nil: none
	imports *branch
	needs   []string // all kinds of dependencies but those for development
	dev     []string
	start   string // scripts.start
}

// A branch is a node of "exports" or "imports": a target, null, a list or an
// object in the order of its keys.
type branch struct {
	text string
	null bool
	list []*branch
	keys []string
	vals []*branch
}

const (
	maxManifest      = 8 << 20
	maxManifestDepth = 32
)

var errManifest = errors.New("package.json: unexpected structure")

// readManifest reads a package.json. Keys are matched as Node does: exactly, the
// last of duplicates.
func readManifest(data []byte) (*manifest, error) {
	if len(data) > maxManifest {
		return nil, errManifest
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &fields); err != nil {
		return nil, err
	}
	m := &manifest{name: word(fields["name"]), main: word(fields["main"])}
	var err1, err2 error
	m.exports, err1 = readBranch(fields["exports"])
	m.imports, err2 = readBranch(fields["imports"])
	for _, f := range []string{"dependencies", "optionalDependencies", "peerDependencies"} {
		m.needs = append(m.needs, keys(fields[f])...)
	}
	m.dev = keys(fields["devDependencies"])
	var scripts map[string]json.RawMessage
	if json.Unmarshal(fields["scripts"], &scripts) == nil {
		m.start = word(scripts["start"])
	}
	return m, errors.Join(err1, err2)
}

func word(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return strings.Clone(s)
}

func keys(raw json.RawMessage) []string {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, strings.Clone(k))
	}
	return out
}

func readBranch(raw json.RawMessage) (*branch, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	return decodeBranch(json.NewDecoder(bytes.NewReader(raw)), 0)
}

func decodeBranch(d *json.Decoder, depth int) (*branch, error) {
	if depth > maxManifestDepth {
		return nil, errManifest
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case string:
		return &branch{text: strings.Clone(t)}, nil
	case json.Delim:
		b := &branch{}
		for d.More() {
			if t == '{' {
				k, err := d.Token()
				if err != nil {
					return nil, err
				}
				key, ok := k.(string)
				if !ok {
					return nil, errManifest
				}
				b.keys = append(b.keys, strings.Clone(key))
			}
			v, err := decodeBranch(d, depth+1)
			if err != nil {
				return nil, err
			}
			if t == '{' {
				b.vals = append(b.vals, v)
			} else {
				b.list = append(b.list, v)
			}
		}
		_, err := d.Token()
		return b, err
	default: // null, numbers and booleans name no file
		return &branch{null: true}, nil
	}
}

// paths says whether the keys of an object are subpaths rather than conditions.
func (b *branch) paths() bool {
	return len(b.keys) > 0 && (strings.HasPrefix(b.keys[0], ".") || strings.HasPrefix(b.keys[0], "#"))
}

// lookUp finds the branch of a subpath ("./x", ".", "#x") and what * stands for.
func (b *branch) lookUp(sub string) (target *branch, star string) {
	if !b.paths() {
		if sub == "." {
			return b, ""
		}
		return nil, ""
	}
	var best string
	for i, k := range b.keys {
		if k == sub && !strings.Contains(k, "*") {
			return b.vals[i], ""
		}
		before, after, pattern := strings.Cut(k, "*")
		if !pattern && strings.HasSuffix(k, "/") {
			before, after, pattern = k, "", true // Node before 17
		}
		if !pattern || !strings.HasPrefix(sub, before) || !strings.HasSuffix(sub, after) || len(sub) < len(before)+len(after) {
			continue
		}
		if target == nil || len(before) > len(best) {
			best, target, star = before, b.vals[i], sub[len(before):len(sub)-len(after)]
		}
	}
	return target, star
}

// pick walks the conditions and returns the target of a branch, "" for none.
func (b *branch) pick(conditions map[string]bool, depth int) (string, bool) {
	switch {
	case b == nil || depth > maxManifestDepth:
		return "", false
	case b.null:
		return "", true
	case b.text != "":
		return b.text, true
	}
	for _, item := range b.list {
		if t, ok := item.pick(conditions, depth+1); ok && t != "" {
			return t, true
		}
	}
	for i, k := range b.keys {
		if k == "default" || conditions[k] {
			if t, ok := b.vals[i].pick(conditions, depth+1); ok {
				return t, true
			}
		}
	}
	return "", false
}

// substitute puts what * stands for into a target.
func substitute(target, star string) string {
	if strings.HasSuffix(target, "/") {
		return target + star
	}
	return strings.ReplaceAll(target, "*", star)
}
