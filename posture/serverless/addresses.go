package serverless

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// self follows an address in the file itself. Where a part of the address is what
// is given on deployment, all entries there may be meant.
func (v *resolver) self(at *doc.Node, address string, depth int) ([]way, bool) {
	if strings.Contains(address, "${") {
		return v.address(at, address, depth)
	}
	known, ok := v.known[address]
	if ok {
		return slices.Clone(known.ways), known.found
	}
	v.known[address] = answer{ways: []way{{node: v.opaque(at, model.RefOther, "self:"+address)}}} // of what refers to itself
	known.ways, known.found = v.address(at, address, depth)
	v.known[address] = known
	return slices.Clone(known.ways), known.found
}

// An answer is what an address came to.
type answer struct {
	ways  []way
	found bool
}

func (v *resolver) address(at *doc.Node, address string, depth int) ([]way, bool) {
	nodes := []*doc.Node{v.root}
	given := false
	for _, raw := range addressParts(address) {
		part, depends, known := v.plain(at, raw, depth)
		var next []*doc.Node
		for _, n := range nodes {
			n, depends := v.follow(n, depth)
			given = given || depends
			if part == "" && known {
				next = append(next, n)
				continue
			}
			for key := range strings.SplitSeq(part, ".") { // a variable may hold several parts
				n, depends = v.follow(n, depth)
				given = given || depends
				n = step(n, key)
			}
			if n != nil && known {
				next = append(next, n)
			}
		}
		if depends || !known {
			given = true
			for _, n := range nodes {
				n, _ = v.follow(n, depth)
				next = v.siblings(next, n)
			}
		}
		if nodes = next; len(nodes) == 0 {
			return []way{{node: v.opaque(at, model.RefOther, "self:"+address)}}, false
		}
	}
	var ways []way
	for _, n := range nodes {
		for _, w := range v.deeper(n, depth) {
			w.given = w.given || given
			ways = append(ways, w)
		}
	}
	return ways[:min(len(ways), maxWays)], true
}

// siblings adds the other entries of a map.
func (v *resolver) siblings(found []*doc.Node, of *doc.Node) []*doc.Node {
	seen := map[*doc.Node]bool{}
	for _, n := range found {
		seen[n] = true
	}
	for _, m := range of.All() {
		if !seen[m.Value] && len(found) < maxWays {
			found = append(found, m.Value)
		}
	}
	return found
}

// addressParts splits at dots outside variables.
func addressParts(s string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case '.':
			if depth == 0 {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}

func step(n *doc.Node, key string) *doc.Node {
	if n.Is(doc.List) {
		for i, item := range n.Items {
			if fmt.Sprint(i) == key {
				return item
			}
		}
	}
	return n.Get(key)
}

// follow resolves a node that is a variable itself, such as custom: ${file(x.yml)}.
func (v *resolver) follow(n *doc.Node, depth int) (value *doc.Node, given bool) {
	if n.Is(doc.String) && strings.HasPrefix(n.Text, "${") && closing(n.Text) == len(n.Text)-1 && depth < maxDepth {
		if ways := v.text(n, n.Text, depth+1); len(ways) > 0 {
			return ways[0].node, ways[0].given
		}
	}
	return n, false
}

// file reads a file inside the root of the source.
func (v *resolver) file(at *doc.Node, argument, address string, depth int) ([]way, bool) {
	name, _, known := v.plain(at, argument, depth)
	unknown := []way{{node: v.opaque(at, model.RefOther, "file("+name+")")}}
	if !known {
		return unknown, false
	}
	local := path.Join(path.Dir(v.src.Name), name)
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~") || strings.Contains(name, "\\") || local == ".." || strings.HasPrefix(local, "../") {
		v.list(at, "${file("+name+")}", "it is outside the folder of the template", true)
		return unknown, false
	}
	switch ext := path.Ext(local); ext {
	case ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts":
		v.list(at, "${file("+name+")}", "it is a program, which fnvet does not run", false)
		return unknown, false
	}
	root, err := v.load(local)
	if err != nil {
		v.list(at, "${file("+name+")}", err.Error(), false)
		return unknown, false
	}
	n := root
	if address != "" {
		for key := range strings.SplitSeq(address, ".") {
			n, _ = v.follow(step(n, key), depth+1)
		}
	}
	if n == nil {
		v.keyless = "${file(" + name + "):" + address + "}"
		return unknown, false
	}
	return v.deeper(n, depth), true
}

// load parses a file, once.
func (v *resolver) load(name string) (*doc.Node, error) {
	if n, ok := v.files[name]; ok {
		return n, v.failed[name]
	}
	n, err := v.parse(name)
	v.files[name], v.failed[name] = n, err
	return n, err
}

func (v *resolver) parse(name string) (*doc.Node, error) {
	if len(v.files) > maxFiles || v.src.FS == nil {
		return nil, errors.New("too many files")
	}
	data, err := readAll(v.src.FS, name)
	if err != nil {
		return nil, err
	}
	at := v.src.Pos(name, 1, 1).File
	var n *doc.Node
	switch path.Ext(name) {
	case ".yml", ".yaml", ".json":
		docs, err := doc.YAML(at, data)
		if len(docs) == 0 || err != nil {
			return nil, errors.New("it does not parse")
		}
		n = docs[0]
	default:
		n = &doc.Node{Kind: doc.String, Text: strings.TrimSpace(string(data)), File: at, Line: 1, Column: 1}
	}
	return n, nil
}

func readAll(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, errors.New("the file is not there")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil || len(data) > maxFile {
		return nil, errors.New("the file could not be read")
	}
	return data, nil
}
