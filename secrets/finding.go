package secrets

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fnvet/fnvet"
)

// rank orders how specific rules are: a candidate that overlaps one of a higher
// rank says nothing new.
func (r *rule) rank() int {
	switch {
	case r.generic:
		return 0
	case r.assigned:
		return 1
	}
	return 2
}

// settle turns the drafts of one text into findings.
func (w *worker) settle(t *text) {
	if len(w.drafts) == 0 {
		return
	}
	slices.SortFunc(w.drafts, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.secretStart, b.secretStart), -cmp.Compare(a.secretEnd, b.secretEnd),
			cmp.Compare(a.rule.index, b.rule.index))
	})
	if w.s.set.composite {
		w.composed(t)
	}
	w.drafts = dropOverlapped(w.drafts)
	pos := position{data: t.data, line: 1}
	for i := range w.drafts {
		c := &w.drafts[i]
		if w.place.lock && c.rule.rank() < 2 {
			continue
		}
		if len(w.findings) >= maxFindings {
			w.capped = true
			return
		}
		c.unquote()
		confidence, ok := w.judge(c, t)
		if !ok {
			continue
		}
		f := w.finding(c, t)
		if c.rule.id == "private-key" {
			asServiceAccount(c, &f)
		}
		if t.inside && slices.ContainsFunc(w.findings, func(o fnvet.Finding) bool { return o.ID == f.ID && o.Secret.Hash == f.Secret.Hash }) {
			continue
		}
		f.Secret.Confidence = confidence
		if c.rule.generic && confidence != fnvet.ConfidenceLow && w.trusted() && secretName(nameBefore(t.data, c.secretStart)) {
			f.Severity = fnvet.High // as a weak password in a setting is
		}
		switch {
		case t.lines:
			f.Line, f.Column = pos.advance(c.secretStart)
		case t.inText:
			if f.Secret.Start < w.lines.done {
				w.lines = position{data: w.file.Data, line: 1}
			}
			f.Line, f.Column = w.lines.advance(f.Secret.Start)
		}
		if t.depth > 0 && !w.makeRoom(span{f.Secret.Start, f.Secret.End}, false) {
			continue
		}
		w.findings = append(w.findings, f)
	}
}

// dropOverlapped removes the candidates that overlap one of a higher rank, and
// of those of one rank with the very same secret all but the first. list is
// sorted by where the secrets start.
func dropOverlapped(list []candidate) []candidate {
	var above []span // merged spans of the ranks done
	keep := list[:0:0]
	for rank := 2; rank >= 0; rank-- {
		var spans []span
		last := span{-1, -1}
		for _, c := range list {
			s := span{c.secretStart, c.secretEnd}
			if c.rule.rank() != rank || rank < 2 && s == last || overlaps(above, s) {
				continue
			}
			last = s
			keep = append(keep, c)
			spans = append(spans, s)
		}
		above = mergeSpans(append(above, spans...))
	}
	slices.SortStableFunc(keep, func(a, b candidate) int { return cmp.Compare(a.secretStart, b.secretStart) })
	return keep
}

// A span is [start, end) of a text.
type span struct{ start, end int }

// mergeSpans sorts the spans and joins those that overlap or touch.
func mergeSpans(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}

// overlaps reports whether s shares a byte with one of the merged spans.
func overlaps(spans []span, s span) bool {
	i, _ := slices.BinarySearchFunc(spans, s.start, func(a span, at int) int { return cmp.Compare(a.end, at+1) })
	return i < len(spans) && spans[i].start < s.end
}

// A position counts lines up to ascending offsets.
type position struct {
	data       []byte
	done       int
	line, from int
}

func (p *position) advance(to int) (line, column int) {
	for p.done < to {
		i := bytes.IndexByte(p.data[p.done:to], '\n')
		if i < 0 {
			break
		}
		p.done += i + 1
		p.line++
		p.from = p.done
	}
	p.done = max(p.done, to)
	return p.line, to - p.from + 1
}

// finding describes one candidate. Nothing in it refers to the file's bytes.
func (w *worker) finding(c *candidate, t *text) fnvet.Finding {
	secret := c.secret()
	start := t.at(c.secretStart)
	f := w.s.describe(c.rule, secret, excerpt(c))
	f.Path, f.Layer = w.file.Path, w.file.Layer
	f.Secret.Start, f.Secret.End = start, t.end(c.secretEnd)
	f.Secret.Name = w.safeName(nameBefore(t.data, c.secretStart), c.secretStart)
	f.Secret.Source = "file"
	if account, ok := awsAccount(string(secret)); ok && c.rule.id == "aws-access-token" {
		f.Title += " of account " + account
	}
	return f
}

