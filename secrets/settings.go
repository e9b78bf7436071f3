package secrets

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/secretname"
)

// settingID is the rule for a variable whose name says it holds a secret, with a
// literal value of no known format.
const settingID = "plain-setting"

func settingRule() fnvet.Rule {
	return fnvet.Rule{
		ID: idPrefix + settingID, Kind: fnvet.SecretKind, Severity: fnvet.High,
		Title: "Secret in a plain setting",
		Help: "An environment variable, label or build argument whose name says that it holds a secret has a literal value. " +
			"Everyone who can pull the image or read the function's configuration can read it. " +
			"Keep the value in a secret manager and reference it from the setting.",
	}
}

// Settings searches what an artifact states outside its files: each value by
// every rule, and by its name. Offsets of a finding are those in the value.
// Findings come in the order of the settings.
func (s *Scanner) Settings(ctx context.Context, settings []fnvet.Setting) []fnvet.Finding {
	var out []fnvet.Finding
	for _, set := range settings {
		if ctx.Err() != nil {
			break
		}
		out = append(out, s.setting(ctx, &set)...)
	}
	return out
}

func (s *Scanner) setting(ctx context.Context, set *fnvet.Setting) []fnvet.Finding {
	line := set.Name + "=" + set.Value
	base := len(set.Name) + 1
	found := s.spans(ctx, line)
	var out []fnvet.Finding
	for _, c := range found {
		value := string(c.secret())
		if c.secretEnd <= base || c.rule.generic || c.rule.assigned && isPlaceholder(value) {
			continue // plainSecrets judges by the name, and better
		}
		f := s.describe(c.rule, c.secret(), excerpt(&c))
		f.Secret.Confidence = confidenceOf(c.rule, place{})
		f.Secret.Name = cmp.Or(nameBefore(c.data, c.secretStart), set.Name)
		f.Secret.Start, f.Secret.End = max(c.secretStart-base, 0), c.secretEnd-base
		out = append(out, f)
	}
	for _, p := range plainSecrets(set.Name, set.Value) {
		if slices.ContainsFunc(out, func(f fnvet.Finding) bool { return f.Secret.Start < p.end && p.start < f.Secret.End }) {
			continue
		}
		out = append(out, s.plain(set, p))
	}
	for i := range out {
		f := &out[i]
		f.Path, f.Layer, f.Secret.Source = set.Path, set.Layer, set.Source
		f.Secret.Name = hideSecret(f.Secret.Name, line, found)
	}
	return out
}

// hideSecret returns a name of its own memory, or "" when it holds a secret.
func hideSecret(name, line string, found []candidate) string {
	for _, c := range found {
		if strings.Contains(name, line[c.secretStart:c.secretEnd]) {
			return ""
		}
	}
	return strings.Clone(name)
}

func (s *Scanner) plain(set *fnvet.Setting, p assignment) fnvet.Finding {
	value := set.Value[p.start:p.end]
	r := settingRule()
	f := fnvet.Finding{
		ID: r.ID, Kind: r.Kind, Severity: r.Severity, Title: r.Title, Salt: salt([]byte(value)),
		Evidence:    fmt.Sprintf("…(%d chars)", utf8.RuneCountInString(value)),
		Remediation: "Rotate the secret, keep it in a secret manager and reference it from the setting.",
	}
	f.Secret = &fnvet.Secret{
		Rule: settingID, Hash: s.hash([]byte(value)), Start: p.start, End: p.end, Name: p.name,
		Confidence: fnvet.ConfidenceMedium,
	}
	return f
}

// An assignment is a name and where its value is.
type assignment struct {
	name       string
	start, end int
}

// plainSecrets lists the literal values in a setting whose names say that they
// are secrets: the setting's own, and NAME=value words inside a command line;
// and the passwords in URLs.
func plainSecrets(name, value string) []assignment {
	if (secretName(name) || likelyKey(name, value)) && !isPlaceholder(value) {
		return []assignment{{name, 0, len(value)}}
	}
	var out []assignment
	for _, u := range urlPasswords(value) {
		if !isPlaceholder(value[u.start:u.end]) {
			out = append(out, assignment{name, u.start, u.end})
		}
	}
	for _, w := range assignments(value) {
		if secretName(w.name) && !isPlaceholder(value[w.start:w.end]) {
			out = append(out, w)
		}
	}
	return out
}

// likelyKey reports whether a name that could be a secret's has a value that looks
// like one: "STRIPE_KEY", "REDIS_AUTH".
func likelyKey(name, value string) bool {
	words := secretname.Words(name)
	if len(words) < 2 || transient(name) {
		return false
	}
	before := words[len(words)-2]
	if fileKey(name) || before == "publishable" || before == "site" || before == "host" && len(words) == 2 {
		return false
	}
	random := len(value) >= 16 && strings.ContainsAny(value, "0123456789") && !strings.ContainsAny(value, " /:") && !wordy(value) &&
		entropy([]byte(value)) >= minKeyEntropy
	switch words[len(words)-1] {
	case "key", "salt", "sas", "signature":
		return random
	case "auth":
		return random || len(value) >= 8 && strings.ContainsAny(value, ":") && strings.ContainsAny(value, "0123456789")
	}
	return false
}

