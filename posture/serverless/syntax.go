package serverless

import (
	"encoding/json"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
)

// split cuts a string into text and the variables of the framework. What
// CloudFormation replaces, ${AWS::Region} or ${Bucket}, is text.
func split(s string) []segment {
	var out []segment
	text := ""
	for s != "" {
		i := strings.Index(s, "${")
		if i < 0 {
			text += s
			break
		}
		text += s[:i]
		end := closing(s[i:])
		if end < 0 {
			text += s[i:]
			break
		}
		inner := s[i+2 : i+end]
		s = s[i+end+1:]
		if !isVariable(inner) {
			text += "${" + inner + "}"
			continue
		}
		if text != "" {
			out = append(out, segment{text: text})
			text = ""
		}
		out = append(out, segment{inner, true})
	}
	if text != "" || len(out) == 0 {
		out = append(out, segment{text: text})
	}
	return out
}

// closing is the index of the bracket that closes the one at the front.
func closing(s string) int {
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == '{' && i > 0 && s[i-1] == '$':
			depth++
		case s[i] == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// isVariable tells the framework's variables by their source.
func isVariable(inner string) bool {
	name, rest, ok := strings.Cut(strings.TrimSpace(inner), ":")
	if i := strings.IndexByte(inner, '('); i > 0 && (!ok || i < len(name)) { // file(x.yml) needs no address
		name, ok = strings.TrimSpace(inner[:i]), true
	}
	if !ok || strings.HasPrefix(rest, ":") && !strings.Contains(name, "(") {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return name != ""
}

// options splits at commas outside brackets and quotes.
func options(s string) []string {
	var out []string
	depth, quote, from := 0, byte(0), 0
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '{' || c == '(':
			depth++
		case c == '}' || c == ')':
			depth--
		case c == ',' && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

// literal reads a quoted text, a number or a word of JSON.
func literal(at *doc.Node, s string) *doc.Node {
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return doc.New(at, s[1:len(s)-1])
	}
	n := doc.New(at, s)
	switch {
	case s == "true", s == "false":
		n.Kind = doc.Bool
	case s == "null":
		n.Kind = doc.Null
	case s != "" && json.Valid([]byte(s)) && strings.IndexByte("-0123456789", s[0]) >= 0:
		n.Kind = doc.Number
	case s == "":
	default:
		return nil
	}
	return n
}

// size counts the nodes of a tree, up to a limit.
func size(n *doc.Node, limit int) int {
	total := 1
	for _, item := range n.Elements() {
		if total > limit {
			return total
		}
		total += size(item, limit-total)
	}
	if n != nil {
		for _, m := range n.Members {
			if total > limit {
				return total
			}
			total += size(m.Value, limit-total)
		}
	}
	return total
}