// describe fills what does not depend on where a secret was found.
func (s *Scanner) describe(r *rule, secret []byte, evidence string) fnvet.Finding {
	f := fnvet.Finding{
		ID: idPrefix + r.id, Kind: fnvet.SecretKind, Severity: r.severity, Title: r.title,
		Evidence: evidence, Remediation: remediation(r), Salt: salt(secret),
		Secret: &fnvet.Secret{Rule: r.id, Hash: s.hash(secret)},
	}
	if r.reference != "" {
		f.References = []string{r.reference}
	}
	return f
}

// hash is the first 16 hex digits of HMAC-SHA256 under the installation's key.
func (s *Scanner) hash(secret []byte) string {
	m := hmac.New(sha256.New, s.key)
	m.Write(secret)
	return hex.EncodeToString(m.Sum(nil)[:8])
}

// saltDomain keeps the salt's hash apart from any other use of SHA-256.
const saltDomain = "fnvet secret salt 1\x00"

// salt is 16 bits of a hash of the secret: the same on every machine, enough to
// tell two secrets of one file apart in a fingerprint, and too short to confirm
// a guess (one guess in 65,536 fits by chance).
func salt(secret []byte) string {
	h := sha256.New()
	h.Write([]byte(saltDomain))
	h.Write(secret)
	return hex.EncodeToString(h.Sum(nil)[:2])
}

// minHidden is how much of a secret an excerpt always hides, in bytes.
const minHidden = 8

// excerpt shows the part of a secret that its format fixes, two characters of
// the rest and the secret's length.
func excerpt(c *candidate) string {
	secret := c.secret()
	prefix := c.rule.prefix(secret)
	show := prefix
	if rest := len(secret) - prefix; rest >= minHidden+2 {
		show += 2
	}
	return clean(secret[:show]) + fmt.Sprintf("…(%d chars)", utf8.RuneCount(secret))
}

// clean replaces what is not printable ASCII, so that an excerpt cannot carry
// control characters to a terminal.
func clean(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		if c >= ' ' && c < 0x7f {
			out.WriteByte(c)
		} else {
			out.WriteByte('.')
		}
	}
	return out.String()
}

// prefix is the length of the part of secret that is the same for every secret
// of the rule: its keyword at the start, up to the last separator.
func (r *rule) prefix(secret []byte) int {
	if r.generic || r.assigned {
		return 0
	}
	if bytes.HasPrefix(secret, []byte("-----BEGIN")) {
		if i := bytes.Index(secret[10:min(len(secret), 80)], []byte("-----")); i >= 0 {
			return 10 + i + 5
		}
	}
	best := 0
	for _, k := range r.keywords {
		if len(k) > best && len(k)+minHidden <= len(secret) && strings.EqualFold(k, string(secret[:len(k)])) {
			best = len(k)
		}
	}
	return best
}

// maxBefore is how far before a secret its name may begin, in bytes.
const maxBefore = 512

// safeName returns the name of the secret at offset at of the text, or "" when
// another secret is in it.
func (w *worker) safeName(name string, at int) string {
	if name == "" {
		return ""
	}
	first, _ := slices.BinarySearchFunc(w.drafts, at-maxBefore, func(c candidate, from int) int { return cmp.Compare(c.secretStart, from) })
	for _, c := range w.drafts[first:] {
		if c.secretStart >= at {
			break
		}
		if strings.Contains(name, string(c.secret())) {
			return ""
		}
	}
	return name
}

// report returns the findings, sorted, and forgets them.
func (w *worker) report() []fnvet.Finding {
	out := w.findings
	w.findings = nil
	slices.SortStableFunc(out, func(a, b fnvet.Finding) int {
		return cmp.Or(cmp.Compare(a.Secret.Start, b.Secret.Start), cmp.Compare(a.ID, b.ID))
	})
	// A string of a constant pool is also a run of the binary.
	return slices.CompactFunc(out, func(a, b fnvet.Finding) bool {
		return a.ID == b.ID && a.Secret.Start == b.Secret.Start && a.Secret.Hash == b.Secret.Hash
	})
}

// derSequence is the first byte of every PKCS #12 file (RFC 7292, in DER or BER).
const derSequence = 0x30

// pathFinding reports a file whose name alone says that it holds a key.
func (w *worker) pathFinding(r *rule) {
	if !w.applies(r) || r.id == "pkcs12-file" && !bytes.HasPrefix(w.file.Data, []byte{derSequence}) {
		return
	}
	f := w.s.describe(r, []byte(w.file.Name), "by its name")
	f.Path, f.Layer = w.file.Path, w.file.Layer
	f.Secret.Hash = w.s.hash(w.file.Data)
	f.Secret.End = len(w.file.Data)
	f.Secret.Confidence, f.Secret.Source = confidenceOf(r, w.place), "file"
	w.findings = append(w.findings, f)
}