// minKeyEntropy is the least entropy, in bits a byte, of a value taken for a key.
const minKeyEntropy = 3.3

// assignments finds the NAME=value words of a command line. Quotes around a
// value are not part of it.
func assignments(line string) []assignment {
	var out []assignment
	for i := 0; i < len(line); i++ {
		if line[i] != '=' {
			continue
		}
		from := i
		for from > 0 && nameByte(line[from-1]) && i-from <= maxName {
			from--
		}
		if from == i || i-from > maxName || from > 0 && !strings.ContainsRune(" \t\n\"'-|;&(,{", rune(line[from-1])) {
			continue
		}
		start, end := word(line, i+1)
		if from > 0 && (line[from-1] == '{' || line[from-1] == ',') {
			end = start + listItem(line[start:end])
		} else {
			end = start + upToNext(line[start:end])
		}
		if start < end && line[start] == '{' { // a list of others
			i = start
			continue
		}
		if end > start {
			out = append(out, assignment{name: strings.Trim(line[from:i], "-."), start: start, end: end})
		}
		i = max(i, end-1)
	}
	return out
}

// listItem is the length of a value in NAME=value,NAME=value or {NAME=value}.
func listItem(v string) int {
	if i := strings.IndexAny(v, ",}"); i >= 0 {
		return i
	}
	return len(v)
}

// upToNext is the length of a value up to another that follows it: a,NAME=b.
func upToNext(v string) int {
	for i := range len(v) {
		if v[i] != ',' {
			continue
		}
		name, _, ok := strings.Cut(v[i+1:], "=")
		if ok && name != "" && len(name) <= maxName && strings.Trim(name, identifierBytes) == "" {
			return i
		}
	}
	return len(v)
}

// word finds the shell word at offset i: up to white space, or inside quotes.
func word(line string, i int) (start, end int) {
	if i < len(line) && (line[i] == '"' || line[i] == '\'') {
		if n := strings.IndexByte(line[i+1:], line[i]); n >= 0 {
			return i + 1, i + 1 + n
		}
		return i + 1, len(line)
	}
	n := strings.IndexAny(line[i:], " \t\n\r;&|\"'")
	if n < 0 {
		return i, len(line)
	}
	return i, i + n
}

// spans runs the rules over one short text and returns what is left after their
// filters, sorted.
func (s *Scanner) spans(ctx context.Context, line string) []candidate {
	w := s.worker()
	defer s.release(w)
	f := &fnvet.File{Name: "", Path: ""}
	w.reset(ctx, f)
	t := text{data: []byte(line), at: func(i int) int { return i }}
	w.reads = spareReads
	w.mark(t.data)
	for _, i := range w.order {
		w.search(s.set.rules[i], &t)
	}
	found := slices.Clone(w.drafts)
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.secretStart, b.secretStart), cmp.Compare(a.rule.index, b.rule.index))
	})
	return dropOverlapped(found)
}

// Redact masks every secret found in a text, for command lines and the like that
// are shown to people. It hides more than Settings reports: whatever a known
// format matches, values of secret-sounding names, passwords in URLs.
func (s *Scanner) Redact(text string) string {
	var hide []span
	for _, c := range s.spans(context.Background(), text) {
		hide = append(hide, span{c.secretStart, c.secretEnd})
	}
	for _, a := range assignments(text) {
		if secretName(a.name) && !isReference(text[a.start:a.end]) {
			hide = append(hide, span{a.start, a.end})
		}
	}
	hide = append(hide, flagValues(text)...)
	hide = append(hide, urlPasswords(text)...)
	var out strings.Builder
	at := 0
	for _, h := range mergeSpans(hide) {
		out.WriteString(text[at:h.start])
		out.WriteString("***")
		at = h.end
	}
	out.WriteString(text[at:])
	return out.String()
}

// flagValues finds the values of command-line flags that name a secret and take
// it as the next word: --password VALUE.
func flagValues(line string) []span {
	var out []span
	for i := 0; ; {
		n := strings.Index(line[i:], "--")
		if n < 0 {
			return out
		}
		i += n + 2
		end := i
		for end < len(line) && nameByte(line[end]) {
			end++
		}
		if end < len(line) && line[end] == ' ' && secretName(line[i:end]) {
			if start, stop := word(line, end+1); stop > start && line[start] != '-' {
				out = append(out, span{start, stop})
			}
		}
		i = end
	}
}

// urlPasswords finds the password of every scheme://user:password@host.
func urlPasswords(text string) []span {
	var out []span
	for i := 0; ; {
		n := strings.Index(text[i:], "://")
		if n < 0 {
			return out
		}
		i += n + 3
		end := strings.IndexAny(text[i:], "/ \t\n\"'`<>")
		if end < 0 {
			end = len(text) - i
		}
		info := text[i : i+end]
		at, colon := strings.LastIndexByte(info, '@'), strings.IndexByte(info, ':')
		if colon >= 0 && colon+1 < at {
			out = append(out, span{i + colon + 1, i + at})
		}
		i += end
	}
}
