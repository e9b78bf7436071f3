package cloudformation

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// maxTemplate bounds one template. CloudFormation takes 1 MiB; what a macro or a
// framework shortens may be longer.
const maxTemplate = 8 << 20

var (
	yamlResources = lazyregexp.New(`(?m)^(["']?)Resources["']?\s*:`)
	yamlType      = lazyregexp.New(`(?m)[\s{,]["']?Type["']?\s*:\s*["']?(AWS|Alexa|Custom)::`)
	jsonResources = lazyregexp.New(`"Resources"\s*:\s*\{`)
	jsonType      = lazyregexp.New(`"Type"\s*:\s*"(AWS|Alexa|Custom)::`)
)

// Is reports a CloudFormation or SAM template by its name and content.
func Is(name string, data []byte) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".template", ".cfn", ".sam":
		if !isJSON(data) {
			return yamlResources().Match(data) && (bytes.Contains(data, []byte("AWSTemplateFormatVersion")) || yamlType().Match(data))
		}
	case ".json":
	default:
		return false
	}
	return isJSON(data) && jsonResources().Match(data) && jsonType().Match(data)
}

func isJSON(data []byte) bool {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(data) > 0 && data[0] == '{'
}

// parse reads a template as a tree whose YAML tags have become intrinsic functions.
func parse(file string, data []byte) (*doc.Node, error) {
	if len(data) > maxTemplate {
		return nil, fmt.Errorf("a template of more than %d bytes", maxTemplate)
	}
	var root *doc.Node
	if isJSON(data) {
		n, err := doc.JSON(file, data, false)
		if err != nil { // JSON with what only YAML allows is still a template
			docs, again := doc.YAML(file, data)
			if again != nil || len(docs) == 0 {
				return nil, err
			}
			n = docs[0]
		}
		root = n
	} else {
		docs, err := doc.YAML(file, data)
		if len(docs) == 0 {
			return nil, cmpErr(err, errors.New("there is no document in it"))
		}
		root = docs[0]
	}
	if !root.Is(doc.Map) {
		return nil, errors.New("it is no mapping")
	}
	return Normalise(root), nil
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Normalise writes the short forms of intrinsic functions (!Sub) as the long ones.
func Normalise(n *doc.Node) *doc.Node {
	if n == nil {
		return nil
	}
	out := *n
	out.Tag = ""
	if n.Items != nil {
		out.Items = make([]*doc.Node, len(n.Items))
		for i := range n.Items {
			out.Items[i] = Normalise(n.Items[i])
		}
	}
	if n.Members != nil {
		out.Members = slices.Clone(n.Members)
		for i := range out.Members {
			out.Members[i].Value = Normalise(out.Members[i].Value)
		}
	}
	if n.Tag == "" {
		return &out
	}
	key := "Fn::" + n.Tag
	switch n.Tag {
	case "Ref", "Condition":
		key = n.Tag
	case "GetAtt":
		if s, ok := out.Scalar(); ok {
			id, attr, _ := strings.Cut(s, ".")
			out = *doc.NewList(n, doc.New(n, id), doc.New(n, attr))
		}
	}
	return doc.NewMap(n, doc.Pair(key, &out))
}

// intrinsic returns the name and argument when a node is an intrinsic function.
func intrinsic(n *doc.Node) (name string, arg *doc.Node) {
	if !n.Is(doc.Map) || len(n.Members) != 1 {
		return "", nil
	}
	switch m := n.Members[0]; {
	case m.Key == "Ref":
		if _, ok := m.Value.Scalar(); ok {
			return m.Key, m.Value
		}
	case m.Key == reference && m.Value.Is(doc.List) && len(m.Value.Items) == 2:
		return m.Key, m.Value
	case m.Key == "Condition" && m.Value.Is(doc.String):
		return m.Key, m.Value
	case strings.HasPrefix(m.Key, "Fn::") && !strings.HasPrefix(m.Key, "Fn::ForEach"):
		return m.Key, m.Value
	}
	return "", nil
}

// reference is the key of a node that stands for what a framework could not resolve.
const reference = "fnvet::reference"

// Reference makes a node that evaluates to a reference, for frameworks that write
// CloudFormation.
func Reference(at *doc.Node, kind model.RefKind, id string) *doc.Node {
	return doc.NewMap(at, doc.Pair(reference, doc.NewList(at, doc.New(at, string(kind)), doc.New(at, id))))
}
